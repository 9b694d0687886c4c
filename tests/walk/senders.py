"""Send OTLP as the agents do: raw bodies over gRPC, HTTP with a length, and HTTP chunked."""

import gzip
import io
from collections.abc import AsyncIterator

import aiohttp
import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentpond.pipeline.core.signal import Encoding, Request, Signal

METHODS = {
    signal: f"/opentelemetry.proto.collector.{name}.v1.{name.capitalize()}Service/Export"
    for signal, name in (
        (Signal.LOGS, "logs"),
        (Signal.METRICS, "metrics"),
        (Signal.TRACES, "trace"),
    )
}
TYPES = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}


async def send_grpc(channel: grpc.aio.Channel, request: Request) -> bytes:
    """Send over gRPC, compressed as Claude Code can; give the answer's bytes."""
    answer: bytes = await channel.unary_unary(METHODS[request.signal], None, None)(
        request.body, compression=grpc.Compression.Gzip
    )
    return answer


async def send_http(session: aiohttp.ClientSession, address: str, request: Request) -> int:
    """Send over HTTP: protobuf chunked and compressed (Claude Code), JSON with a length (Codex)."""
    headers = {"Content-Type": TYPES[request.encoding]}
    body: io.BytesIO | AsyncIterator[bytes] = io.BytesIO(request.body)
    if request.encoding is Encoding.PROTOBUF:
        headers["Content-Encoding"] = "gzip"
        body = _chunks(gzip.compress(request.body))
    url = f"http://{address}/v1/{request.signal}"
    async with session.post(url, data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


def numbered(sender: str, number: int, records: int = 3) -> Request:
    """Make a request of log records that can be told from all others."""
    message = ExportLogsServiceRequest()
    scope = message.resource_logs.add().scope_logs.add()
    for index in range(records):
        record = scope.log_records.add(time_unix_nano=1_795_000_000_000_000_000 + number)
        record.event_name = "tick"
        record.attributes.add(key="key").value.string_value = f"{sender}-{number}-{index}"
    return Request(Signal.LOGS, Encoding.PROTOBUF, message.SerializeToString(), 0, "otlp")
