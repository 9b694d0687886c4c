"""Turn connected sockets into guests that are led to who serves or answers them."""

import asyncio
import socket
from typing import Protocol

from ....pipeline.core.errors import Retryable
from .desk import address_of
from .guest import Guest
from .port import Port
from .refusals import Refusals
from .seats import Seats
from .spoken import spoken

# So many of those for whom there is no room are told so; a flood of more is cut off.
_MOST_TURNED_AWAY = 100


class Host(Protocol):
    """Who serves the guests of a port, or knows who does."""

    @property
    def tls(self) -> bool:
        """Whether TLS is spoken here; who does not get in is not told so then."""

    async def lead_in(self, guest: Guest, first: bytes) -> None:
        """Have a guest served that began with these bytes. Raises OSError if it is gone."""


class Greeter:
    """Looks at the first bytes of each connection, and sees that there are not too many."""

    def __init__(self, host: Host, port: Port, refusals: Refusals) -> None:
        """Lead guests to the host while there is room."""
        limits = port.limits
        self._host = host
        self._port = port
        self._refusals = refusals
        self._seats = Seats(limits.max_connections, limits.max_connections_per_peer)
        self._aside = Seats(_MOST_TURNED_AWAY, _MOST_TURNED_AWAY)
        self._greetings: set[asyncio.Task[None]] = set()

    def welcome(self, connected: socket.socket, address: object) -> None:
        """See to a connection, or to its end if there is no room for it."""
        guest = Guest(connected, address_of(address))
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
        """Let go of those who are not served, and of those who are only answered."""
        for greeting in self._greetings:
            greeting.cancel()
        await asyncio.gather(*self._greetings, return_exceptions=True)
        await self._refusals.stop(timeout_s)

    async def _greet(self, guest: Guest) -> None:
        try:
            first = await self._first_bytes(guest)
            if first:
                await self._host.lead_in(guest, first)
        except OSError:
            # Whoever is gone, or has said nothing in time (TimeoutError), is let go of.
            return

    async def _turn_away(self, guest: Guest, error: Retryable) -> None:
        """Say that there is no room, if that can be said cheaply."""
        try:
            guest.leave = self._aside.take(guest.peer)
        except Retryable:
            self._port.desk.note(error, guest.peer)
            return
        if self._host.tls:
            self._port.desk.note(error, guest.peer)
            return
        try:
            first = await self._first_bytes(guest)
            if first:
                await self._refusals.say(guest, spoken(first), error)
        except OSError:
            return

    async def _first_bytes(self, guest: Guest) -> bytes:
        async with asyncio.timeout(self._port.limits.header_timeout_s):
            return await guest.first_bytes()
