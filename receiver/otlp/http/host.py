"""Turn guests of the HTTP port into connections, each served as what is spoken on it."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from ..answers import Refusal
from ..door.connection import Connection
from ..door.guest import Guest
from ..door.port import Port
from ..door.refusals import Refusals
from ..door.spoken import Spoken, spoken
from ..door.words import no_handshake, speak_http, speak_https
from ..guard.tls import Certificates
from . import words
from .app import HttpRim

ALPN = ("http/1.1", "h2")
"""What may be agreed on over TLS. gRPC offers h2 alone, and needs it to be told anything."""


class HttpHost:
    """Serves HTTP/1, over TLS if there are certificates, and says what else was meant."""

    def __init__(
        self, server: web.Server, rim: HttpRim, port: Port, certificates: Certificates | None
    ) -> None:
        """Have ``server`` serve whoever speaks as he should."""
        self.refusals = Refusals(port)
        self._server = server
        self._rim = rim
        self._port = port
        self._certificates = certificates

    @property
    def tls(self) -> bool:
        """Whether TLS is spoken here."""
        return self._certificates is not None

    async def lead_in(self, guest: Guest, first: bytes) -> None:
        """Serve a guest, or have it answered."""
        heard = spoken(first)
        if self._certificates is None:
            await self._lead_in_plain(guest, heard)
        elif heard in {Spoken.HTTP1, Spoken.HTTP2}:
            await self.refusals.say(guest, heard, speak_https())
        else:
            await self._lead_in_by_tls(guest, self._certificates.context())

    async def _lead_in_plain(self, guest: Guest, heard: Spoken) -> None:
        if heard is Spoken.HTTP2:
            await guest.hand_to(lambda: self.refusals.http2(guest, self._no_http2))
        elif heard is Spoken.TLS:
            await self.refusals.say(guest, heard, speak_http("http"))
        else:
            await guest.hand_to(lambda: self._connection(guest))

    async def _lead_in_by_tls(self, guest: Guest, context: ssl.SSLContext) -> None:
        choose = partial(self._chosen, guest)
        timeout_s = self._port.limits.header_timeout_s
        try:
            await guest.hand_to(
                lambda: _Chooser(choose), ssl=context, ssl_handshake_timeout=timeout_s
            )
        except (ssl.SSLError, ConnectionError) as error:
            self._port.desk.note(no_handshake(error), guest.peer)

    def _chosen(self, guest: Guest, protocol: str | None) -> asyncio.Protocol:
        if protocol == "h2":
            return self.refusals.http2(guest, self._no_http2)
        return self._connection(guest)

    def _connection(self, guest: Guest) -> Connection:
        return Connection(self._server, self._port, guest.peer, guest.leave)

    def _no_http2(self, is_grpc: bool) -> Refusal:
        return self._rim.grpc_came() if is_grpc else words.http2_came()


class _Chooser(asyncio.Protocol):
    """Stands in until TLS has agreed on what will be spoken."""

    def __init__(self, choose: Callable[[str | None], asyncio.Protocol]) -> None:
        self._choose = choose

    def connection_made(self, transport: Any) -> None:
        spoken_now = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol = self._choose(spoken_now)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
