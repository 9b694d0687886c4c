"""Turn OTLP/HTTP requests into accepted bodies; every refusal is a ``google.rpc.Status``."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web

from ....pipeline.core.errors import Permanent
from ....pipeline.core.signal import Accepted, Encoding, Signal
from ...tell import tell_signal
from .. import admission, answers
from ..door import desk
from ..door.desk import Desk, peer_of
from ..door.words import headers_too_large, is_grpc
from ..endpoint import split
from ..guard.in_hand import Hold
from ..guard.origins import Visitors, is_loopback
from ..rim import Rim
from . import paths, words
from .body import Incoming
from .config import HttpConfig


class _Came(NamedTuple):
    """A body that came whole, and who sent it."""

    encoding: Encoding
    body: bytes
    hold: Hold


def nowhere() -> str:
    """Name no gRPC endpoint."""
    return ""


class HttpRim:
    """Answer ``POST /v1/{traces,metrics,logs}``, and all else in words."""

    def __init__(
        self,
        rim: Rim,
        config: HttpConfig,
        *,
        in_host: bool,
        grpc_url: Callable[[], str] = nowhere,
    ) -> None:
        """Serve in a server of our own, or ``in_host``, which may have inflated bodies already.

        ``grpc_url`` tells where the receiver's gRPC port is, if there is one.
        """
        self.desk = Desk(rim)
        self._rim = rim
        self._config = config
        self._in_host = in_host
        self._grpc_url = grpc_url
        # By which names a host is called is the host's business.
        hosts = () if in_host else config.allowed_hosts
        loopback = not in_host and is_loopback(split(config.endpoint)[0])
        self._visitors = Visitors(config.cors, hosts, loopback, serves_pages=in_host)

    def app(self) -> web.Application:
        """Give the application, to serve or to mount under any prefix."""
        app = web.Application(middlewares=[self._answer])
        for signal, path in paths.PATHS.items():
            export = partial(self._export, signal)
            app.router.add_route("POST", path, export, expect_handler=_not_yet)
        # Under a prefix the empty path is the prefix itself, which is as much ours.
        for path in ("", r"/{path:[\s\S]*}"):
            app.router.add_route("*", path, self._elsewhere, expect_handler=_not_yet)
        return app

    def grpc_came(self) -> Permanent:
        """Say that gRPC has a port of its own."""
        return words.grpc_came(self._grpc_url())

    @web.middleware
    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Look at who asks before what is asked; let a page that may send read the answer."""
        origin = request.headers.get("Origin")
        try:
            self._see_head(request)
            self._visitors.check(request.headers.get("Host"), origin)
            response: web.StreamResponse = await handler(request)
        except Permanent as error:
            response = self.desk.refuse(request, error)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            # What matches no route at all: CONNECT, or OPTIONS of `*`.
            response = self.desk.refuse(request, self._stranger(request, request.path, ""))
        for name, value in self._visitors.answer_headers(origin).items():
            response.headers.setdefault(name, value)
        return response

    def _see_head(self, request: web.Request) -> None:
        """Refuse a head that came at once and is too large; a host has limits of its own."""
        limit_bytes = int(self._config.max_header_bytes)
        nbytes = len(request.raw_path) + sum(len(n) + len(v) for n, v in request.raw_headers)
        if nbytes > limit_bytes and not self._in_host:
            raise headers_too_large(limit_bytes)

    async def _export(self, signal: Signal, request: web.Request) -> web.Response:
        ended = await self._rim.run(peer_of(request), self._receive(signal, request))
        return self._answered(request, signal, ended)

    async def _receive(self, signal: Signal, request: web.Request) -> Accepted:
        async with self._taken(request) as came:
            return await self._rim.accept(signal, came.encoding, came.body, came.hold)

    async def _export_root(self, request: web.Request) -> web.Response:
        """Take a body as the signal it holds."""
        told: list[Signal] = []

        async def receive() -> Accepted:
            async with self._taken(request) as came:
                signal = tell_signal(came.body, came.encoding)
                if signal is None:
                    raise words.untold_root(_prefix_of(request))
                told.append(signal)
                return await self._rim.accept(signal, came.encoding, came.body, came.hold)

        ended = await self._rim.run(peer_of(request), receive())
        # A refusal reads the same for all of them.
        return self._answered(request, told[0] if told else Signal.LOGS, ended)

    def _answered(self, request: web.Request, signal: Signal, ended: answers.Ended) -> web.Response:
        encoding, limit_bytes = desk.answer_encoding(request.headers), self._rim.max_response_bytes
        return desk.response(request, answers.http_answer(ended, signal, encoding, limit_bytes))

    @asynccontextmanager
    async def _taken(self, request: web.Request) -> AsyncIterator[_Came]:
        """Have the whole body of a request in hand while the block runs.

        All that the head can tell is judged before any of the body is asked for, and only a
        body that begins to come takes up a place among the requests in hand.
        """
        peer, authorization = peer_of(request), request.headers.get("Authorization")
        limit_bytes = int(self._config.max_request_bytes)
        incoming = Incoming(request, self._rim, limit_bytes, self._config.read_timeout_s)
        hold = self._rim.hold(peer, authorization)
        encoding = words.encoding_of(request.headers.get("Content-Type"), self._grpc_url())
        gzip = admission.is_gzip(request.headers.get("Content-Encoding"))
        incoming.see_length(hold)
        if not incoming.is_here:
            await incoming.begin()
            hold = self._rim.hold(peer, authorization)
        with hold:
            body = await incoming.whole(hold)
            if gzip and self._must_inflate(body):
                body = await self._rim.inflated(body, limit_bytes)
                hold.resize(len(body))
            yield _Came(encoding, body, hold)

    def _must_inflate(self, body: bytes) -> bool:
        # aiohttp servers inflate bodies unless told not to, and leave the header as it was.
        # Neither JSON nor a protobuf message can begin with gzip's two bytes.
        return not self._in_host or body.startswith(admission.GZIP_MAGIC)

    async def _elsewhere(self, request: web.Request) -> web.Response:
        """Answer what came to no path of ours, or not by POST."""
        path = _path_of(request)
        signal = paths.signal_of(path)
        if request.method == "POST" and signal is not None:
            return await self._export(signal, request)
        if request.method == "POST" and paths.is_root(path) and self._config.accept_root:
            return await self._export_root(request)
        if self._config.cors is not None and _is_preflight(request):
            return self._preflight(request)
        return self.desk.refuse(request, self._stranger(request, path, _prefix_of(request)))

    def _preflight(self, request: web.Request) -> web.Response:
        asked = request.headers.get
        headers = self._visitors.preflight_headers(
            asked("Origin"),
            asked("Access-Control-Request-Method"),
            asked("Access-Control-Request-Headers"),
        )
        return web.Response(status=204, headers=headers)

    def _stranger(self, request: web.Request, path: str, prefix: str) -> Permanent:
        if is_grpc(path, request.headers.get("Content-Type")):
            return self.grpc_came()
        if request.method == "POST" and paths.is_root(path):
            return words.untold_root(prefix)
        if paths.signal_of(path) is not None:
            return Permanent(
                f"{request.method} {request.path}: this path takes POST only. POST telemetry to "
                f"{paths.all_of(prefix)}.",
                reason="bad_method",
            )
        return Permanent(paths.lost(path, prefix), reason="not_found")


def _path_of(request: web.Request) -> str:
    """Give the path below the prefix under which a host has mounted us; only for stray paths."""
    path = request.match_info.get("path")
    return "" if path is None else f"/{path}"


def _prefix_of(request: web.Request) -> str:
    return request.path.removesuffix(_path_of(request)).rstrip("/")


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


async def _not_yet(_: web.Request) -> None:
    """Leave ``Expect: 100-continue`` for when the body is wanted."""
