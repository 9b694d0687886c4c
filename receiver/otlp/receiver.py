"""Turn a config into the OTLP receiver: gRPC and HTTP ports, or rims in a host's servers."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from aiohttp import web
from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from ...pipeline.core.component import Accept, Factory, Kind, Settings
from .answers import LEAST_ANSWER_BYTES, MAX_ANSWER_BYTES
from .endpoint import split, url
from .grpc import GrpcConfig, GrpcRim, GrpcServer
from .guard.auth import AuthConfig, Gate
from .guard.in_hand import Bounds, InHand
from .guard.origins import is_loopback
from .guard.tls import Certificates
from .http import HttpConfig, HttpRim, HttpServer
from .mistakes import Mistakes
from .rim import Guard, Rim


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

    # Pydantic asks the outermost model whether to repeat input, and tokens are input.
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    protocols: Protocols = Field(default_factory=_both)
    """The doors to open: both if it is left out, none if it is empty (to mount the rims)."""
    auth: AuthConfig | None = None
    """Who may send: bearer tokens, names with passwords. Without it, whoever reaches a port."""
    insecure: bool = False
    """Listen where other machines can reach it although anybody may send."""
    max_requests_in_hand: int = Field(default=1000, gt=0)
    """Requests taken in hand at once over all doors; one more is told to try later."""
    max_requests_in_hand_per_peer: int = Field(default=500, gt=0)
    """Requests of one address taken in hand at once."""
    max_bytes_in_hand: ByteSize = Field(default=ByteSize(256 * 1024**2), gt=0)
    """Bytes of bodies taken in hand at once over all doors."""
    max_bytes_in_hand_per_peer: ByteSize = Field(default=ByteSize(128 * 1024**2), gt=0)
    """Bytes of bodies of one address taken in hand at once."""
    max_response_bytes: ByteSize = Field(
        default=ByteSize(MAX_ANSWER_BYTES), ge=LEAST_ANSWER_BYTES, le=MAX_ANSWER_BYTES
    )
    """The longest answer; a message that would make it longer is cut."""
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
        for setting in ("max_bytes_in_hand", "max_bytes_in_hand_per_peer"):
            for protocol in (self.protocols.grpc, self.protocols.http):
                if protocol is not None and protocol.max_request_bytes > getattr(self, setting):
                    msg = (
                        f"{setting} is less than a max_request_bytes "
                        f"({protocol.max_request_bytes}): a request of that size could never be "
                        f"taken. Raise the one or lower the other."
                    )
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _let_nobody_in_by_oversight(self) -> Self:
        if self.auth is None and not self.insecure:
            for protocol in (self.protocols.grpc, self.protocols.http):
                if protocol is not None and _is_open(protocol):
                    msg = (
                        f"other machines can reach {protocol.endpoint}, and anybody there could "
                        f"send. Give `auth: {{tokens: [{{token: ...}}]}}` or a "
                        f"`tls.client_ca_file`, listen on 127.0.0.1, or write `insecure: true` "
                        f"if something else keeps strangers out."
                    )
                    raise ValueError(msg)
        return self


def _is_open(protocol: GrpcConfig | HttpConfig) -> bool:
    """Tell whether other machines can reach a door that asks nobody who he is."""
    asks = protocol.tls is not None and protocol.tls.client_ca_file is not None
    return not asks and not is_loopback(split(protocol.endpoint)[0])


def _in_the_clear(config: Config) -> list[GrpcConfig | HttpConfig]:
    """Name the doors to which tokens come over a network without TLS."""
    doors = [door for door in (config.protocols.grpc, config.protocols.http) if door is not None]
    return [
        door
        for door in doors
        if config.auth and door.tls is None and not is_loopback(split(door.endpoint)[0])
    ]


class OtlpReceiver:
    """Receive OTLP; refuse what cannot be read or held, and answer when the rest is durable."""

    def __init__(self, config: Config, settings: Settings) -> None:
        """Open nothing yet.

        Raises:
            Permanent: the file of tokens or a certificate cannot be used.

        """
        for protocol in (config.protocols.grpc, config.protocols.http):
            if protocol is not None and protocol.tls is not None:
                # Each server reads them for itself; here so that `validate` finds what is wrong.
                Certificates(protocol.tls, settings.logger).load()
        self._config = config
        self._settings = settings
        self._in_hand = InHand(
            Bounds(config.max_requests_in_hand, int(config.max_bytes_in_hand)),
            Bounds(config.max_requests_in_hand_per_peer, int(config.max_bytes_in_hand_per_peer)),
        )
        for protocol in _in_the_clear(config):
            settings.logger.warning(
                "tokens can be read on their way to %s: give the door a certificate under `tls`.",
                protocol.endpoint,
            )
        gate = Gate(config.auth, settings.logger)
        self._guard = Guard(gate, self._in_hand, Mistakes(settings.logger))
        self._servers: list[GrpcServer | HttpServer] = []
        self._endpoints: dict[str, str] = {}

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The addresses that are open, by protocol: ``{"grpc": "127.0.0.1:4317"}``."""
        return MappingProxyType(self._endpoints)

    @property
    def secured(self) -> frozenset[str]:
        """The protocols whose doors speak TLS."""
        protocols = {"grpc": self._config.protocols.grpc, "http": self._config.protocols.http}
        return frozenset(
            name for name, told in protocols.items() if told is not None and told.tls is not None
        )

    @property
    def asks_for_token(self) -> bool:
        """Whether senders must say who they are."""
        return not self._guard.gate.open

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
        own_id, logger = self._settings.id, self._settings.logger
        if protocols.grpc is not None:
            rim = self._rim("grpc", accept)
            servers["grpc"] = GrpcServer(
                rim,
                protocols.grpc,
                receiver=own_id,
                logger=logger,
                http_url=lambda: url(self._endpoints.get("http", ""), tls="http" in self.secured),
            )
        if protocols.http is not None:
            rim = self._rim("http", accept)
            servers["http"] = HttpServer(
                rim,
                protocols.http,
                receiver=own_id,
                logger=logger,
                grpc_url=lambda: url(self._endpoints.get("grpc", ""), tls="grpc" in self.secured),
            )
        return servers

    def _rim(self, transport: str, accept: Accept) -> Rim:
        limit_bytes = int(self._config.max_response_bytes)
        return Rim(transport, accept, self._guard, self._settings, limit_bytes)


factory = Factory(Kind.RECEIVER, "otlp", Config, OtlpReceiver)
