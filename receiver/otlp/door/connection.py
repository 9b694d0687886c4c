"""Turn the bytes of one HTTP/1 connection into requests, within limits of time and size.

aiohttp's ``RequestHandler`` does the work. Added is what it has no setting for: how large a
head may be in all, how long it may take, and that who cannot be served reads why. For that its
queue of requests is reached into, which is why aiohttp's next major version is not taken
unseen (``pyproject.toml``).
"""

import asyncio
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError, InvalidURLError
from aiohttp.web_protocol import _ErrInfo
from multidict import CIMultiDict

from .. import answers
from . import words
from .port import Port
from .spoken import head_without_length
from .timer import Timer

# What a client still sends after its head could not be read is thrown away for so long; were
# the connection closed at once, the client would get a reset instead of its answer.
_REST_S = 2.0

# The same for a body that was refused or too slow: who sends it on without a pause gets to read
# the answer, and nobody holds on to the connection for another read_timeout_s.
_LINGER_S = 10.0

# What has been closed and is not gone by then has not read what was sent, and never may.
_GONE_S = 2.0

_BAD_TARGET = "Invalid target"
_OUR_NAME = "agentpond"


class Connection(web.RequestHandler):
    """One HTTP connection of ours: what is not even HTTP gets an OTLP answer too."""

    __slots__ = (
        "_body",
        "_gone_timer",
        "_head_bytes",
        "_head_timer",
        "_headers",
        "_left",
        "_mistake",
        "_peer",
        "_port",
        "_rest",
        "_unread_bytes",
        "_unread_timer",
        "_wire",
    )

    def __init__(
        self,
        server: web.Server,
        port: Port,
        peer: str,
        left: Callable[[], None],
        mistake: answers.Refusal | None = None,
    ) -> None:
        """Serve a peer; ``left`` is called at the end.

        Where ``mistake`` is known, that is said instead.
        """
        quiet: Any = None  # aiohttp takes None for no access log; its annotation forgets that
        limit_bytes = int(port.limits.max_header_bytes)
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            logger=port.logger,
            access_log=quiet,
            # Admission inflates, within a limit.
            auto_decompress=False,
            max_line_size=limit_bytes,
            max_field_size=limit_bytes,
            keepalive_timeout=port.limits.idle_timeout_s,
            lingering_time=min(port.limits.read_timeout_s, _LINGER_S),
        )
        self._port = port
        self._peer = peer
        self._left = left
        self._mistake = mistake
        self._body: Any = None
        self._rest: _Rest | None = None
        self._headers: CIMultiDict[str] | None = None
        self._head_bytes = 0
        self._wire: asyncio.Transport | None = None
        self._head_timer = Timer(self._head_is_late)
        self._unread_timer = Timer(self._cut_off)
        self._gone_timer = Timer(self._cut_off)
        self._unread_bytes = int(port.limits.max_request_bytes) + limit_bytes

    @property
    def peername(self) -> tuple[str, int]:
        """Give the address known since the connection was taken; its socket may be gone."""
        return self._peer, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a first request."""
        self._wire = cast("asyncio.Transport", transport)
        super().connection_made(transport)
        task = cast("asyncio.Task[None]", self._task_handler)
        task.add_done_callback(self._task_ended)
        self._head_timer.start(self._port.limits.header_timeout_s)

    def data_received(self, data: bytes) -> None:
        """Take what came; see that heads end in time and within their limit."""
        if self._rest is not None or (self._mistake is not None and self._is_enough(len(data))):
            return
        between = self._body is None or bool(self._body.is_eof())
        seen = self._request_count
        try:
            super().data_received(data)
        except (ValueError, LookupError):
            # What yarl makes of a target such as `http://[::%25xn--e]@/` (1.25).
            self._give_up(self._not_http(_BAD_TARGET))
            return
        self._see_heads(self._request_count - seen)
        if self._request_count != seen and self._messages:
            self._head_came(data)
        elif between and data and self.transport is not None:
            self._head_grows(len(data))

    def pause_writing(self) -> None:
        """Give who does not read as long as who does not send."""
        super().pause_writing()
        self._unread_timer.start(self._port.limits.read_timeout_s)

    def resume_writing(self) -> None:
        """Go on with who reads again."""
        self._unread_timer.stop()
        super().resume_writing()

    def force_close(self) -> None:
        """Close; what is not read soon after will not be waited for."""
        super().force_close()
        self._see_it_gone()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the timers, and whoever waits for more."""
        self._wire = None
        self._head_is_over()
        self._unread_timer.stop()
        super().connection_lost(exc)
        self._gone_timer.stop()
        if self._rest is not None:
            self._rest.end()
        elif self._reads_on():
            # aiohttp wakes a handler that reads, but not itself where it throws away the body
            # of a request that was refused (3.14).
            self._body.set_exception(ConnectionResetError("the client went away"))
        self._left()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what aiohttp did not expect; that a client is gone is nothing of the kind."""
        if not isinstance(kw.get("exc_info"), ConnectionError):
            super().log_exception(*args, **kw)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, without the versions of Python and aiohttp."""
        resp.headers.setdefault("Server", _OUR_NAME)
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp would answer in plain text."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: another cannot be sent") from exc
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            error: answers.Refusal = self._port.desk.bug(exc or TimeoutError("a handler timed out"))
        else:
            # All that the parser says of a target is the target, and that may hold a password.
            told = _BAD_TARGET if isinstance(exc, InvalidURLError) else message
            error = self._mistake or self._not_http(told or str(exc))
            # It stands for what could not be read, and says that it is of HTTP/1.0.
            request._version = HttpVersion11  # noqa: SLF001
        return self._closing(request, error)

    def refuse(self, request: web.BaseRequest) -> web.Response:
        """Answer a request with the mistake that is known of its connection."""
        unknown = RuntimeError("a connection without a mistake was refused")
        return self._closing(request, self._mistake or self._port.desk.bug(unknown))

    def _closing(self, request: web.BaseRequest, error: answers.Refusal) -> web.Response:
        response = self._port.desk.refuse(request, error, self._headers)
        response.force_close()
        return response

    def _is_enough(self, more_bytes: int) -> bool:
        """Hang up on who goes on and on though he has been, or will be, refused."""
        self._unread_bytes -= more_bytes
        if self._unread_bytes >= 0:
            return False
        self.force_close()
        return True

    def _reads_on(self) -> bool:
        body = self._body
        return body is not None and not body.is_eof() and body.exception() is None

    def _not_http(self, message: str) -> answers.Refusal:
        return words.not_http(message, int(self._port.limits.max_header_bytes))

    def _see_heads(self, came: int) -> None:
        """Refuse those of the heads that came last that are not to get any further.

        aiohttp decodes a target's host where it makes the request, outside of what it catches
        (3.14), and would answer in whatever version of HTTP it was asked in.
        """
        for at in range(max(0, len(self._messages) - came), len(self._messages)):
            told, body = self._messages[at]
            wrong = "" if isinstance(told, _ErrInfo) else _wrong_with(told)
            if wrong:
                self._messages[at] = (_trouble(wrong), body)

    def _head_came(self, data: bytes) -> None:
        """Go on to the body of the head that came last, or to the end if it cannot be read."""
        self._head_is_over()
        told, self._body = self._messages[-1]
        if isinstance(told, _ErrInfo):
            self._make_last(told)
            # Said by the parser, it may be about what follows a head without a length.
            if isinstance(told.exc, HttpProcessingError):
                self._headers = self._head_alone(data)
            if self._headers is not None:
                self._mistake = words.length_required()

    def _head_alone(self, data: bytes) -> CIMultiDict[str] | None:
        """Give the headers of a POST without a length, if nothing else is wrong with them."""
        limit_bytes = int(self._port.limits.max_header_bytes)
        parser = HttpRequestParser(
            self,
            self._loop,
            limit_bytes,
            max_line_size=limit_bytes,
            max_field_size=limit_bytes,
        )
        head, end, _ = data.partition(b"\r\n\r\n")
        try:
            parser.feed_data(head + end)
        except (HttpProcessingError, ValueError, LookupError):
            return None
        return head_without_length(head + end)

    def _head_grows(self, more_bytes: int) -> None:
        self._head_timer.start(self._port.limits.header_timeout_s)
        self._head_bytes += more_bytes
        limit_bytes = int(self._port.limits.max_header_bytes)
        if self._head_bytes > limit_bytes:
            self._give_up(words.headers_too_large(limit_bytes))

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._give_up(words.slow_header(self._port.limits.header_timeout_s))
        else:
            self.force_close()

    def _head_is_over(self) -> None:
        """Stop counting and timing: it came whole, or never will."""
        self._head_bytes = 0
        self._head_timer.stop()

    def _give_up(self, mistake: answers.Refusal) -> None:
        """Answer a mistake when the requests before it have been answered, and close."""
        self._head_is_over()
        self._mistake = mistake
        self._make_last(_trouble(""))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _make_last(self, trouble: _ErrInfo) -> None:
        """Have trouble answered after all that came before it, and take nothing after it.

        This reaches into aiohttp's queue of requests. There trouble stands without a body (3.14),
        so that the connection would be closed over what a client still sends, which resets it
        and takes the answer away unread.
        """
        if self._messages and self._messages[-1][0] is trouble:
            self._messages.pop()
        self._rest = _Rest(self.transport)
        untyped: Any = self._rest
        self._messages.append((trouble, untyped))

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """See that nothing stays of a connection that is not served any more."""
        error = None if task.cancelled() else task.exception()
        if self._wire is None:
            return
        if error is not None:
            self._port.logger.error("a connection was closed by a bug of ours: %s", _origin(error))
        self._wire.close()
        self._see_it_gone()

    def _see_it_gone(self) -> None:
        if self._wire is not None:
            self._gone_timer.start(_GONE_S)

    def _cut_off(self) -> None:
        if self._wire is not None:
            self._wire.abort()


