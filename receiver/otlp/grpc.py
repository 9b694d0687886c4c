"""Turn OTLP/gRPC calls into accepted bodies, in a server of our own or in a host's."""

import asyncio
import logging
from typing import Any, NamedTuple
from urllib.parse import unquote

import grpc
import grpc.aio
from grpc_status import rpc_status
from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from ...pipeline.core.errors import Permanent
from ...pipeline.core.signal import Accepted, Encoding, Signal
from . import admission, answers
from .endpoint import Endpoint, cannot_listen, check_free, joined, split
from .guard.tls import Certificates, Pems, TlsConfig
from .rim import Rim

_SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
}

_MEBIBYTE = 1024**2
_RETRY_INFO = "google.rpc.retryinfo-bin"

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


class GrpcConfig(BaseModel):
    """OTLP/gRPC: where to listen and how much to take."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    endpoint: Endpoint = "127.0.0.1:4317"
    """Where to listen, as host:port; port 0 takes any that is free."""
    max_request_bytes: ByteSize = Field(default=ByteSize(64 * _MEBIBYTE), gt=0, lt=2**31)
    """The largest body taken, also after inflating."""
    read_timeout_s: float = Field(default=60.0, gt=0)
    """Seconds a client may take to send its message."""
    max_header_bytes: ByteSize = Field(default=ByteSize(16 * 1024), ge=4096, lt=2**31)
    """The largest metadata of a call; more is refused by gRPC itself."""
    max_concurrent_streams: int = Field(default=100, gt=0, lt=2**31)
    """Calls at once on one connection; more of them wait at the client."""
    idle_timeout_s: float = Field(default=900.0, gt=0)
    """Seconds without a call after which a connection is closed; clients open another."""
    tls: TlsConfig | None = None
    """Speak TLS, and only that; without it in the clear."""

    @model_validator(mode="before")
    @classmethod
    def _understand_collector(cls, values: Any) -> Any:
        if isinstance(values, dict) and "max_recv_msg_size_mib" in values:
            ours = {**values, "max_request_bytes": f"{values['max_recv_msg_size_mib']}MiB"}
            del ours["max_recv_msg_size_mib"]
            return ours
        return values


class GrpcRim:
    """Answer the three Export methods."""

    def __init__(self, rim: Rim, config: GrpcConfig) -> None:
        """Take messages of up to the limit; the server they come through may have a lower one."""
        self._rim = rim
        self._limit_bytes = int(config.max_request_bytes)
        self._read_timeout_s = config.read_timeout_s

    def add_to(self, server: grpc.aio.Server) -> None:
        """Add the three services to a server that has not started yet."""
        server.add_generic_rpc_handlers([self._handler(signal) for signal in Signal])

    def add_strangers_to(self, server: grpc.aio.Server) -> None:
        """Have the server answer all other methods in words of ours; for our own server."""
        server.add_generic_rpc_handlers([_Strangers(self)])

    def _handler(self, signal: Signal) -> "grpc.GenericRpcHandler[Any, Any]":
        async def export(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            caller = _caller(context)
            ended = await self._rim.run(caller.peer, self._receive(signal, caller, context))
            if isinstance(ended, Accepted):
                limit_bytes = self._rim.max_response_bytes
                return answers.success(ended, signal, Encoding.PROTOBUF, limit_bytes)
            return await _refuse(context, ended)

        # To a client this is a unary method: it sends one message and gets one. Served as a
        # stream, the handler runs before the message is read, so it can refuse without reading.
        method = grpc.stream_unary_rpc_method_handler(export)
        return grpc.method_handlers_generic_handler(_SERVICES[signal], {"Export": method})

    async def _receive(
        self, signal: Signal, caller: "_Caller", context: grpc.aio.ServicerContext[Any, Any]
    ) -> Accepted:
        if caller.origin is not None:
            raise _from_a_page(caller.origin)
        with self._rim.hold(caller.peer, caller.authorization) as hold:
            body = await self._read(context)
            if not isinstance(body, bytes):
                raise _nothing_came(self._limit_bytes)
            if len(body) > self._limit_bytes:
                raise admission.too_large(self._limit_bytes)
            hold.resize(len(body))
            return await self._rim.accept(signal, Encoding.PROTOBUF, body, hold)

    async def _read(self, context: grpc.aio.ServicerContext[Any, Any]) -> object:
        """Give the message, or what gRPC gives instead of one."""
        try:
            async with asyncio.timeout(self._read_timeout_s):
                return await context.read()
        except TimeoutError as error:
            raise admission.too_slow(self._read_timeout_s) from error

    async def refuse_stranger(
        self, method: str, context: grpc.aio.ServicerContext[Any, Any]
    ) -> bytes:
        """Say which methods there are."""
        error = Permanent(
            f"{method}: no such method. Call Export of {', '.join(_SERVICES.values())}.",
            reason="not_found",
        )
        self._rim.refuse(error, peer_of(context.peer()))
        return await _refuse(context, error)


class _Caller(NamedTuple):
    """What a call's head says of who makes it."""

    peer: str
    authorization: str | None
    origin: str | None


