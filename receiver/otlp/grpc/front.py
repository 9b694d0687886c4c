"""Turn connections to the gRPC port into ones that gRPC serves, and mistakes into words.

gRPC's library opens its sockets itself and cannot be handed a connection. So it listens on a
Unix socket in a directory of ours, and what is for it is passed on there, byte by byte.
"""

import asyncio
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from ....pipeline.core.errors import Permanent
from ..door.desk import Desk
from ..door.greeter import Greeter
from ..door.guest import Guest
from ..door.listening import NO_FILES, Listener
from ..door.port import Port
from ..door.refusals import Refusals
from ..door.spoken import Spoken, spoken
from ..door.words import speak_http, speak_https
from ..guard.watch import Trouble
from ..rim import Rim
from .config import GrpcConfig
from .peers import ABSTRACT, Names
from .relay import Relays

HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX")

# Room for what one read brings, so that few of them wait for gRPC; Linux gives less if it has
# been told to (net.core.wmem_max).
_SEND_BYTES = 512 * 1024

# Where Linux shows a process what it has open: proc(5).
_OPEN_FILES = "/proc/self/fd"

# How long to wait while gRPC's queue of connections is full.
_FULL_S = 0.02


class Front:
    """Stands between a port and gRPC."""

    def __init__(
        self, rim: Rim, config: GrpcConfig, logger: logging.Logger, http_url: Callable[[], str]
    ) -> None:
        """Make a place for gRPC's socket; ``http_url`` tells where OTLP/HTTP is, if it is.

        Raises:
            OSError: there is no place to make it in.

        """
        self._config = config
        self._http_url = http_url
        self._directory = Path(tempfile.mkdtemp(prefix="agentpond-"))  # of mode 0700
        self._hidden: int | None = None
        self._names = Names(self._directory, abstract=ABSTRACT)
        self._trouble = Trouble(logger)
        self._relays = Relays()
        port = Port(Desk(rim), config, logger)
        self._refusals = Refusals(port)
        self._greeter = Greeter(self, port, self._refusals)
        self._listener = Listener(self._greeter.welcome, logger)

    @property
    def tls(self) -> bool:
        """Whether TLS is spoken here."""
        return self._config.tls is not None

    @property
    def target(self) -> str:
        """Where gRPC has to listen, as it writes it."""
        return f"unix:{quote(str(self._path))}"

    def peer_of(self, address: str) -> str:
        """Give the peer behind an address that gRPC tells."""
        return self._names.peer_of(address)

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Let connections come; gRPC must serve already. Raises OSError."""
        if ABSTRACT:
            self._hide()
        # As gRPC and Go have it, who listens on [::] is reached by IPv4 too.
        shown, bound = await self._listener.open("" if host == "::" else host, port)
        return host or shown, bound

    async def close(self, timeout_s: float) -> None:
        """Let no more come, and end those that gRPC does not serve."""
        self._listener.close()
        await self._greeter.stop(timeout_s)

    async def finish(self, timeout_s: float) -> None:
        """Wait for what gRPC said last to be passed on, and leave nothing behind."""
        await self._relays.finish(timeout_s)
        shutil.rmtree(self._directory, ignore_errors=True)
        if self._hidden is not None:
            os.close(self._hidden)
            self._hidden = None

    async def lead_in(self, guest: Guest, first: bytes) -> None:
        """Pass a guest on to gRPC, or say what is wrong."""
        heard = spoken(first)
        mistake = self._mistake(heard)
        if mistake is None:
            await self._pass_on(guest)
        else:
            await self._refusals.say(guest, heard, mistake)

    def _mistake(self, heard: Spoken) -> Permanent | None:
        """Say what is wrong with what is spoken, unless gRPC can answer it better."""
        if heard is Spoken.HTTP1:
            return http_came(self._http_url(), tls=self.tls)
        if heard is Spoken.HTTP2 and self.tls:
            return speak_https()
        if heard is Spoken.TLS and not self.tls:
            return speak_http("grpc")
        return None

    async def _pass_on(self, guest: Guest) -> None:
        try:
            async with asyncio.timeout(self._config.header_timeout_s):
                service = await self._connected(guest.peer)
        except OSError as error:
            self._trouble.tell(_unreachable(error))
            raise
        self._trouble.over()
        client = guest.hand_over()
        # One that is gone by now is found so by the relay.
        with suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._relays.join(client, service, guest.leave)

    async def _connected(self, peer: str) -> socket.socket:
        """Connect to gRPC in the name of a peer."""
        service = socket.socket(socket.AF_UNIX)
        try:
            service.setblocking(False)
            service.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
            with self._names.given(service, peer):
                while not _connects(service, self._way):  # noqa: ASYNC110 - nobody says when
                    await asyncio.sleep(_FULL_S)
        except BaseException:
            service.close()
            raise
        return service

    @property
    def _path(self) -> Path:
        return self._directory / "grpc"

    @property
    def _way(self) -> str:
        return str(self._path) if self._hidden is None else f"{_OPEN_FILES}/{self._hidden}"

    def _hide(self) -> None:
        """Take gRPC's socket out of the file system, if there is another way to it.

        Then nobody else finds it, nothing that tidies temporary files takes it away, and nothing
        is left of it when the process is killed. open(2), O_PATH, has the other way.
        """
        self._hidden = os.open(self._path, os.O_PATH)
        if Path(self._way).exists():
            shutil.rmtree(self._directory, ignore_errors=True)
        else:
            # There is no /proc here.
            os.close(self._hidden)
            self._hidden = None


def _connects(service: socket.socket, way: str) -> bool:
    try:
        service.connect(way)
    except BlockingIOError:
        return False
    return True


def _unreachable(error: OSError) -> str:
    why = f"connections cannot be passed on to gRPC: {error.strerror or type(error).__name__}"
    if error.errno in NO_FILES:
        return (
            f"{why}. Raise the limit of open files (ulimit -n): each connection takes three. Or "
            f"lower protocols.grpc.max_connections."
        )
    return f"{why}. Start the service again; its log may say what became of gRPC's socket."


def http_came(http_url: str, *, tls: bool) -> Permanent:
    """Say that this is the other port, and which one is right if there is one."""
    where = "no OTLP/HTTP port is open here"
    if http_url:
        where = f"OTLP over HTTP is on {http_url}: set OTEL_EXPORTER_OTLP_ENDPOINT={http_url}"
    secured = ", and https:// in OTEL_EXPORTER_OTLP_ENDPOINT" if tls else ""
    return Permanent(
        f"This is the OTLP/gRPC port, and HTTP/1 was spoken to it; {where}. To stay on this port "
        f"set OTEL_EXPORTER_OTLP_PROTOCOL=grpc{secured}.",
        reason="wrong_protocol",
    )