def _trouble(message: str) -> _ErrInfo:
    return _ErrInfo(HTTPStatus.BAD_REQUEST, ConnectionError(), message)


def _wrong_with(head: RawRequestMessage) -> str:
    """Say what is wrong with a head, as the parser would; empty if nothing is."""
    if head.version not in {HttpVersion10, HttpVersion11}:
        return "Invalid HTTP version"
    try:
        # Decoded where it is asked for.
        head.url.host  # noqa: B018
    except ValueError:
        return _BAD_TARGET
    return ""


def _origin(error: BaseException) -> str:
    """Name an error and where it is from, but not what it says, which a sender may have said."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


class _Rest:
    """What comes after a head that could not be read; stands where a request has its body.

    aiohttp reads on after an answer until the body has ended, and closes then.
    """

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport
        self._ended = asyncio.Event()

    def is_eof(self) -> bool:
        return self._ended.is_set()

    async def readany(self) -> bytes:
        """Say that no more will be said, and wait until the client goes."""
        transport = self._transport
        if transport is not None and not transport.is_closing() and transport.can_write_eof():
            transport.write_eof()
        asyncio.get_running_loop().call_later(_REST_S, self.end)
        await self._ended.wait()
        return b""

    def end(self) -> None:
        self._ended.set()

    def exception(self) -> BaseException | None:
        return None

    def set_exception(self, *_: object) -> None:
        self.end()