def _caller(context: grpc.aio.ServicerContext[Any, Any]) -> _Caller:
    told = dict(context.invocation_metadata() or ())
    # grpc gives bytes only for keys that end in "-bin".
    return _Caller(peer_of(context.peer()), told.get("authorization"), told.get("origin"))


def peer_of(address: str) -> str:
    """Take the port off ``ipv4:10.0.0.5:51560`` or ``ipv6:%5B::1%5D:51560``: the peer stays."""
    kind, _, rest = address.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return kind
    return unquote(rest).rpartition(":")[0].strip("[]")


def _from_a_page(origin: str) -> Permanent:
    return Permanent(
        f"Origin: {origin[:200]}: this call comes from a web page, and none may send over gRPC. "
        f"Post OTLP/HTTP, and name the page under protocols.http.cors.allowed_origins.",
        reason="forbidden_origin",
    )


class _Strangers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in stubs only
    """Take every method that nobody before took."""

    def __init__(self, rim: GrpcRim) -> None:
        self._rim = rim

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = str(handler_call_details.method)

        async def refuse(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            return await self._rim.refuse_stranger(method, context)

        return grpc.stream_unary_rpc_method_handler(refuse)


class GrpcServer:
    """Serve the rim on a port of its own."""

    def __init__(
        self, rim: Rim, config: GrpcConfig, *, receiver: str, logger: logging.Logger
    ) -> None:
        """Open nothing yet."""
        self._config = config
        self._receiver = receiver
        self._logger = logger
        self._rim = GrpcRim(rim, config)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> str:
        """Listen; give the address.

        Raises:
            Permanent: the port cannot be had, or the certificates cannot be used.

        """
        credentials = self._credentials()
        server = grpc.aio.server(options=_options(self._config))
        self._rim.add_to(server)
        self._rim.add_strangers_to(server)
        host, port = split(self._config.endpoint)
        try:
            check_free(host, port)
            address = joined(host or "::", port)
            bound = (
                server.add_insecure_port(address)
                if credentials is None
                else server.add_secure_port(address, credentials)
            )
        except (OSError, RuntimeError) as error:
            endpoint = self._config.endpoint
            raise cannot_listen(self._receiver, "grpc", endpoint, error) from error
        await server.start()
        self._server = server
        return joined(host or "::", bound)

    async def stop(self) -> None:
        """Close the port and the connections; the calls on them have been answered."""
        if self._server is not None:
            await self._server.stop(_FLUSH_S)

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


def _nothing_came(limit_bytes: int) -> Permanent:
    # gRPC tells a handler nothing but that there is no message: it has then answered a message
    # over the limit itself, or the client is gone.
    return Permanent(
        f"No whole message came: it was cut short, or over {limit_bytes} bytes. "
        f"Send one message a call, of fewer records.",
        reason="not_received",
    )


async def _refuse(context: grpc.aio.ServicerContext[Any, Any], error: answers.Refusal) -> bytes:
    told = rpc_status.to_status(answers.status(error))
    more = answers.retry_info(error)
    # OpenTelemetry's Python exporter reads the delay from a trailer of this name alone (1.45).
    trailers = () if more is None else ((_RETRY_INFO, more),)
    await context.abort(told.code, told.details, (*told.trailing_metadata, *trailers))
