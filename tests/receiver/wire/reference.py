"""Turn OTLP messages into plain records, once by the official classes and once by ours.

Both give one dict a record, so that a difference shows as a difference of two dicts. This is
the slow and obvious way, on purpose.
"""

import base64
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentpond.pipeline.core.signal import Signal
from agentpond.receiver.wire.records import Attributes, Records

Flat = dict[str, Any]

OFFICIAL: dict[Signal, type[Message]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}
_PARTS = {
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
}
_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
_NO_RECORDED_VALUE = 1


class JsonOf:
    """Equals any text that is JSON for a value; numbers by value, true is not 1."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and _same(json.loads(other), self.value)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"JsonOf({self.value!r})"


def expected(signal: Signal, messages: Sequence[Message]) -> list[Flat]:
    """Flatten requests of the official classes."""
    items = _items(signal, messages)
    if signal is Signal.METRICS:
        return _points(list(items))
    read = _log if signal is Signal.LOGS else _span
    return [place | read(item) | _told(scope, item) for place, scope, item in items]


def flattened(records: Records) -> list[Flat]:
    """Flatten what our decoders gave."""
    resources = _owned(records.resource_attributes, records.resources)
    scopes = records.scopes.to_pylist()
    attributes = _owned(records.attributes, records.items.num_rows)
    events = _our_events(records)
    rows = []
    for number, item in enumerate(records.items.to_pylist()):
        row = {name: _comparable(value) for name, value in item.items()}
        row["resource"] = resources[item["resource"]]
        row["scope"] = scopes[item["scope"]]
        row["attributes"] = attributes[number]
        if records.signal is Signal.TRACES:
            row["events"] = events[number]
        rows.append(row)
    return rows


def _items(signal: Signal, messages: Sequence[Any]) -> Iterator[tuple[Flat, Any, Any]]:
    resources_name, scopes_name, items_name = _PARTS[signal]
    for request, message in enumerate(messages):
        for envelope in getattr(message, resources_name):
            for holder in getattr(envelope, scopes_name):
                place = {
                    "request": request,
                    "resource": _attributes(envelope.resource.attributes),
                    "scope": {
                        "name": holder.scope.name or None,
                        "version": holder.scope.version or None,
                    },
                }
                for item in getattr(holder, items_name):
                    yield place, holder.scope, item


def _told(scope: Any, item: Any) -> Flat:
    of_scope = {f"otel.scope.{key}": v for key, v in _attributes(scope.attributes).items()}
    return {"attributes": of_scope | _attributes(item.attributes)}


def _log(log: Any) -> Flat:
    return {
        "time_unix_nano": log.time_unix_nano,
        "observed_time_unix_nano": log.observed_time_unix_nano,
        "severity_number": log.severity_number,
        "severity_text": log.severity_text,
        "event_name": log.event_name,
        "body": _text(log.body),
        "trace_id": _id(log.trace_id, 16),
        "span_id": _id(log.span_id, 8),
    }


def _span(span: Any) -> Flat:
    return {
        "trace_id": _id(span.trace_id, 16),
        "span_id": _id(span.span_id, 8),
        "parent_span_id": _id(span.parent_span_id, 8),
        "trace_state": span.trace_state,
        "name": span.name,
        "kind": span.kind,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "status_code": span.status.code,
        "status_message": span.status.message,
        "links": JsonOf([_link(link) for link in span.links]) if span.links else None,
        "events": [
            {
                "index": index,
                "time_unix_nano": event.time_unix_nano,
                "name": event.name,
                "attributes": _attributes(event.attributes),
            }
            for index, event in enumerate(span.events)
        ],
    }


def _link(link: Any) -> Flat:
    return {
        "trace_id": _id(link.trace_id, 16),
        "span_id": _id(link.span_id, 8),
        "trace_state": link.trace_state,
        "attributes": {pair.key: _json(pair.value) for pair in link.attributes},
    }


def _points(items: Sequence[tuple[Flat, Any, Any]]) -> list[Flat]:
    """Flatten data points in our order: kind by kind."""
    return [
        place | _point(metric, kind, point) | _told(scope, point)
        for kind in _KINDS
        for place, scope, metric in items
        if metric.WhichOneof("data") == kind
        for point in getattr(metric, kind).data_points
    ]


def _point(metric: Any, kind: str, point: Any) -> Flat:
    data = getattr(metric, kind)
    recorded = not point.flags & _NO_RECORDED_VALUE
    return {
        "name": metric.name,
        "unit": metric.unit,
        "data": kind,
        "temporality": getattr(data, "aggregation_temporality", 0),
        "monotonic": data.is_monotonic if kind == "sum" else None,
        "start_time_unix_nano": point.start_time_unix_nano,
        "time_unix_nano": point.time_unix_nano,
        "value": _value(kind, point) if recorded else None,
        "count": _signed(point.count) if hasattr(point, "count") and recorded else None,
        "min": _optional(point, "min"),
        "max": _optional(point, "max"),
        "bounds": _bounds(point.explicit_bounds) if kind == "histogram" else None,
        "bucket_counts": (
            [_signed(count) for count in point.bucket_counts] if kind == "histogram" else None
        ),
        "detail": _detail(kind, point),
    }


def _value(kind: str, point: Any) -> Any:
    if kind in {"gauge", "sum"}:
        told = point.WhichOneof("value")
        return _comparable(float(getattr(point, told))) if told else None
    if kind == "summary":
        return _comparable(point.sum)
    return _optional(point, "sum")


def _optional(point: Any, name: str) -> Any:
    if not hasattr(point, name) or not point.HasField(name):
        return None
    return _comparable(getattr(point, name))


def _bounds(bounds: Iterable[float]) -> list[Any]:
    return [_comparable(bound) for bound in bounds]


def _detail(kind: str, point: Any) -> JsonOf | None:
    if kind == "summary":
        return JsonOf(
            [
                {"quantile": _number(told.quantile), "value": _number(told.value)}
                for told in point.quantile_values
            ]
        )
    if kind != "exponential_histogram":
        return None
    return JsonOf(
        {
            "scale": point.scale,
            "zero_count": point.zero_count,
            "zero_threshold": _number(point.zero_threshold),
            "positive": _buckets(point.positive),
            "negative": _buckets(point.negative),
        }
    )


def _buckets(buckets: Any) -> Flat:
    return {"offset": buckets.offset, "bucket_counts": list(buckets.bucket_counts)}


def _attributes(pairs: Iterable[Any]) -> Flat:
    return {pair.key: _typed(pair.value) for pair in pairs}


def _typed(value: Any) -> tuple[str, Any] | None:
    kind = value.WhichOneof("value")
    if kind is None or kind == "string_value_strindex":
        return None
    if kind in {"array_value", "kvlist_value", "bytes_value"}:
        return ("json", JsonOf(_json(value)))
    name = {"string_value": "string", "bool_value": "boolean", "int_value": "integer"}
    return (name.get(kind, "double"), _comparable(getattr(value, kind)))


def _text(value: Any) -> Any:
    told = _json(value)
    return told if told is None or value.WhichOneof("value") == "string_value" else JsonOf(told)


def _json(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or kind == "string_value_strindex":
        return None
    told = getattr(value, kind)
    if kind == "array_value":
        return [_json(one) for one in told.values]
    if kind == "kvlist_value":
        return {pair.key: _json(pair.value) for pair in told.values}
    if kind == "bytes_value":
        return base64.b64encode(told).decode()
    return _number(told) if kind == "double_value" else told


def _number(told: float) -> float | str:
    if math.isfinite(told):
        return told
    return "NaN" if math.isnan(told) else "Infinity" if told > 0 else "-Infinity"


def _id(told: bytes, size: int) -> str | None:
    return told.hex() if len(told) == size and any(told) else None


def _signed(count: int) -> int:
    """Wrap an unsigned count as the table's signed columns do."""
    return count - (1 << 64) if count >= 1 << 63 else count


