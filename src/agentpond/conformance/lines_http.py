"""Send shots over HTTP/1.1 with a hand on every byte, and read what comes back.

No HTTP client in use lets one send half a request, a byte at a time or without a length, so the
requests are written here; the answers are read by h11, which keeps to the letter of HTTP.
"""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11

from .model import Answer, Compression, HttpAnswer, Shot, Silence, Transport
from .target import Target
from .telemetry import PATHS

CONTENT_TYPES = {
    Transport.PROTOBUF: "application/x-protobuf",
    Transport.JSON: "application/json",
}
_READ_BYTES = 65536
_MOST_BYTES = 16 * 1024**2
Headers = Sequence[tuple[str, str]]


class AnswerReader:
    """Turn the bytes of a connection into answers. No sockets."""

    def __init__(self) -> None:
        """Begin with a fresh connection."""
        self._http = h11.Connection(h11.CLIENT)

    def asked(self, method: str) -> None:
        """Know that a request was sent: what its answer looks like depends on the method."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        # Only the method matters to h11; the true request may be one it would never write.
        self._http.send(h11.Request(method=method, target="/", headers=[("Host", "any")]))
        self._http.send(h11.EndOfMessage())

    def took(self, data: bytes) -> None:
        """Take what came; no bytes mean that the connection was closed."""
        self._http.receive_data(data)

    def answer(self) -> "AnswerParts":
        """Begin to read one answer."""
        return AnswerParts(self._http)


class AnswerParts:
    """One answer while it comes in."""

    def __init__(self, http: h11.Connection) -> None:
        """Read from a connection."""
        self._http = http
        self._head: h11.Response | None = None
        self._interim: list[int] = []
        self._body = bytearray()

    @property
    def interim(self) -> tuple[int, ...]:
        """The 1xx statuses that came so far."""
        return tuple(self._interim)

    @property
    def begun(self) -> bool:
        """Whether any of the answer came."""
        return self._head is not None

    def done(self) -> HttpAnswer | None:
        """Give the answer if all of it has come. Raises h11.RemoteProtocolError."""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return None
            if isinstance(event, h11.InformationalResponse):
                self._interim.append(event.status_code)
            elif isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > _MOST_BYTES:
                    raise h11.RemoteProtocolError(f"a body of more than {_MOST_BYTES} bytes")
            elif self._head is not None:
                return self._made(self._head)
            else:
                raise h11.RemoteProtocolError("the connection was closed without an answer")

    def _made(self, head: h11.Response) -> HttpAnswer:
        raw = head.headers.raw_items()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
        return HttpAnswer(head.status_code, headers, bytes(self._body), self.interim)


class HttpConnection:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak over a pair of streams."""
        self._reader = reader
        self._writer = writer
        self._answers = AnswerReader()

    async def write(self, pieces: Iterable[bytes]) -> None:
        """Write pieces one by one; who has gone away shows when the answer is read."""
        with suppress(ConnectionError, ssl.SSLError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()

    async def exchange(self, pieces: Iterable[bytes], method: str = "POST") -> Answer:
        """Write a request and read its answer at once: it may come before all is written."""
        writing = asyncio.create_task(self.write(pieces))
        try:
            return await self.read(method)
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    async def read(self, method: str = "POST") -> Answer:
        """Read the answer to a request with this method."""
        try:
            self._answers.asked(method)
        except h11.LocalProtocolError:
            return Silence("the connection was closed after the answer before")
        return await self._read_guarded(self._read_all(self._answers.answer()))

    async def expecting(self, head: bytes, body: bytes) -> Answer:
        """Send a head that expects 100-continue, and its body once it is asked for."""
        return await self._read_guarded(self._expecting(head, body))

    async def _expecting(self, head: bytes, body: bytes) -> Answer:
        self._answers.asked("POST")
        parts = self._answers.answer()
        await self.write([head])
        while not parts.interim:
            await self._read_more(parts)
            early = parts.done()
            if early is not None:
                return early
        await self.write([body])
        return await self._read_all(parts)

    async def _read_guarded(self, reading: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return await reading
        except h11.RemoteProtocolError as error:
            return Silence(f"no HTTP answer: {error}")
        except (ConnectionError, ssl.SSLError) as error:
            return Silence(f"the connection was broken: {error}")

    async def _read_all(self, parts: AnswerParts) -> HttpAnswer:
        while (answer := parts.done()) is None:
            await self._read_more(parts)
        return answer

    async def _read_more(self, parts: AnswerParts) -> None:
        data = await self._reader.read(_READ_BYTES)
        if not data and not parts.begun:
            raise ConnectionError("closed without an answer")
        self._answers.took(data)


class HttpLine:
    """Reach one HTTP endpoint."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None, headers: Headers) -> None:
        """Send these headers with every request, unless it is to come from a stranger."""
        self._target = target
        self._tls = tls
        self._headers = headers

    async def send(self, shot: Shot) -> Answer:
        """Send a shot over a connection of its own."""
        head, body = self.request(shot)
        try:
            async with self.open() as connection:
                return await connection.exchange([head + body], shot.method)
        except (OSError, ssl.SSLError) as error:
            return Silence(f"no connection: {error}")

    async def close(self) -> None:
        """Close nothing: every connection was one case's own."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[HttpConnection]:
        """Open a connection. Raises OSError."""
        target = self._target
        name = target.host if self._tls else None
        reader, writer = await asyncio.open_connection(
            target.host, target.port, ssl=self._tls, server_hostname=name
        )
        try:
            yield HttpConnection(reader, writer)
        finally:
            # Not closed politely: a case may have left half a request behind.
            writer.transport.abort()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    def request(self, shot: Shot) -> tuple[bytes, bytes]:
        """Write a shot's head and body."""
        body = shot.body()
        if shot.compression is Compression.GZIP:
            body = gzip.compress(body, compresslevel=1, mtime=0)
        path = PATHS[shot.signal] if shot.path is None else shot.path
        lines = [f"{shot.method} {self._target.prefix}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._heads(shot, len(body)).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), body

    def _heads(self, shot: Shot, length: int) -> dict[str, str]:
        usual: dict[str, str | None] = {
            "Host": self._target.address,
            "User-Agent": "agentpond-conformance",
            "Content-Type": CONTENT_TYPES[shot.transport],
            "Content-Length": str(length),
        }
        if shot.compression is Compression.GZIP:
            usual["Content-Encoding"] = "gzip"
        if not shot.anonymous:
            usual |= dict(self._headers)
        return {
            name: value for name, value in {**usual, **shot.headers}.items() if value is not None
        }
