"""Turn a config into the OTLP receiver: gRPC and HTTP ports, or rims in a host's servers."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from aiohttp import web
from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from ...pipeline.core.component import Accept, Factory, Kind, Settings
from .grpc import GrpcConfig, GrpcRim, GrpcServer
from .http import HttpConfig, HttpRim, HttpServer
from .rim import InHand, Rim


class Protocols(BaseModel):
    """The ports to open; a protocol that is not named stays closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    grpc: GrpcConfig | None = None
    """OTLP/gRPC."""
    http: HttpConfig | None = None
    """OTLP/HTTP."""

    @model_validator(mode="before")
    @classmethod
    def _open_what_is_named(cls, values: Any) -> Any:
        # `grpc:` with nothing after it is null in YAML and means "on, with the defaults", as
        # in the Collector.
        if isinstance(values, dict):
            return {name: {} if value is None else value for name, value in values.items()}
        return values


def _both() -> Protocols:
    return Protocols(grpc=GrpcConfig(), http=HttpConfig())


class Config(BaseModel):
    """Take OTLP over gRPC and HTTP: traces, logs and metrics, protobuf and JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    protocols: Protocols = Field(default_factory=_both)
    """The doors to open: both if it is left out, none if it is empty (to mount the rims)."""
    max_requests_in_hand: int = Field(default=1000, gt=0)
    """Requests taken in hand at once over all doors; one more is told to try later."""
    max_bytes_in_hand: ByteSize = Field(default=ByteSize(256 * 1024**2), gt=0)
    """Bytes of bodies taken in hand at once over all doors."""
    stop_timeout_s: float = Field(default=10.0, ge=0)
    """Seconds that requests in hand get to end when the service stops."""

    @model_validator(mode="before")
    @classmethod
    def _open_both_by_default(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("protocols", ...) is None:
            return {name: value for name, value in values.items() if name != "protocols"}
        return values

    @model_validator(mode="after")
    def _hold_one_at_least(self) -> Self:
        for protocol in (self.protocols.grpc, self.protocols.http):
            if protocol is not None and protocol.max_request_bytes > self.max_bytes_in_hand:
                msg = (
                    f"max_bytes_in_hand is less than a max_request_bytes "
                    f"({protocol.max_request_bytes}): a request of that size could never be "
                    f"taken. Raise the one or lower the other."
                )
                raise ValueError(msg)
        return self


class OtlpReceiver:
    """Receive OTLP; refuse what cannot be read or held, and answer when the rest is durable."""

    def __init__(self, config: Config, settings: Settings) -> None:
        """Open nothing yet."""
        self._config = config
        self._settings = settings
        self._in_hand = InHand(config.max_requests_in_hand, int(config.max_bytes_in_hand))
        self._servers: list[GrpcServer | HttpServer] = []
        self._endpoints: dict[str, str] = {}

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The addresses that are open, by protocol: ``{"grpc": "127.0.0.1:4317"}``."""
        return MappingProxyType(self._endpoints)

    async def start(self, accept: Accept) -> None:
        """Open the ports the config names, all or none.

        Raises:
            Permanent: a port cannot be had.

        """
        for protocol, server in self._closed_servers(accept).items():
            self._servers.append(server)
            try:
                self._endpoints[protocol] = await server.start()
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Refuse new requests, finish those in hand. Safe without start, and twice."""
        self._in_hand.close()
        servers, self._servers = self._servers, []
        self._endpoints.clear()
        # The ports stay open meanwhile: a client that comes now is told to come again.
        await self._in_hand.finish(self._config.stop_timeout_s)
        self._in_hand.let_go()
        await asyncio.gather(*[server.stop() for server in servers])

    def http_app(self, accept: Accept) -> web.Application:
        """Give the HTTP rim, to mount in a host's application under any prefix."""
        config = self._config.protocols.http or HttpConfig()
        return HttpRim(self._rim("http", accept), config, in_host=True).app()

    def add_to_grpc(self, server: Any, accept: Accept) -> None:
        """Add the gRPC rim to a host's server that has not started yet.

        The host's own ``grpc.max_receive_message_length`` (4 MiB unless set) holds as well.
        """
        config = self._config.protocols.grpc or GrpcConfig()
        GrpcRim(self._rim("grpc", accept), config).add_to(server)

    def _closed_servers(self, accept: Accept) -> dict[str, GrpcServer | HttpServer]:
        protocols, servers = self._config.protocols, dict[str, GrpcServer | HttpServer]()
        own_id = self._settings.id
        if protocols.grpc is not None:
            servers["grpc"] = GrpcServer(self._rim("grpc", accept), protocols.grpc, receiver=own_id)
        if protocols.http is not None:
            servers["http"] = HttpServer(self._rim("http", accept), protocols.http, receiver=own_id)
        return servers

    def _rim(self, transport: str, accept: Accept) -> Rim:
        return Rim(transport, accept, self._in_hand, self._settings)


factory = Factory(Kind.RECEIVER, "otlp", Config, OtlpReceiver)
