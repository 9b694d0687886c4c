"""Make OTLP requests of each signal, whole ones and ones with something odd in them.

Everything here is a protobuf message; ``writing`` turns it into the bytes of a transport.
"""

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from .model import Signal

TRACE_ID = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN_ID = bytes.fromhex("eee19b7ec3c1b174")
MOST = 2**63 - 1

_REQUESTS: dict[Signal, Callable[[], Any]] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceRequest,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceRequest,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceRequest,
}
RESPONSES: dict[Signal, Callable[[], Any]] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceResponse,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceResponse,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceResponse,
}
REJECTED = {
    Signal.TRACES: "rejected_spans",
    Signal.METRICS: "rejected_data_points",
    Signal.LOGS: "rejected_log_records",
}
SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
}
PATHS = {signal: f"/v1/{signal}" for signal in Signal}


def empty(signal: Signal) -> Any:
    """Give a request that carries no telemetry."""
    return _REQUESTS[signal]()


def whole(signal: Signal, at_ns: int) -> Any:
    """Give a request with one well-formed item (of metrics: one of each kind)."""
    request = empty(signal)
    told = resources(request).add()
    told.resource.attributes.append(text("service.name", "otlp-conformance"))
    told.schema_url = "https://opentelemetry.io/schemas/1.30.0"
    scope = scopes(told).add()
    scope.scope.name, scope.scope.version = "agentpond.conformance", "1"
    {Signal.TRACES: add_span, Signal.METRICS: _add_metrics, Signal.LOGS: add_log}[signal](
        scope, at_ns
    )
    return request


def resources(request: Any) -> Any:
    """Give a request's only list, that of its resource envelopes."""
    return getattr(request, request.DESCRIPTOR.fields[0].name)


def scopes(resource_envelope: Any) -> Any:
    """Give the list of scope envelopes of a resource envelope."""
    return getattr(resource_envelope, resource_envelope.DESCRIPTOR.fields_by_number[2].name)


def the_scope(request: Any) -> Any:
    """Give the only scope envelope of a whole request."""
    return scopes(resources(request)[0])[0]


def text(key: str, value: str) -> KeyValue:
    """Give an attribute with a text."""
    pair = KeyValue(key=key)
    pair.value.string_value = value
    return pair


def add_span(scope: Any, at_ns: int) -> Any:
    """Add a span with an event and a link."""
    span = scope.spans.add(
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        parent_span_id=SPAN_ID[::-1],
        name="a span of the conformance suite",
        kind=3,
        start_time_unix_nano=at_ns,
        end_time_unix_nano=at_ns + 1_000_000,
    )
    span.attributes.append(text("conformance", "span"))
    span.events.add(time_unix_nano=at_ns, name="an event")
    span.links.add(trace_id=TRACE_ID[::-1], span_id=SPAN_ID[::-1])
    span.status.code = 1
    return span


def add_log(scope: Any, at_ns: int) -> Any:
    """Add a log record that is associated with a span."""
    record = scope.log_records.add(
        time_unix_nano=at_ns,
        observed_time_unix_nano=at_ns,
        severity_number=9,
        severity_text="INFO",
        event_name="agentpond.conformance",
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
    )
    record.body.string_value = "a log record of the conformance suite"
    record.attributes.append(text("conformance", "log record"))
    return record


def _add_metrics(scope: Any, at_ns: int) -> None:
    """Add a metric of each kind, with one point each."""
    times = {"start_time_unix_nano": at_ns - 1_000_000_000, "time_unix_nano": at_ns}
    add_sum(scope).data_points.add(as_int=7, **times)
    gauge = scope.metrics.add(name="conformance.gauge", unit="1").gauge
    gauge.data_points.add(as_double=0.5, **times).attributes.append(text("conformance", "point"))
    histogram = scope.metrics.add(name="conformance.histogram", unit="ms").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(
        count=3, sum=6.0, bucket_counts=[1, 2], explicit_bounds=[2.0], min=1.0, max=3.0, **times
    )
    exponential = scope.metrics.add(name="conformance.exponential").exponential_histogram
    exponential.aggregation_temporality = 1
    point = exponential.data_points.add(count=3, sum=6.0, scale=1, zero_count=1, **times)
    point.positive.bucket_counts.extend([1, 1])
    summary = scope.metrics.add(name="conformance.summary").summary
    quantiles = summary.data_points.add(count=2, sum=3.0, **times).quantile_values
    quantiles.add(quantile=0.5, value=1.5)


def add_sum(scope: Any) -> Any:
    """Add a counter without points."""
    counter = scope.metrics.add(name="conformance.sum", unit="1").sum
    counter.aggregation_temporality, counter.is_monotonic = 2, True
    return counter


def envelopes(signal: Signal) -> Any:
    """Give a request of empty envelopes: a resource without scopes, and a scope without items."""
    request = empty(signal)
    resources(request).add()
    scopes(resources(request).add()).add()
    if signal is Signal.METRICS:
        scopes(resources(request).add()).add().metrics.add(
            name="conformance.none"
        ).gauge.SetInParent()
    return request


