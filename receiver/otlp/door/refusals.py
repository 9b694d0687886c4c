"""Turn connections that are not served into answers that say why."""

from typing import Any

from aiohttp import web

from ..answers import Refusal
from .connection import Connection
from .guest import Guest
from .http2 import Http2, Mistake
from .port import Port
from .spoken import Spoken


class Refusals:
    """The connections of one port that get an answer and nothing else."""

    def __init__(self, port: Port) -> None:
        """Answer none yet."""
        self._port = port
        self._server = web.Server(_refuse)
        self._http2: set[Http2] = set()

    async def say(self, guest: Guest, spoken: Spoken, error: Refusal) -> None:
        """Answer whatever request comes in its own tongue; TLS and noise get HTTP/1."""
        if spoken is Spoken.HTTP2:
            await guest.hand_to(lambda: self.http2(guest, lambda _: error))
        else:
            await guest.hand_to(
                lambda: Connection(self._server, self._port, guest.peer, guest.leave, error)
            )

    def http2(self, guest: Guest, mistake: Mistake) -> Http2:
        """Give a connection that answers one request over HTTP/2."""

        def left() -> None:
            self._http2.discard(connection)
            guest.leave()

        timeout_s = self._port.limits.header_timeout_s
        connection = Http2(self._port.desk, guest.peer, left, timeout_s, mistake)
        self._http2.add(connection)
        return connection

    async def stop(self, timeout_s: float) -> None:
        """Close all that are open; answers being written get so many seconds."""
        for connection in tuple(self._http2):
            connection.close()
        self._server.pre_shutdown()
        await self._server.shutdown(timeout_s)


async def _refuse(request: web.BaseRequest) -> web.Response:
    """Answer any request with what is wrong with its connection."""
    untyped: Any = request.protocol
    connection: Connection = untyped
    return connection.refuse(request)
