"""Make OTLP requests of the official classes at random, with every kind of everything."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from agentpond.pipeline.core.signal import Signal

from .reference import OFFICIAL

Draw = Callable[[st.SearchStrategy[Any]], Any]

# Few keys, so that the same key is often told twice.
KEYS = st.sampled_from(["a", "b", "session.id", "event.name", 'qu"o\\te', "", "é€😀"])
TEXTS = st.text(max_size=12) | st.sampled_from(["", '"', "\\", "\x00\x1f\x7f", "\u2028", "😀"])
DOUBLES = st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1e300, 1e20, 0.1])
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -1, 2**63 - 1, -(2**63), 2**53 + 1])
UNSIGNED = st.integers(0, 2**64 - 1) | st.sampled_from([0, 2**64 - 1, 1_795_169_696_914_874_878])
SMALL = st.integers(-(2**31), 2**31 - 1)
TRACE_IDS = st.binary(min_size=16, max_size=16) | st.sampled_from([b"", bytes(16), b"short"])
SPAN_IDS = st.binary(min_size=8, max_size=8) | st.sampled_from([b"", bytes(8), bytes(9)])


def _few(strategy: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=most)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _key_values(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[list[KeyValue]]:
    return _few(st.builds(KeyValue, key=KEYS, value=_maybe(values)), 4)


_SCALARS: st.SearchStrategy[AnyValue] = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=TEXTS),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=WHOLE),
    st.builds(AnyValue, double_value=DOUBLES),
    st.builds(AnyValue, bytes_value=st.binary(max_size=9)),
)


def _nested(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    return st.builds(AnyValue, array_value=st.builds(ArrayValue, values=_few(values))) | st.builds(
        AnyValue, kvlist_value=st.builds(KeyValueList, values=_key_values(values))
    )


VALUES = st.recursive(_SCALARS, _nested, max_leaves=6)
ATTRIBUTES = _key_values(VALUES)

LOGS = st.builds(
    LogRecord,
    time_unix_nano=UNSIGNED,
    observed_time_unix_nano=UNSIGNED,
    severity_number=st.integers(0, 24),
    severity_text=TEXTS,
    event_name=TEXTS,
    body=_maybe(VALUES),
    attributes=ATTRIBUTES,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
)
_EVENTS = st.builds(Span.Event, time_unix_nano=UNSIGNED, name=TEXTS, attributes=ATTRIBUTES)
_LINKS = st.builds(
    Span.Link,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    trace_state=TEXTS,
    attributes=ATTRIBUTES,
)
SPANS = st.builds(
    Span,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_span_id=SPAN_IDS,
    trace_state=TEXTS,
    name=TEXTS,
    kind=st.integers(0, 5),
    start_time_unix_nano=UNSIGNED,
    end_time_unix_nano=UNSIGNED,
    attributes=ATTRIBUTES,
    events=_few(_EVENTS),
    links=_few(_LINKS),
    status=_maybe(st.builds(Status, code=st.integers(0, 2), message=TEXTS)),
)

_POINT = {
    "attributes": ATTRIBUTES,
    "start_time_unix_nano": UNSIGNED,
    "time_unix_nano": UNSIGNED,
    "flags": st.sampled_from([0, 1, 2**31]),
}
_NUMBERS = st.one_of(
    st.builds(metrics.NumberDataPoint, **_POINT),
    st.builds(metrics.NumberDataPoint, as_int=WHOLE, **_POINT),
    st.builds(metrics.NumberDataPoint, as_double=DOUBLES, **_POINT),
)
_MEASURED = _POINT | {
    "count": UNSIGNED,
    "sum": _maybe(DOUBLES),
    "min": _maybe(DOUBLES),
    "max": _maybe(DOUBLES),
}
_HISTOGRAMS = st.builds(
    metrics.HistogramDataPoint,
    bucket_counts=_few(UNSIGNED),
    explicit_bounds=_few(DOUBLES),
    **_MEASURED,
)
_BUCKETS = st.builds(
    metrics.ExponentialHistogramDataPoint.Buckets, offset=SMALL, bucket_counts=_few(UNSIGNED)
)
_EXPONENTIAL = st.builds(
    metrics.ExponentialHistogramDataPoint,
    scale=SMALL,
    zero_count=UNSIGNED,
    zero_threshold=DOUBLES,
    positive=_maybe(_BUCKETS),
    negative=_maybe(_BUCKETS),
    **_MEASURED,
)
_QUANTILES = st.builds(metrics.SummaryDataPoint.ValueAtQuantile, quantile=DOUBLES, value=DOUBLES)
_SUMMARIES = st.builds(
    metrics.SummaryDataPoint,
    count=UNSIGNED,
    sum=DOUBLES,
    quantile_values=_few(_QUANTILES),
    **_POINT,
)
_TEMPORALITY = st.integers(0, 2)
_DATA: dict[str, st.SearchStrategy[Any]] = {
    "gauge": st.builds(metrics.Gauge, data_points=_few(_NUMBERS)),
    "sum": st.builds(
        metrics.Sum,
        data_points=_few(_NUMBERS),
        aggregation_temporality=_TEMPORALITY,
        is_monotonic=st.booleans(),
    ),
    "histogram": st.builds(
        metrics.Histogram, data_points=_few(_HISTOGRAMS), aggregation_temporality=_TEMPORALITY
    ),
    "exponential_histogram": st.builds(
        metrics.ExponentialHistogram,
        data_points=_few(_EXPONENTIAL),
        aggregation_temporality=_TEMPORALITY,
    ),
    "summary": st.builds(metrics.Summary, data_points=_few(_SUMMARIES)),
}
METRICS = st.one_of(
    st.builds(metrics.Metric, name=TEXTS, unit=TEXTS),
    *(
        st.builds(metrics.Metric, name=TEXTS, unit=TEXTS, **{kind: data})
        for kind, data in _DATA.items()
    ),
)

_SCOPES = _maybe(st.builds(InstrumentationScope, name=TEXTS, version=TEXTS, attributes=ATTRIBUTES))
_RESOURCES = _maybe(st.builds(Resource, attributes=ATTRIBUTES))


def _requests(signal: Signal) -> st.SearchStrategy[Message]:
    held: st.SearchStrategy[Any]
    envelope: st.SearchStrategy[Any]
    if signal is Signal.LOGS:
        held = st.builds(ScopeLogs, scope=_SCOPES, log_records=_few(LOGS))
        envelope = st.builds(ResourceLogs, resource=_RESOURCES, scope_logs=_few(held, 2))
        return st.builds(OFFICIAL[signal], resource_logs=_few(envelope, 2))
    if signal is Signal.TRACES:
        held = st.builds(ScopeSpans, scope=_SCOPES, spans=_few(SPANS, 2))
        envelope = st.builds(ResourceSpans, resource=_RESOURCES, scope_spans=_few(held, 2))
        return st.builds(OFFICIAL[signal], resource_spans=_few(envelope, 2))
    held = st.builds(metrics.ScopeMetrics, scope=_SCOPES, metrics=_few(METRICS))
    envelope = st.builds(metrics.ResourceMetrics, resource=_RESOURCES, scope_metrics=_few(held, 2))
    return st.builds(OFFICIAL[signal], resource_metrics=_few(envelope, 2))


REQUESTS = {signal: _requests(signal) for signal in Signal}
