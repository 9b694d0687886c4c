"""Stand at both ends of the receiver: what it hands bodies to, and what it is asked by."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentpond.pipeline.core.component import Settings
from agentpond.pipeline.core.counters import REFUSED_REQUESTS, Counters
from agentpond.pipeline.core.signal import Accepted, Request
from agentpond.receiver.otlp import Config, OtlpReceiver

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
GZIP = {**PROTOBUF, "Content-Encoding": "gzip"}
EXPORTS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}


async def at_once() -> None:
    """Wait for nothing."""


@dataclass(slots=True)
class Taker:
    """Takes requests; answers with what it was told to."""

    answer: Accepted | BaseException = field(default_factory=lambda: Accepted(0, 1))
    requests: list[Request] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    wait: Callable[[], Awaitable[object]] = at_once

    async def __call__(self, request: Request) -> Accepted:
        self.began.set()
        await self.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        self.requests.append(request)
        return self.answer

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]


def settings(counters: Counters | None = None) -> Settings:
    return Settings(
        id="otlp",
        logger=logging.getLogger("agentpond.test.otlp"),
        clock=lambda: 1_700_000_000_000_000_000,
        state_directory=Path(),
        counters=counters or Counters(),
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A receiver that is listening."""

    receiver: OtlpReceiver
    take: Taker
    counters: Counters

    @property
    def http(self) -> str:
        return f"http://{self.receiver.endpoints['http']}"

    @property
    def grpc(self) -> str:
        return self.receiver.endpoints["grpc"]

    @property
    def refused(self) -> Mapping[str, float]:
        return self.counters.by_label(REFUSED_REQUESTS, "reason")


@asynccontextmanager
async def running(
    take: Taker | None = None,
    *,
    grpc: Mapping[str, Any] | None = None,
    http: Mapping[str, Any] | None = None,
    **config: Any,
) -> AsyncIterator[Running]:
    """Run a receiver on free ports: on both, or on the ones that are named."""
    named = {"grpc": grpc, "http": http}
    opened = {name: told for name, told in named.items() if told is not None} or {
        "grpc": {},
        "http": {},
    }
    protocols = {name: {"endpoint": "127.0.0.1:0", **told} for name, told in opened.items()}
    counters, take = Counters(), take or Taker()
    receiver = OtlpReceiver(
        Config.model_validate({"protocols": protocols, **config}), settings(counters)
    )
    await receiver.start(take)
    try:
        yield Running(receiver, take, counters)
    finally:
        await receiver.stop()


@asynccontextmanager
async def calling(endpoint: str, path: str = EXPORTS["logs"]) -> AsyncIterator[Any]:
    """Call one gRPC method with raw bytes, as a generated client does."""
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    async with grpc.aio.insecure_channel(endpoint, options=options) as channel:
        # The stubs ask for serializers; raw bytes have none.
        untyped: Any = channel
        yield untyped.unary_unary(path)


def logs_body(records: int = 1) -> bytes:
    """Write a request with this many log records."""
    request = ExportLogsServiceRequest()
    told = request.resource_logs.add().scope_logs.add()
    for number in range(records):
        told.log_records.add(time_unix_nano=number, severity_text="INFO")
    return request.SerializeToString()


@asynccontextmanager
async def connected(
    endpoint: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a bare connection."""
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
