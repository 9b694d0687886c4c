"""Turn OTLP/HTTP requests into accepted bodies, in a server of our own or in a host's."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.signal import Accepted, Signal
from . import admission, answers
from .endpoint import Endpoint, cannot_listen, joined, split
from .rim import Hold, Rim

# When the server stops no request is in hand any more; this is for answers still being written,
# and for clients still sending what has been refused.
_FLUSH_S = 0.25


class HttpConfig(BaseModel):
    """OTLP/HTTP: where to listen and how much to take."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    endpoint: Endpoint = "127.0.0.1:4318"
    """Where to listen, as host:port; port 0 takes any that is free."""
    max_request_bytes: ByteSize = Field(default=ByteSize(64 * 1024**2), gt=0)
    """The largest body taken, also after inflating."""
    read_timeout_s: float = Field(default=60.0, gt=0)
    """Seconds a client may take to send its body."""

    @model_validator(mode="before")
    @classmethod
    def _understand_collector(cls, values: Any) -> Any:
        if isinstance(values, dict) and "max_request_body_size" in values:
            ours = {**values, "max_request_bytes": values["max_request_body_size"]}
            del ours["max_request_body_size"]
            return ours
        return values


class HttpRim:
    """Answer ``POST /v1/{traces,metrics,logs}``; every refusal is a ``google.rpc.Status``."""

    def __init__(self, rim: Rim, config: HttpConfig, *, in_host: bool) -> None:
        """Serve in a server of our own, or ``in_host``, which may have inflated bodies already."""
        self._rim = rim
        self._limit_bytes = int(config.max_request_bytes)
        self._read_timeout_s = config.read_timeout_s
        self._in_host = in_host

    def app(self) -> web.Application:
        """Give the application, to serve or to mount under any prefix."""

        @web.middleware
        async def answer_strangers(request: web.Request, handler: Any) -> web.StreamResponse:
            try:
                response: web.StreamResponse = await handler(request)
            except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
                paths = [resource.canonical for resource in app.router.resources()]
                return self.refuse(request, _stranger(request, error.status, paths))
            return response

        app = web.Application(middlewares=[answer_strangers])
        for signal in Signal:
            export = partial(self._export, signal)
            app.router.add_route("POST", f"/v1/{signal}", export, expect_handler=self._expect)
        return app

    def refuse(self, request: web.BaseRequest, error: answers.Refusal) -> web.Response:
        """Count a refusal that needed no work, and answer it."""
        self._rim.refuse(error)
        encoding = admission.answer_encoding(
            request.headers.get("Content-Type"), request.headers.get("Accept")
        )
        return _response(answers.http_refusal(error, encoding))

    def bug(self, error: BaseException) -> Retryable:
        """Log what nobody foresaw; see ``Rim.bug``."""
        return self._rim.bug(error)

    async def _expect(self, request: web.Request) -> None:
        """Ask for the body, unless its length alone is reason to refuse it."""
        asked = request.headers["Expect"].strip().lower() == "100-continue"
        fits = (request.content_length or 0) <= self._limit_bytes
        if asked and fits and request.version >= (1, 1):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # As aiohttp's own handler does: the response has not begun yet.
            request.writer.output_size = 0

    async def _export(self, signal: Signal, request: web.Request) -> web.Response:
        ended = await self._rim.run(signal, self._receive(signal, request))
        encoding = admission.answer_encoding(
            request.headers.get("Content-Type"), request.headers.get("Accept")
        )
        response = _response(answers.http_answer(ended, signal, encoding))
        if request.content.exception() is not None:
            # aiohttp will close a connection whose body it could not read: say so.
            response.force_close()
        return response

    async def _receive(self, signal: Signal, request: web.Request) -> Accepted:
        encoding = admission.encoding_of(request.headers.get("Content-Type"))
        gzip = admission.is_gzip(request.headers.get("Content-Encoding"))
        with self._rim.hold() as hold:
            body = await self._read(request, hold)
            if gzip and self._must_inflate(body):
                body = self._fitting(await self._rim.inflated(body, self._limit_bytes), hold)
            return await self._rim.accept(signal, encoding, body)

    def _must_inflate(self, body: bytes) -> bool:
        # aiohttp servers inflate bodies unless told not to, and leave the header as it was.
        # Neither JSON nor a protobuf message can begin with gzip's two bytes.
        return not self._in_host or body.startswith(admission.GZIP_MAGIC)

    async def _read(self, request: web.Request, hold: Hold) -> bytes:
        length = request.content_length
        if length is not None:
            if length > self._limit_bytes:
                raise admission.too_large(self._limit_bytes)
            hold.see_room(length)
        try:
            if request.content.is_eof():
                return self._fitting(request.content.read_nowait(), hold)
            async with asyncio.timeout(self._read_timeout_s):
                return await self._read_all(request, hold)
        except TimeoutError as error:
            raise admission.too_slow(self._read_timeout_s) from error
        except ConnectionError as error:
            raise Permanent("The client went away.", reason="client_gone") from error
        except web.RequestPayloadError as error:
            raise _broken_body(error) from error

    def _fitting(self, body: bytes, hold: Hold) -> bytes:
        """Give the body if it is within the limit, which a host's inflating may have burst."""
        if len(body) > self._limit_bytes:
            raise admission.too_large(self._limit_bytes)
        hold.resize(len(body))
        return body

    async def _read_all(self, request: web.Request, hold: Hold) -> bytes:
        chunks: list[bytes] = []
        came_bytes = 0
        while chunk := await request.content.readany():
            chunks.append(chunk)
            came_bytes += len(chunk)
            if came_bytes > self._limit_bytes:
                raise admission.too_large(self._limit_bytes)
            hold.resize(came_bytes)
        return b"".join(chunks)


