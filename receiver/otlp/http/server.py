"""Turn an address into a server of the HTTP rim, and end it."""

import logging
from collections.abc import Callable
from typing import cast

from aiohttp import web

from ..door.greeter import Greeter
from ..door.listening import Listener
from ..door.port import Port
from ..endpoint import cannot_listen, joined, split
from ..guard.tls import Certificates
from ..rim import Rim
from .app import HttpRim, nowhere
from .config import HttpConfig
from .host import ALPN, HttpHost

# When the server stops no request is in hand any more; this is for answers still being written,
# and for clients still sending what has been refused.
_FLUSH_S = 0.25


class HttpServer:
    """Serve the rim on a port of its own."""

    def __init__(
        self,
        rim: Rim,
        config: HttpConfig,
        *,
        receiver: str,
        logger: logging.Logger,
        grpc_url: Callable[[], str] = nowhere,
    ) -> None:
        """Open nothing yet; ``grpc_url`` tells where gRPC is served, if it is."""
        self._config = config
        self._receiver = receiver
        self._logger = logger
        self._rim = HttpRim(rim, config, in_host=False, grpc_url=grpc_url)
        tls = config.tls
        self._certificates = None if tls is None else Certificates(tls, logger, alpn=ALPN)
        self._runner = web.AppRunner(self._rim.app(), shutdown_timeout=_FLUSH_S)
        self._greeter: Greeter | None = None
        self._listener: Listener | None = None

    async def start(self) -> str:
        """Listen; give the address.

        Raises:
            Permanent: the port cannot be had, or the certificates cannot be used.

        """
        if self._certificates is not None:
            self._certificates.load()
        await self._runner.setup()
        # setup() makes it.
        server = cast("web.Server", self._runner.server)
        port = Port(self._rim.desk, self._config, self._logger)
        host = HttpHost(server, self._rim, port, self._certificates)
        self._greeter = Greeter(host, port, host.refusals)
        self._listener = Listener(self._greeter.welcome, self._logger)
        try:
            address = await self._listener.open(*split(self._config.endpoint))
        except OSError as error:
            raise cannot_listen(self._receiver, "http", self._config.endpoint, error) from error
        return joined(*address)

    async def stop(self) -> None:
        """Close the port and the connections; the requests on them have been answered."""
        if self._listener is not None:
            self._listener.close()
        if self._greeter is not None:
            await self._greeter.stop(_FLUSH_S)
        await self._runner.cleanup()