def _comparable(value: Any) -> Any:
    """Write doubles so that NaN equals itself and -0.0 does not equal 0.0."""
    if isinstance(value, list):
        return [_comparable(one) for one in value]
    return repr(value) if isinstance(value, float) else value


def _owned(attributes: Attributes, owners: int) -> list[Flat]:
    pairs = attributes.pairs.to_pylist()
    owned: list[Flat] = [{} for _ in range(owners)]
    for owner, pair in zip(attributes.owner.tolist(), attributes.pair.tolist(), strict=True):
        told = dict(pairs[pair])
        key = told.pop("key")
        typed = [(kind, _comparable(v)) for kind, v in told.items() if v is not None]
        assert len(typed) <= 1
        owned[owner][key] = typed[0] if typed else None
    return owned


def _our_events(records: Records) -> list[list[Flat]]:
    events: list[list[Flat]] = [[] for _ in range(records.items.num_rows)]
    told = _owned(records.span_event_attributes, records.span_events.num_rows)
    for event, attributes in zip(records.span_events.to_pylist(), told, strict=True):
        events[event.pop("span")].append(event | {"attributes": attributes})
    return events


def _same(told: Any, asked: Any) -> bool:
    if isinstance(told, dict) and isinstance(asked, dict):
        return told.keys() == asked.keys() and all(_same(told[key], asked[key]) for key in told)
    if isinstance(told, list) and isinstance(asked, list):
        return len(told) == len(asked) and all(map(_same, told, asked))
    return isinstance(told, bool) == isinstance(asked, bool) and bool(told == asked)
