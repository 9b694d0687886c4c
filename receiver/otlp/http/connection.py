"""Turn the bytes of one HTTP/1 connection into requests, within limits of time and size.

aiohttp's ``RequestHandler`` does the work. Added is what it has no setting for: how large a
head may be in all, how long it may take, and that who cannot be served reads why. For that its
queue of requests is reached into, which is why aiohttp's next major version is not taken
unseen (``pyproject.toml``).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import _ErrInfo
from multidict import CIMultiDict

from .. import answers
from . import words
from .app import HttpRim
from .config import HttpConfig
from .doorstep import head_without_length

# What a client still sends after its head could not be read is thrown away for so long; were
# the connection closed at once, the client would get a reset instead of its answer.
_REST_S = 2.0


@dataclass(frozen=True, slots=True)
class Door:
    """What all connections of a server have in common."""

    rim: HttpRim
    config: HttpConfig
    logger: logging.Logger


class Connection(web.RequestHandler):
    """One HTTP connection of ours: what is not even HTTP gets an OTLP answer too."""

    __slots__ = (
        "_body",
        "_door",
        "_head_bytes",
        "_head_timer",
        "_headers",
        "_left",
        "_mistake",
        "_rest",
    )

    def __init__(
        self,
        server: web.Server,
        door: Door,
        left: Callable[[], None],
        mistake: answers.Refusal | None = None,
    ) -> None:
        """Serve; ``left`` is called at the end. Where ``mistake`` is known, say that instead."""
        quiet: Any = None  # aiohttp takes None for no access log; its annotation forgets that
        limit_bytes = int(door.config.max_header_bytes)
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            logger=door.logger,
            access_log=quiet,
            # Admission inflates, within a limit.
            auto_decompress=False,
            max_line_size=limit_bytes,
            max_field_size=limit_bytes,
            keepalive_timeout=door.config.idle_timeout_s,
            # Who is refused may finish sending, in the time a body may take, and read the answer.
            lingering_time=door.config.read_timeout_s,
        )
        self._door = door
        self._left = left
        self._mistake = mistake
        self._body: Any = None
        self._rest: _Rest | None = None
        self._headers: CIMultiDict[str] | None = None
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; see that heads end in time and within their limit."""
        if self._rest is not None:
            return
        between = self._body is None or bool(self._body.is_eof())
        seen = self._request_count
        super().data_received(data)
        if self._request_count != seen and self._messages:
            self._head_came(data)
        elif between and data and self.transport is not None:
            self._head_grows(len(data))

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the timers, and whoever waits for more."""
        self._head_came_or_not()
        super().connection_lost(exc)
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
            error: answers.Refusal = self._door.rim.bug(exc or TimeoutError("a handler timed out"))
        else:
            limit_bytes = int(self._door.config.max_header_bytes)
            error = self._mistake or words.not_http(message or str(exc), limit_bytes)
        return self._closing(request, error)

    def refuse(self, request: web.BaseRequest) -> web.Response:
        """Answer a request with the mistake that is known of its connection."""
        unknown = RuntimeError("a connection without a mistake was refused")
        return self._closing(request, self._mistake or self._door.rim.bug(unknown))

    def _closing(self, request: web.BaseRequest, error: answers.Refusal) -> web.Response:
        response = self._door.rim.refuse(request, error, self._headers)
        response.force_close()
        return response

    def _reads_on(self) -> bool:
        body = self._body
        return body is not None and not body.is_eof() and body.exception() is None

    def _await_head(self) -> None:
        timeout_s = self._door.config.header_timeout_s
        self._head_timer = self._loop.call_later(timeout_s, self._head_is_late)

    def _head_came(self, data: bytes) -> None:
        """Go on to the body of the head that came last, or to the end if it cannot be read."""
        self._head_came_or_not()
        told, self._body = self._messages[-1]
        if isinstance(told, _ErrInfo):
            self._messages.pop()
            self._queue(told)
            self._headers = head_without_length(data)
            if self._headers is not None:
                self._mistake = words.length_required()

    def _head_grows(self, more_bytes: int) -> None:
        if self._head_timer is None:
            self._await_head()
        self._head_bytes += more_bytes
        limit_bytes = int(self._door.config.max_header_bytes)
        if self._head_bytes > limit_bytes:
            self._give_up(words.headers_too_large(limit_bytes))

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._give_up(words.slow_header(self._door.config.header_timeout_s))
        else:
            self.force_close()

    def _head_came_or_not(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self, mistake: answers.Refusal) -> None:
        """Answer a mistake when the requests before it have been answered, and close."""
        self._head_came_or_not()
        self._mistake = mistake
        self._queue(_ErrInfo(HTTPStatus.BAD_REQUEST, ConnectionError(), ""))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _queue(self, trouble: _ErrInfo) -> None:
        self._rest = _Rest(self.transport)
        untyped: Any = self._rest
        self._messages.append((trouble, untyped))


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
