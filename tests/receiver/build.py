"""Make requests of a few log records, spans or points for tests, from plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from agentpond.pipeline.core.component import Placed
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.receiver.codec import OtlpCodec

from .wire.reference import OFFICIAL

TIME_NS = 1_795_169_696_914_000_000
CLAUDE_CODE = "com.anthropic.claude_code.events"
CODEX = "codex_otel.log_only"
NOBODY = "some.library"


def value(told: Any) -> AnyValue:
    """Write a plain value as an AnyValue."""
    if isinstance(told, bool):
        return AnyValue(bool_value=told)
    if isinstance(told, int):
        return AnyValue(int_value=told)
    if isinstance(told, float):
        return AnyValue(double_value=told)
    if isinstance(told, list):
        return AnyValue(array_value=ArrayValue(values=[value(one) for one in told]))
    return AnyValue() if told is None else AnyValue(string_value=told)


def pairs(told: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(one)) for key, one in told.items()]


def log(told: Mapping[str, Any], **fields: Any) -> LogRecord:
    known: dict[str, Any] = {"time_unix_nano": TIME_NS, "attributes": pairs(told)}
    return LogRecord(**known | fields)


def logs(
    records: Sequence[LogRecord], scope: str = NOBODY, resource: Mapping[str, Any] | None = None
) -> Message:
    held = ScopeLogs(scope=InstrumentationScope(name=scope), log_records=records)
    envelope = ResourceLogs(resource=_resource(resource), scope_logs=[held])
    return OFFICIAL[Signal.LOGS](resource_logs=[envelope])


def spans(
    told: Sequence[Span], scope: str = NOBODY, resource: Mapping[str, Any] | None = None
) -> Message:
    held = ScopeSpans(scope=InstrumentationScope(name=scope), spans=told)
    envelope = ResourceSpans(resource=_resource(resource), scope_spans=[held])
    return OFFICIAL[Signal.TRACES](resource_spans=[envelope])


def span(told: Mapping[str, Any], **fields: Any) -> Span:
    known: dict[str, Any] = {
        "trace_id": b"0123456789abcdef",
        "span_id": b"01234567",
        "start_time_unix_nano": TIME_NS,
        "end_time_unix_nano": TIME_NS + 250_000_000,
        "attributes": pairs(told),
    }
    return Span(**known | fields)


def gauge(name: str, told: Mapping[str, Any], number: float, **fields: Any) -> Message:
    point = NumberDataPoint(
        attributes=pairs(told), as_double=number, **{"time_unix_nano": TIME_NS} | fields
    )
    metric = Metric(name=name, gauge=Gauge(data_points=[point]))
    held = ScopeMetrics(scope=InstrumentationScope(name=NOBODY), metrics=[metric])
    return OFFICIAL[Signal.METRICS](resource_metrics=[ResourceMetrics(scope_metrics=[held])])


def request(message: Message) -> Request:
    (signal,) = (one for one, kind in OFFICIAL.items() if isinstance(message, kind))
    return Request(signal, Encoding.PROTOBUF, message.SerializeToString(), TIME_NS, "otlp")


def rows(*messages: Message, table: str = "events") -> list[dict[str, Any]]:
    """Give the rows that requests become."""
    return rows_of([request(message) for message in messages], table)


def rows_of(requests: Sequence[Request], table: str = "events") -> list[dict[str, Any]]:
    codec = OtlpCodec()
    _, decoded = codec.decode(requests)
    received = [one.received_at_ns for one in requests]
    batches = codec.normalize([Placed(decoded, range(len(requests)), received)])
    return [
        row | {"attributes": dict(row["attributes"])}
        for batch in batches
        if batch.table.name == table
        for row in batch.records.to_pylist()
    ]


def _resource(told: Mapping[str, Any] | None) -> Resource:
    return Resource(attributes=pairs(told or {}))
