"""Hold a connected socket until somebody serves it."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from .spoken import ENOUGH_BYTES, tells_enough


class Guest:
    """A connected socket, and who is at its other end."""

    def __init__(self, connected: socket.socket, peer: str) -> None:
        """Take the socket; ``leave`` is what to call when the connection ends."""
        self.peer = peer
        self.leave: Callable[[], None] = _stay
        self._socket = connected
        self._served = False

    async def first_bytes(self) -> bytes:
        """Give the first bytes and leave them where they are; none if the client is gone."""
        first = await self._seen()
        if tells_enough(first):
            return first
        try:
            return await self._more_than(first)
        finally:
            self._wake_at(1)

    async def hand_to(self, protocol: Callable[[], asyncio.Protocol], **tls: Any) -> None:
        """Have a protocol serve it from now on. Raises OSError if TLS does not come about."""
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(protocol, self._socket, **tls)
        self._served = True

    def hand_over(self) -> socket.socket:
        """Give the socket to whoever serves it, and closes it, from now on."""
        self._served = True
        return self._socket

    def end(self, _: object) -> None:
        """Close it, unless it is served."""
        if not self._served:
            self._socket.close()
            self.leave()

    async def _more_than(self, first: bytes) -> bytes:
        """Wait until the bytes that stay there, as they are only looked at, tell enough."""
        while True:
            self._wake_at(len(first) + 1)
            before, first = first, await self._seen(wait=True)
            # If they are as many as before, no more will come.
            if tells_enough(first) or len(first) == len(before):
                return first

    async def _seen(self, *, wait: bool = False) -> bytes:
        while True:
            if wait:
                await self._readable()
            try:
                return self._socket.recv(ENOUGH_BYTES, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                wait = True

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(self._socket, _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(self._socket)

    def _wake_at(self, nbytes: int) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, nbytes)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _stay() -> None:
    """Leave nothing: nothing was taken."""
