"""Turn the fields that OTLP gives every record, outside its attributes, into columns.

Each function also gives *extra* texts by key: what is told beyond the columns and goes to the
record's ``attributes``.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.schema import TIME
from ..pipeline.core.signal import Signal
from .dialects.rules import Columns, lift
from .lifting import Keyed
from .wire.records import Records

_NULL_TEXT = pa.scalar(None, pa.string())
_EVENT_TIME = lift("time", "event.timestamp")

# logs.proto, SeverityNumber: each name stands for four numbers, of which it names the first.
_SEVERITIES = pa.array(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])
_SPAN_KINDS = pa.array([None, None, "server", "client", "producer", "consumer"])
_TEMPORALITIES = pa.array([None, "delta", "cumulative"])
_ERROR = pa.scalar(2, pa.int32())


def read_fields(
    records: Records, keyed: Keyed, columns: Columns
) -> tuple[Mapping[str, pa.Array], Mapping[str, pa.Array]]:
    """Give the columns that the fields fill, and what else they tell."""
    if records.signal is Signal.LOGS:
        return _log_fields(records.items, keyed, columns)
    if records.signal is Signal.TRACES:
        return _span_fields(records.items, columns)
    return _point_fields(records.items)


def microseconds(nanoseconds: pa.Array) -> pa.Array:
    """Turn OTLP's Unix nanoseconds into timestamps; 0 means that no time is told."""
    whole = np.asarray(nanoseconds) // np.uint64(1000)
    return pa.array(whole.astype(np.int64), mask=whole == 0).cast(TIME)


def _log_fields(
    items: pa.RecordBatch, keyed: Keyed, columns: Columns
) -> tuple[Mapping[str, pa.Array], Mapping[str, pa.Array]]:
    time = keyed.lift(_EVENT_TIME, None, microseconds(items.column("time_unix_nano")))
    number = items.column("severity_number")
    body = items.column("body")
    if body.null_count < len(body):
        named = pc.fill_null(pc.equal(body, columns["event_name"]), pa.scalar(False))
        body = pc.if_else(named, _NULL_TEXT, body)
    filled = {
        "time": pc.coalesce(time, microseconds(items.column("observed_time_unix_nano"))),
        "severity": _told_number(number),
        "trace_id": items.column("trace_id"),
        "span_id": items.column("span_id"),
        "content": pc.coalesce(columns["content"], body),
    }
    extra = {"severity_text": _odd_severity(items.column("severity_text"), number)}
    if body.null_count < len(body):
        extra["body"] = pc.if_else(columns["content"].is_valid(), body, _NULL_TEXT)
    return filled, _told(extra)


def _span_fields(
    items: pa.RecordBatch, columns: Columns
) -> tuple[Mapping[str, pa.Array], Mapping[str, pa.Array]]:
    start, end = items.column("start_time_unix_nano"), items.column("end_time_unix_nano")
    failed = pc.equal(items.column("status_code"), _ERROR)
    message = _told_text(items.column("status_message"))
    filled = {
        "time": microseconds(start),
        "end_time": microseconds(end),
        "trace_id": items.column("trace_id"),
        "span_id": items.column("span_id"),
        "parent_span_id": items.column("parent_span_id"),
        "duration_ms": pc.coalesce(columns["duration_ms"], _elapsed_ms(start, end)),
        "success": pc.coalesce(
            columns["success"], pc.if_else(failed, pa.scalar(False), pa.scalar(None, pa.bool_()))
        ),
        "error_message": pc.coalesce(columns["error_message"], message),
    }
    said = pc.fill_null(pc.equal(message, filled["error_message"]), pa.scalar(False))
    extra = {
        "span.kind": _named(_SPAN_KINDS, items.column("kind")),
        "span.links": items.column("links"),
        "span.status_message": pc.if_else(said, _NULL_TEXT, message),
        "span.trace_state": _told_text(items.column("trace_state")),
    }
    return filled, _told(extra)


def _point_fields(
    items: pa.RecordBatch,
) -> tuple[Mapping[str, pa.Array], Mapping[str, pa.Array]]:
    same = ("value", "count", "bounds", "bucket_counts", "min", "max")
    filled = {name: items.column(name) for name in same}
    filled |= {
        "time": microseconds(items.column("time_unix_nano")),
        "start_time": microseconds(items.column("start_time_unix_nano")),
        "unit": _told_text(items.column("unit")),
        "temporality": _named(_TEMPORALITIES, items.column("temporality")),
    }
    # Counters only go up; what may also go down says so.
    falls = pc.fill_null(pc.invert(items.column("monotonic")), pa.scalar(False))
    extra = {
        "metric.monotonic": pc.if_else(falls, pa.scalar("false"), _NULL_TEXT),
        "metric.detail": items.column("detail"),
    }
    return filled, _told(extra)


def _told(extra: Mapping[str, pa.Array]) -> Mapping[str, pa.Array]:
    return {key: texts for key, texts in extra.items() if texts.null_count < len(texts)}


def _told_text(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, pa.scalar("")), _NULL_TEXT, texts)


def _told_number(numbers: pa.Array) -> pa.Array:
    untold = pc.equal(numbers, pa.scalar(0, numbers.type))
    return pc.if_else(untold, pa.scalar(None, numbers.type), numbers)


def _named(names: pa.Array, numbers: pa.Array) -> pa.Array:
    """Give the name of each number; null for one that has none."""
    known = np.asarray(numbers)
    at = np.where((known >= 0) & (known < len(names)), known, 0)
    return names.take(pa.array(at))


def _odd_severity(texts: pa.Array, numbers: pa.Array) -> pa.Array:
    """Keep a severity's text where it is not just the name of its number."""
    at = np.clip((np.asarray(numbers) - 1) // 4, 0, len(_SEVERITIES) - 1)
    usual = pc.equal(texts, _SEVERITIES.take(pa.array(at)))
    return pc.if_else(usual, _NULL_TEXT, _told_text(texts))


def _elapsed_ms(start: pa.Array, end: pa.Array) -> pa.Array:
    begun, ended = np.asarray(start), np.asarray(end)
    known = (begun > 0) & (ended >= begun)
    elapsed = np.where(known, ended - begun, np.uint64(0)) / 1e6
    return pa.array(elapsed, mask=~known)
