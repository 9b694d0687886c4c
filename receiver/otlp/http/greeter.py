"""Turn connected sockets into connections, each served as what is spoken on it."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from ....pipeline.core.errors import Permanent, Retryable
from ..guard.tls import Certificates
from . import words
from .app import address_of
from .connection import Connection, Door
from .doorstep import ENOUGH_BYTES, Way, way_of
from .http2 import Http2
from .seats import Seats

# So many of those for whom there is no room are told so; a flood of more is cut off.
_MOST_TURNED_AWAY = 100

# The first of ours that a client offers too is taken. gRPC offers h2 alone, and without it
# would end in words of its own on a missing ALPN.
_ALPN = ("http/1.1", "h2")


class Greeter:
    """Looks at the first bytes of each connection, and hands it to who answers them."""

    def __init__(self, server: web.Server, door: Door, certificates: Certificates | None) -> None:
        """Have ``server`` serve whoever speaks as he should; over TLS if there are certificates."""
        self._server = server
        self._door = door
        self._certificates = certificates
        config = door.config
        self._refusing = web.Server(_refuse)
        self._seats = Seats(config.max_connections, config.max_connections_per_peer)
        self._aside = Seats(_MOST_TURNED_AWAY, _MOST_TURNED_AWAY)
        self._greetings: set[asyncio.Task[None]] = set()
        self._http2: set[Http2] = set()

    def welcome(self, connected: socket.socket, address: object) -> None:
        """See to a connection, or to its end if there is no room for it."""
        guest = _Guest(connected, address_of(address))
        try:
            guest.leave = self._seats.take(guest.peer)
        except Retryable as error:
            work = self._turn_away(guest, error)
        else:
            work = self._greet(guest)
        greeting = asyncio.get_running_loop().create_task(work)
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)
        # Not in the task itself: one that is cancelled before it began would not get there.
        greeting.add_done_callback(guest.end)

    async def stop(self, timeout_s: float) -> None:
        """Close what is not served by the server itself."""
        for greeting in self._greetings:
            greeting.cancel()
        await asyncio.gather(*self._greetings, return_exceptions=True)
        for connection in tuple(self._http2):
            connection.close()
        self._refusing.pre_shutdown()
        await self._refusing.shutdown(timeout_s)

    async def _greet(self, guest: "_Guest") -> None:
        try:
            async with asyncio.timeout(self._door.config.header_timeout_s):
                first = await guest.first_bytes()
            if first:
                await self._lead_in(guest, way_of(first, tls=self._certificates is not None))
        except OSError:
            # Whoever is gone, or has said nothing in time (TimeoutError), is let go of.
            return

    async def _lead_in(self, guest: "_Guest", way: Way) -> None:
        if way is Way.SERVE:
            await guest.hand_to(lambda: self._connection(guest))
        elif way is Way.ANSWER_HTTP2:
            mistake = words.speak_https() if self._certificates else None
            await guest.hand_to(lambda: self._http2_connection(guest, mistake))
        elif way is Way.SERVE_TLS and self._certificates:
            await self._lead_in_by_tls(guest, self._certificates.context())
        else:
            wrong = words.speak_http() if way is Way.SAY_HTTP else words.speak_https()
            await guest.hand_to(lambda: self._refusal(guest, wrong))

    async def _lead_in_by_tls(self, guest: "_Guest", context: ssl.SSLContext) -> None:
        context.set_alpn_protocols(_ALPN)
        choose = partial(self._chosen, guest)
        timeout_s = self._door.config.header_timeout_s
        try:
            await guest.hand_to(
                lambda: _Chooser(choose), ssl=context, ssl_handshake_timeout=timeout_s
            )
        except (ssl.SSLError, ConnectionError) as error:
            self._door.rim.note(words.no_handshake(error), guest.peer)

    def _chosen(self, guest: "_Guest", protocol: str | None) -> asyncio.Protocol:
        if protocol == "h2":
            return self._http2_connection(guest, None)
        return self._connection(guest)

    async def _turn_away(self, guest: "_Guest", error: Retryable) -> None:
        """Say that there is no room, if that can be said cheaply."""
        try:
            guest.leave = self._aside.take(guest.peer)
        except Retryable:
            self._door.rim.note(error, guest.peer)
            return
        if self._certificates is None:
            await guest.hand_to(lambda: self._refusal(guest, error))
        else:
            self._door.rim.note(error, guest.peer)

    def _connection(self, guest: "_Guest") -> Connection:
        return Connection(self._server, self._door, guest.leave)

    def _refusal(self, guest: "_Guest", mistake: Permanent | Retryable) -> Connection:
        return Connection(self._refusing, self._door, guest.leave, mistake)

    def _http2_connection(self, guest: "_Guest", mistake: Permanent | None) -> Http2:
        def left() -> None:
            self._http2.discard(connection)
            guest.leave()

        timeout_s = self._door.config.header_timeout_s
        connection = Http2(self._door.rim, guest.peer, left, timeout_s, mistake)
        self._http2.add(connection)
        return connection


class _Guest:
    """A connected socket until somebody serves it."""

    def __init__(self, connected: socket.socket, peer: str) -> None:
        self.peer = peer
        self.leave: Callable[[], None] = _stay
        self._socket = connected
        self._served = False

    async def first_bytes(self) -> bytes:
        """Give the first bytes and leave them where they are; none if the client is gone."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return self._socket.recv(ENOUGH_BYTES, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                readable = loop.create_future()
                loop.add_reader(self._socket, _wake, readable)
                try:
                    await readable
                finally:
                    loop.remove_reader(self._socket)

    async def hand_to(self, protocol: Callable[[], asyncio.Protocol], **tls: Any) -> None:
        """Have a protocol serve it from now on. Raises OSError if TLS does not come about."""
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(protocol, self._socket, **tls)
        self._served = True

    def end(self, _: object) -> None:
        """Close it, unless it is served."""
        if not self._served:
            self._socket.close()
            self.leave()


class _Chooser(asyncio.Protocol):
    """Stands in until TLS has agreed on what will be spoken."""

    def __init__(self, choose: Callable[[str | None], asyncio.Protocol]) -> None:
        self._choose = choose

    def connection_made(self, transport: Any) -> None:
        spoken = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol = self._choose(spoken)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


async def _refuse(request: web.BaseRequest) -> web.Response:
    """Answer any request with what is wrong with its connection."""
    untyped: Any = request.protocol
    connection: Connection = untyped
    return connection.refuse(request)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _stay() -> None:
    """Leave nothing: nothing was taken."""