def some_invalid(signal: Signal, at_ns: int) -> Any:
    """Give a request of one good item and two that cannot be kept: no ids, or no time."""
    request = whole(signal, at_ns)
    scope = the_scope(request)
    if signal is Signal.TRACES:
        bad = add_span(scope, at_ns)
        bad.trace_id = b""
        worse = add_span(scope, at_ns)
        worse.span_id = bytes(8)
    elif signal is Signal.METRICS:
        counter = add_sum(scope)
        for value in (1, 2):
            counter.data_points.add(as_int=value, time_unix_nano=0)
    return request


def every_kind(signal: Signal, at_ns: int) -> Any:
    """Give a request with every kind of AnyValue wherever attributes may stand."""
    request = whole(signal, at_ns)
    for owner in list(_owners(request)):
        owner.attributes.extend(every_value())
    if signal is Signal.LOGS:
        for kind in every_value():
            add_log(the_scope(request), at_ns).body.CopyFrom(kind.value)
    return request


def every_value() -> list[KeyValue]:
    """Give an attribute of every kind, with values at the edges, nested and empty ones."""
    values: dict[str, Callable[[Any], object]] = {
        "text": lambda value: setattr(value, "string_value", "snowman \u2603, \U0001f600"),
        "no text": lambda value: setattr(value, "string_value", ""),
        "bool": lambda value: setattr(value, "bool_value", False),
        "most": lambda value: setattr(value, "int_value", MOST),
        "least": lambda value: setattr(value, "int_value", -MOST - 1),
        "double": lambda value: setattr(value, "double_value", -1.5e300),
        "bytes": lambda value: setattr(value, "bytes_value", bytes(range(256))),
        "array": _nest_array,
        "kvlist": _nest_list,
        "empty array": lambda value: value.array_value.SetInParent(),
        "empty kvlist": lambda value: value.kvlist_value.SetInParent(),
        "empty": lambda value: value.SetInParent(),
    }
    made = [KeyValue(key=f"conformance.{key}") for key in values]
    for pair, put in zip(made, values.values(), strict=True):
        put(pair.value)
    return [*made, KeyValue(key="conformance.no value")]


def _nest_array(value: Any) -> None:
    array = value.array_value.values
    array.add(string_value="a")
    array.add(int_value=1)
    array.add()
    array.add().array_value.values.add(double_value=0.5)
    array.add().kvlist_value.values.append(text("in", "array"))


def _nest_list(value: Any) -> None:
    pairs = value.kvlist_value.values
    pairs.append(text("a", "b"))
    pairs.add(key="deep").value.kvlist_value.values.add(key="deeper").value.bytes_value = b"\0\xff"
    pairs.add(key="many").value.array_value.values.add(bool_value=True)


def with_strindex(signal: Signal, at_ns: int) -> Any:
    """Give a request whose attributes use what only profiles have: indexes into a table."""
    request = whole(signal, at_ns)
    for owner in list(_owners(request)):
        owner.attributes.add(key_strindex=3).value.string_value = "value of a key by index"
        owner.attributes.add(key="conformance.strindex").value.string_value_strindex = 2
    return request


def with_keys_twice(signal: Signal, at_ns: int) -> Any:
    """Give a request that tells one attribute twice."""
    request = whole(signal, at_ns)
    for owner in list(_owners(request)):
        owner.attributes.extend([text("conformance.twice", "a"), text("conformance.twice", "b")])
    return request


def with_flags(signal: Signal, at_ns: int) -> Any:
    """Give a request with all reserved flag bits set."""
    request = whole(signal, at_ns)
    for message in messages(request):
        if "flags" in message.DESCRIPTOR.fields_by_name:
            # Of a data point the lowest bit says that there is no value.
            message.flags = 0xFFFFFFFE if signal is Signal.METRICS else 0xFFFFFFFF
    return request


def with_unknown_fields(signal: Signal, at_ns: int) -> Any:
    """Give a request that has fields of tomorrow, and those of OTLP before 1.0, at every level."""
    request = whole(signal, at_ns)
    for message in list(messages(request)):
        for number in (1000, 19_000_000):
            message.MergeFromString(_unknown(number))
    return request


def _unknown(number: int) -> bytes:
    """Write a field of each wire type: varint, 64 bits, length-delimited, 32 bits."""
    return b"".join(
        _varint(number + kind << 3 | kind) + value
        for kind, value in {0: b"\x96\x01", 1: b"8 bytes.", 2: b"\x03abc", 5: b"four"}.items()
    )


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def messages(message: Any) -> Iterator[Any]:
    """Yield a message and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for child in [value] if isinstance(value, Message) else value:
            yield from messages(child)


def _owners(request: Any) -> Iterator[Any]:
    """Yield every message in a request that has attributes."""
    for message in messages(request):
        if "attributes" in message.DESCRIPTOR.fields_by_name:
            yield message
