"""Turn HTTP/2 spoken where it is not, or by one too many, into an answer in words, and an end."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import cast
from urllib.parse import quote

from google.rpc import code_pb2
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

from ....pipeline.core.errors import Retryable
from .. import admission, answers
from . import words
from .desk import Desk
from .timer import Timer

# Time for a client to read its answer before the connection goes.
_LINGER_S = 2.0

# A first request is among the first bytes: the preface, some small frames, a head of 16 KiB as
# gRPC bounds it. More without one are frames that cost much to read and mean nothing
# (CVE-2019-9512 and -9515: floods of pings and of settings).
_MOST_BYTES = 64 * 1024

# As gRPC writes `grpc-message`: what can be printed in ASCII stays, all else is %-encoded.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")

Mistake = Callable[[bool], answers.Refusal]
"""What to say to a request: to one of gRPC (True), or to another (False)."""


class Http2(asyncio.Protocol):
    """One HTTP/2 connection: its first request is answered, then it is closed."""

    def __init__(
        self,
        desk: Desk,
        peer: str,
        left: Callable[[], None],
        timeout_s: float,
        mistake: Mistake,
    ) -> None:
        """Wait ``timeout_s`` for a request; ``left`` is called at the end."""
        self._desk = desk
        self._peer = peer
        self._left = left
        self._timeout_s = timeout_s
        self._mistake = mistake
        self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._answered = False
        self._left_bytes = _MOST_BYTES
        self._timer = Timer(self.close)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello as HTTP/2 does."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer.start(self._timeout_s)
        self._http2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Answer the first request; throw away what comes after."""
        if self._answered:
            return
        data, self._left_bytes = data[: self._left_bytes], self._left_bytes - len(data)
        try:
            events = self._http2.receive_data(data)
            request = next((event for event in events if isinstance(event, RequestReceived)), None)
            if request is not None:
                self._refuse(request)
                self._http2.close_connection()
            elif self._left_bytes <= 0:
                self._http2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
        except ProtocolError:
            # What to tell the client of it, h2 has put into what is to be sent.
            self._end()
            return
        if request is not None or self._left_bytes <= 0:
            self._end()
        else:
            self._flush()

    def connection_lost(self, _: Exception | None) -> None:
        """End the timer."""
        self._timer.stop()
        self._left()

    def close(self) -> None:
        """Close at once; what was not read by now may never be."""
        self._transport.abort()

    def _refuse(self, request: RequestReceived) -> None:
        """Count a request and answer it."""
        told = {bytes(name).lower(): bytes(value) for name, value in request.headers or ()}
        content_type = _text(told.get(b"content-type"))
        is_grpc = words.is_grpc(_text(told.get(b":path")) or "", content_type)
        error = self._mistake(is_grpc)
        self._desk.note(error, self._peer)
        if is_grpc:
            self._http2.send_headers(request.stream_id, _grpc_status(error), end_stream=True)
        else:
            accept = _text(told.get(b"accept"))
            encoding = admission.answer_encoding(content_type, accept)
            self._send(request.stream_id, answers.http_refusal(error, encoding))

    def _send(self, stream: int, answer: answers.HttpAnswer) -> None:
        """Answer; who leaves no room for words gets the status alone, and is not waited for."""
        headers = [(name.lower(), value) for name, value in answer.headers.items()]
        fits = len(answer.body) <= self._http2.local_flow_control_window(stream)
        self._http2.send_headers(
            stream, [(":status", str(answer.status)), *headers], end_stream=not fits
        )
        if fits:
            self._http2.send_data(stream, answer.body, end_stream=True)

    def _end(self) -> None:
        """Send what is to be sent, and let the client go first.

        Did we close to send at once, grpc's clients would now and then find the end before the
        answer, and show their user "Stream removed" (grpcio 1.85).
        """
        self._answered = True
        self._flush()
        self._timer.stop()
        self._timer.start(min(_LINGER_S, self._timeout_s))

    def _flush(self) -> None:
        self._transport.write(self._http2.data_to_send())


def _grpc_status(error: answers.Refusal) -> list[tuple[str, str]]:
    """Write a call's end as gRPC does where there is no answer before it ("Trailers-Only")."""
    told = answers.status(error)
    # Clients print the one with its words, and send the call again on the other alone (OTLP
    # specification, "Failures", lists which codes are retryable).
    if not isinstance(error, Retryable):
        told.code = code_pb2.UNIMPLEMENTED
    more = {
        "grpc-status-details-bin": told.SerializeToString(),
        # Where OpenTelemetry's Python exporter looks for the delay (1.45).
        answers.RETRY_INFO: answers.retry_info(error),
    }
    details = [(name, b64encode(value).decode()) for name, value in more.items() if value]
    return [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", str(told.code)),
        ("grpc-message", quote(told.message, safe=_PLAIN)),
        *details,
    ]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