class HttpServer:
    """Serve the rim on a port of its own."""

    def __init__(self, rim: Rim, config: HttpConfig, *, receiver: str) -> None:
        """Open nothing yet."""
        self._endpoint = config.endpoint
        self._receiver = receiver
        self._rim = HttpRim(rim, config, in_host=False)
        self._runner = web.AppRunner(self._rim.app(), shutdown_timeout=_FLUSH_S)
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen; give the address. Raises Permanent if the port cannot be had."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        host, port = split(self._endpoint)
        connection = partial(Connection, self._runner.server, self._rim, loop)
        try:
            self._server = await loop.create_server(connection, host or None, port)
        except OSError as error:
            raise cannot_listen(self._receiver, "http", self._endpoint, error) from error
        return joined(*self._server.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Close the port and the connections; the requests on them have been answered."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()


class Connection(web.RequestHandler):
    """One HTTP connection of ours: what is not even HTTP gets an OTLP answer too."""

    __slots__ = ("_rim",)

    def __init__(self, server: Any, rim: HttpRim, loop: asyncio.AbstractEventLoop) -> None:
        """Leave inflating to admission, which does it with a limit."""
        quiet: Any = None  # aiohttp takes None for no access log; its annotation forgets that
        super().__init__(server, loop=loop, auto_decompress=False, access_log=quiet)
        self._rim = rim

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
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            error: answers.Refusal = _not_http(message or str(exc))
        else:
            error = self._rim.bug(exc or TimeoutError("a handler timed out"))
        response = self._rim.refuse(request, error)
        response.force_close()
        return response


def _response(answer: answers.HttpAnswer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def _stranger(request: web.Request, status: int, paths: list[str]) -> Permanent:
    known = ", ".join(paths)
    if status == HTTPStatus.NOT_FOUND:
        return Permanent(f"{request.path}: no such path. POST to {known}.", reason="not_found")
    return Permanent(
        f"{request.method} {request.path}: this path takes POST only. POST telemetry to {known}.",
        reason="bad_method",
    )


def _broken_body(error: Exception) -> Permanent:
    """Name what the HTTP server could not read; with a host's server that may be the gzip."""
    gzip = "content-encoding" in str(error).lower()
    return Permanent(
        f"body: {' '.join(str(error).split())}. Send it whole, as its headers say.",
        reason="broken_gzip" if gzip else "bad_http",
    )


def _not_http(message: str) -> Permanent:
    return Permanent(
        f"Not a well-formed HTTP request: {' '.join(message.split())}. POST OTLP over plain "
        f"HTTP/1.1 here; OTLP over gRPC has a port of its own.",
        reason="bad_http",
    )
