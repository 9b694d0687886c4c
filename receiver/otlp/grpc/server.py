"""Turn an address into a server of the gRPC rim, and end it."""

import logging
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from ....pipeline.core.errors import Permanent
from ..endpoint import cannot_listen, check_free, joined, split
from ..guard.tls import Certificates, Pems
from ..rim import Rim
from .config import GrpcConfig
from .front import HAS_UNIX_SOCKETS, Front
from .peers import peer_of
from .rim import GrpcRim

# A peer that vanished without a word is pinged after a minute and its calls end 20 s later;
# gRPC's own default is never to ask before two hours have gone.
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # What holds in fact: with grpcio 1.85 the line above alone leaves it at 60 s, measured.
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # By default a client whose own pings come more often than every 5 minutes is sent away.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

# When the server stops no call is in hand any more; this is for answers still being written.
_FLUSH_S = 0.25


def nowhere() -> str:
    """Name no OTLP/HTTP port."""
    return ""


class GrpcServer:
    """Serve the rim on a port of its own, behind a front door unless that is not wanted."""

    def __init__(
        self,
        rim: Rim,
        config: GrpcConfig,
        *,
        receiver: str,
        logger: logging.Logger,
        http_url: Callable[[], str] = nowhere,
    ) -> None:
        """Open nothing yet; ``http_url`` tells where OTLP/HTTP is served, if it is."""
        self._config = config
        self._receiver = receiver
        self._logger = logger
        self._rim = rim
        self._http_url = http_url
        self._server: grpc.aio.Server | None = None
        self._front: Front | None = None

    async def start(self) -> str:
        """Listen; give the address.

        Raises:
            Permanent: the port cannot be had, or the certificates cannot be used.

        """
        credentials = self._credentials()
        if self._config.answer_other_protocols and HAS_UNIX_SOCKETS:
            return await self._start_behind(self._made_front(), credentials)
        host, port = split(self._config.endpoint)
        server = self._made_server(peer_of)
        try:
            check_free(host, port)
            bound = _bind(server, joined(host or "::", port), credentials)
        except (OSError, RuntimeError) as error:
            raise self._cannot_listen(error) from error
        await server.start()
        self._server = server
        return joined(host or "::", bound)

    async def stop(self) -> None:
        """Close the port and the connections; the calls on them have been answered."""
        if self._front is not None:
            await self._front.close(_FLUSH_S)
        if self._server is not None:
            await self._server.stop(_FLUSH_S)
        if self._front is not None:
            await self._front.finish(_FLUSH_S)

    def _made_front(self) -> Front:
        try:
            self._front = Front(self._rim, self._config, self._logger, self._http_url)
        except OSError as error:
            raise self._no_socket(error) from error
        return self._front

    async def _start_behind(self, front: Front, credentials: grpc.ServerCredentials | None) -> str:
        server = self._made_server(front.peer_of)
        try:
            _bind(server, front.target, credentials)
        except RuntimeError as error:
            raise self._no_socket(error) from error
        await server.start()
        self._server = server
        try:
            return joined(*await front.open(*split(self._config.endpoint)))
        except OSError as error:
            raise self._cannot_listen(error) from error

    def _made_server(self, peer_of: Callable[[str], str]) -> grpc.aio.Server:
        server = grpc.aio.server(options=_options(self._config))
        rim = GrpcRim(self._rim, self._config, peer_of)
        rim.add_to(server)
        rim.add_strangers_to(server)
        return server

    def _cannot_listen(self, error: Exception) -> Permanent:
        return cannot_listen(self._receiver, "grpc", self._config.endpoint, error)

    def _no_socket(self, error: Exception) -> Permanent:
        return Permanent(
            f"receivers.{self._receiver}.protocols.grpc: no socket can be made between its port "
            f"and gRPC ({error}). Let TMPDIR name a directory that can be written and whose path "
            f"is short, or set `answer_other_protocols: false`.",
            reason="cannot_listen",
        )

    def _credentials(self) -> grpc.ServerCredentials | None:
        """Read the certificates, and have gRPC ask for newer ones at each connection."""
        tls = self._config.tls
        if tls is None:
            return None
        certificates = Certificates(tls, self._logger)
        certificates.load()

        def changed() -> Any:
            pems = certificates.changed_pems()
            return None if pems is None else _certificate(pems)

        return grpc.dynamic_ssl_server_credentials(
            _certificate(certificates.pems()),
            changed,
            require_client_authentication=tls.client_ca_file is not None,
        )


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    """Have a server listen. Raises RuntimeError."""
    if credentials is None:
        return int(server.add_insecure_port(address))
    return int(server.add_secure_port(address, credentials))


def _certificate(pems: Pems) -> Any:
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.chain)], pems.client_ca)


def _options(config: GrpcConfig) -> list[tuple[str, int]]:
    header_bytes = int(config.max_header_bytes)
    return [
        # Over the limit gRPC itself answers RESOURCE_EXHAUSTED, without RetryInfo.
        ("grpc.max_receive_message_length", int(config.max_request_bytes)),
        # From the first size on gRPC refuses some at random, from the second on all.
        ("grpc.max_metadata_size", header_bytes),
        ("grpc.absolute_max_metadata_size", header_bytes),
        ("grpc.max_concurrent_streams", config.max_concurrent_streams),
        ("grpc.max_connection_idle_ms", int(config.idle_timeout_s * 1000)),
        # With so_reuseport two services would share a port, each getting some of the requests.
        ("grpc.so_reuseport", 0),
        *_KEEPALIVE,
    ]
