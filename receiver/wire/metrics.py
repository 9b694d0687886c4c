"""Read the data points of metrics of every kind.

Fields of ``items``: name, unit, data (``gauge``, ``sum``, ``histogram``,
``exponential_histogram``, ``summary``), temporality (OTLP's number, 0 where the kind has none),
monotonic, start_time_unix_nano, time_unix_nano (uint64), value (a histogram's or summary's sum)
and count (both null where OTLP says that no value was recorded), bounds, bucket_counts, min,
max, and detail (what only exponential histograms and summaries have, as JSON).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .envelope import Envelope, check_items, check_parts, read_attributes, to_records
from .jsontext import join, number_text
from .node import Node, Rows
from .official import check_told_once
from .records import Attributes, Records, concat_attributes
from .spread import text_bytes

KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")

# metrics.proto, DataPointFlags: FLAG_NO_RECORDED_VALUE
_NO_RECORDED_VALUE = 1


@dataclass(frozen=True, slots=True)
class _Points:
    """The points of one kind of metric; ``metric`` says for each which metric it is of."""

    metric: Rows
    columns: dict[str, pa.Array]
    attributes: Attributes


def read_metrics(envelope: Envelope) -> Records:
    """Turn the data points of an envelope into columns, kind by kind."""
    metrics = envelope.messages
    check_told_once(_masks(metrics))
    kinds = [kind for kind in KINDS if len(metrics.told(kind))] or ["gauge"]
    told = [(kind, metrics.child(kind)) for kind in kinds]
    found = [(kind, data, *data.children("data_points")) for kind, data in told]
    metric = np.concatenate([metric for _, _, metric, _ in found])
    check_parts(envelope, envelope.scope_of[metric])
    parts = [_points(*one) for one in found]
    shared = {name: metrics.column(name) for name in ("name", "unit")}
    shared_bytes = sum(text_bytes(texts)[metric] for texts in shared.values())
    check_items(envelope, envelope.scope_of[metric], shared_bytes)
    columns = {name: texts.take(pa.array(metric)) for name, texts in shared.items()}
    for name in parts[0].columns:
        columns[name] = pa.concat_arrays([part.columns[name] for part in parts])
    starts = np.cumsum([0, *(len(part.metric) for part in parts)])
    attributes = concat_attributes(
        [(part.attributes, int(start)) for part, start in zip(parts, starts, strict=False)]
    )
    return to_records(envelope, envelope.scope_of[metric], columns, attributes)


def _points(kind: str, data: Node, metric: Rows, points: Node) -> _Points:
    at = pa.array(metric)
    count = len(metric)
    columns = {
        "data": pa.repeat(kind, count),
        "temporality": (
            data.column("aggregation_temporality").take(at)
            if kind in {"sum", "histogram", "exponential_histogram"}
            else pa.repeat(pa.scalar(0, pa.int32()), count)
        ),
        "monotonic": (
            data.column("is_monotonic").take(at) if kind == "sum" else pa.nulls(count, pa.bool_())
        ),
        "start_time_unix_nano": points.column("start_time_unix_nano"),
        "time_unix_nano": points.column("time_unix_nano"),
        **_numbers(points, kind),
    }
    recorded = pc.equal(pc.bit_wise_and(points.column("flags"), _NO_RECORDED_VALUE), 0)
    for name in ("value", "count"):
        columns[name] = pc.if_else(recorded, columns[name], None)
    return _Points(metric, columns, read_attributes(points, level=5))


def _numbers(points: Node, kind: str) -> dict[str, pa.Array]:
    count = len(points)
    told = {
        "value": pa.nulls(count, pa.float64()),
        "count": pa.nulls(count, pa.int64()),
        "bounds": pa.nulls(count, pa.list_(pa.float64())),
        "bucket_counts": pa.nulls(count, pa.list_(pa.int64())),
        "min": pa.nulls(count, pa.float64()),
        "max": pa.nulls(count, pa.float64()),
        "detail": pa.nulls(count, pa.string()),
    }
    if kind in {"gauge", "sum"}:
        check_told_once(_told(points, name) for name in ("as_int", "as_double"))
        whole = points.column("as_int").cast(pa.float64(), safe=False)
        return told | {"value": pc.coalesce(points.column("as_double"), whole)}
    told |= {"value": points.column("sum"), "count": _whole(points.column("count"))}
    if kind == "summary":
        return told | {"detail": _quantiles(points)}
    told |= {"min": points.column("min"), "max": points.column("max")}
    if kind == "exponential_histogram":
        return told | {"detail": _exponential(points)}
    return told | {
        "bounds": points.numbers("explicit_bounds").cast(pa.list_(pa.float64())),
        "bucket_counts": _whole_lists(points.numbers("bucket_counts")),
    }


def _masks(metrics: Node) -> Iterator[npt.NDArray[np.bool_]]:
    """Mark, for each kind of data, the metrics that tell it."""
    for kind in KINDS:
        mask = np.zeros(len(metrics), dtype=bool)
        mask[metrics.told(kind)] = True
        yield mask


def _told(points: Node, name: str) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = points.column(name).is_valid().to_numpy(zero_copy_only=False)
    return mask


def _whole(counts: pa.Array) -> pa.Array:
    return counts.cast(pa.int64(), safe=False)


def _whole_lists(lists: pa.ListArray) -> pa.ListArray:
    return lists.cast(pa.list_(pa.int64()), safe=False)


def _exponential(points: Node) -> pa.Array:
    fields = [
        _field("scale", points.column("scale")),
        _field("zero_count", points.column("zero_count")),
        _field("zero_threshold", number_text(points.column("zero_threshold"))),
        _field("positive", _buckets(points.child("positive"))),
        _field("negative", _buckets(points.child("negative"))),
    ]
    return pc.binary_join_element_wise("{", pc.binary_join_element_wise(*fields, ","), "}", "")


def _buckets(buckets: Node) -> pa.Array:
    texts = buckets.numbers("bucket_counts").cast(pa.list_(pa.string()))
    counts = pc.binary_join_element_wise("[", pc.binary_join(texts, ","), "]", "")
    fields = [_field("offset", buckets.column("offset")), _field("bucket_counts", counts)]
    return pc.binary_join_element_wise("{", pc.binary_join_element_wise(*fields, ","), "}", "")


def _quantiles(points: Node) -> pa.Array:
    owner, quantiles = points.children("quantile_values")
    fields = [
        _field("quantile", number_text(quantiles.column("quantile"))),
        _field("value", number_text(quantiles.column("value"))),
    ]
    members = pc.binary_join_element_wise("{", pc.binary_join_element_wise(*fields, ","), "}", "")
    return join(members, owner, len(points), "[", "]")


def _field(name: str, values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(f'"{name}":', values.cast(pa.string()), "")
