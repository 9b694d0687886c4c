"""Turn a host and a port into open sockets, and what knocks there into connected ones."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

# Connections taken in one go; between two the event loop serves those that are open.
_AT_ONCE = 100

# As asyncio's own servers do when there are no files left: base_events.py and
# selector_events.py, ACCEPT_RETRY_DELAY.
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RETRY_S = 1.0

_NOT_ON_THIS_MACHINE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_BACKLOG = 512


class Listener:
    """The open sockets of one address; a name such as ``localhost`` may have several."""

    def __init__(
        self, came: Callable[[socket.socket, object], None], logger: logging.Logger
    ) -> None:
        """Call ``came`` with each connected socket and its peer's address."""
        self._came = came
        self._logger = logger
        self._sockets: list[socket.socket] = []
        self._retries: dict[socket.socket, asyncio.TimerHandle] = {}

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Listen; give the first address. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        trouble: OSError | None = None
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                self._open_one(family, address)
            except OSError as error:
                # ::1 on a machine without IPv6 is no reason yet: the others may do.
                if error.errno not in _NOT_ON_THIS_MACHINE:
                    raise
                trouble = error
        if trouble is not None and not self._sockets:
            raise trouble
        for each in self._sockets:
            loop.add_reader(each, self._accept, each)
        name = self._sockets[0].getsockname()
        return str(name[0]), int(name[1])

    def close(self) -> None:
        """Listen no more. Safe twice."""
        for retry in self._retries.values():
            retry.cancel()
        self._retries.clear()
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each)
            each.close()
        self._sockets.clear()

    def _open_one(self, family: int, address: tuple[object, ...]) -> None:
        if self._sockets and address[1] == 0:
            # Any port will do, but it should be one for all addresses.
            address = (address[0], self._sockets[0].getsockname()[1], *address[2:])
        # One family a socket, as asyncio's servers have it: no ::ffff:127.0.0.1 among peers.
        opened = socket.create_server(address, family=family, backlog=_BACKLOG)
        opened.setblocking(False)
        self._sockets.append(opened)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                connected, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in NO_FILES:
                    raise
                self._rest(listening, error)
                return
            connected.setblocking(False)
            self._came(connected, address)

    def _rest(self, listening: socket.socket, error: OSError) -> None:
        """Let the kernel keep who knocks until there are files again."""
        self._logger.error(
            "no connection can be taken for now: %s. Raise the limit of open files (ulimit -n), "
            "or lower max_connections.",
            error.strerror,
        )
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        self._retries[listening] = loop.call_later(_RETRY_S, self._again, listening)

    def _again(self, listening: socket.socket) -> None:
        del self._retries[listening]
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)
