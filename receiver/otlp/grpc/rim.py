"""Turn OTLP/gRPC calls into accepted bodies, in a server of our own or in a host's."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
import grpc.aio
from grpc_status import rpc_status

from ....pipeline.core.errors import Permanent
from ....pipeline.core.signal import Accepted, Encoding, Signal
from .. import admission, answers
from ..rim import Rim
from .config import GrpcConfig
from .peers import peer_of

_SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
}


class GrpcRim:
    """Answer the three Export methods."""

    def __init__(
        self, rim: Rim, config: GrpcConfig, peer_of: Callable[[str], str] = peer_of
    ) -> None:
        """Take messages of up to the limit; the server they come through may have a lower one.

        ``peer_of`` gives the peer behind an address that gRPC tells.
        """
        self._rim = rim
        self._peer_of = peer_of
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
            caller = self._caller(context)
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
            until_s = asyncio.get_running_loop().time() + self._read_timeout_s
            async with self._rim.patience(until_s):
                return await context.read()
        except TimeoutError as error:
            raise admission.too_slow(self._read_timeout_s) from error

    def _caller(self, context: grpc.aio.ServicerContext[Any, Any]) -> "_Caller":
        told = dict(context.invocation_metadata() or ())
        peer = self._peer_of(context.peer())
        # grpc gives bytes only for keys that end in "-bin".
        return _Caller(peer, told.get("authorization"), told.get("origin"))

    async def refuse_stranger(
        self, method: str, context: grpc.aio.ServicerContext[Any, Any]
    ) -> bytes:
        """Say which methods there are."""
        error = Permanent(
            f"{admission.shown(method)}: no such method. Call Export of "
            f"{', '.join(_SERVICES.values())}.",
            reason="not_found",
        )
        self._rim.refuse(error, self._peer_of(context.peer()))
        return await _refuse(context, error)


class _Caller(NamedTuple):
    """What a call's head says of who makes it."""

    peer: str
    authorization: str | None
    origin: str | None


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
    trailers = () if more is None else ((answers.RETRY_INFO, more),)
    await context.abort(told.code, told.details, (*told.trailing_metadata, *trailers))
