"""Turn HTTP/2 spoken to this port into an answer in words, and an end."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast
from urllib.parse import quote

from google.rpc import code_pb2
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

from ....pipeline.core.errors import Permanent
from .. import admission, answers
from . import words

# Time for a client to read its answer before the connection goes.
_LINGER_S = 2.0

# As gRPC writes `grpc-message`: what can be printed in ASCII stays, all else is %-encoded.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")

# Clients print it with its words, and none sends the call again (OTLP specification,
# "Failures", lists which codes are retryable).
_NOT_HERE = code_pb2.UNIMPLEMENTED


class Refusing(Protocol):
    """What answers need to know of the server."""

    def grpc_came(self) -> Permanent:
        """Say that gRPC has a port of its own."""

    def note(self, error: answers.Refusal, peer: str) -> None:
        """Count a refusal."""


class Http2(asyncio.Protocol):
    """One HTTP/2 connection: its first request is answered, then it is closed."""

    def __init__(
        self,
        rim: Refusing,
        peer: str,
        left: Callable[[], None],
        timeout_s: float,
        mistake: Permanent | None = None,
    ) -> None:
        """Wait ``timeout_s`` for a request; ``mistake`` is what to say of any of them."""
        self._rim = rim
        self._peer = peer
        self._left = left
        self._timeout_s = timeout_s
        self._mistake = mistake
        self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._answered = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello as HTTP/2 does."""
        self._transport = cast("asyncio.Transport", transport)
        self._close_in(self._timeout_s)
        self._http2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Answer the first request; throw away what comes after."""
        if self._answered:
            return
        try:
            events = self._http2.receive_data(data)
            request = next((event for event in events if isinstance(event, RequestReceived)), None)
            if request is not None:
                self._refuse(request)
                self._http2.close_connection()
        except ProtocolError:
            # What to tell the client of it, h2 has put into what is to be sent.
            self._end()
            return
        if request is not None:
            self._end()
        else:
            self._flush()

    def connection_lost(self, _: Exception | None) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._left()

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _refuse(self, request: RequestReceived) -> None:
        stream = request.stream_id
        told = {bytes(name).lower(): bytes(value) for name, value in request.headers or ()}
        content_type = _text(told.get(b"content-type"))
        if words.is_grpc(_text(told.get(b":path")) or "", content_type):
            error = self._mistake or self._rim.grpc_came()
            self._http2.send_headers(stream, _grpc_status(error), end_stream=True)
        else:
            error = self._mistake or words.http2_came()
            accept = _text(told.get(b"accept"))
            answer = answers.http_refusal(error, admission.answer_encoding(content_type, accept))
            headers = [(name.lower(), value) for name, value in answer.headers.items()]
            self._http2.send_headers(stream, [(":status", str(answer.status)), *headers])
            self._http2.send_data(stream, answer.body, end_stream=True)
        self._rim.note(error, self._peer)

    def _end(self) -> None:
        """Send what is to be sent, and let the client go first."""
        self._answered = True
        self._flush()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._close_in(min(_LINGER_S, self._timeout_s))

    def _flush(self) -> None:
        self._transport.write(self._http2.data_to_send())

    def _close_in(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._transport.close)


def _grpc_status(error: Permanent) -> list[tuple[str, str]]:
    """Write a call's end as gRPC does where there is no answer before it ("Trailers-Only")."""
    return [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", str(_NOT_HERE)),
        ("grpc-message", quote(str(error), safe=_PLAIN)),
    ]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
