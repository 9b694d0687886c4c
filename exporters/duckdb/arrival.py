"""Turn a delivery into Arrow tables that DuckDB can scan, with the ids of its events."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ...pipeline.core.batch import Delivery, Table
from ...pipeline.core.errors import Permanent
from ...pipeline.core.schema import EVENTS, RESOURCES, SPAN_EVENTS, TABLES, TIME, UUID
from .seen import Mask, Times, Words, hash_ids

# DuckDB works on vectors of 2,048 rows and takes each Arrow chunk for itself: below this,
# one copy costs less than many small vectors.
_VECTOR_ROWS = 2048


@dataclass(frozen=True, slots=True)
class Arrival:
    """The rows of a delivery by table; ``ids``, ``hashes`` and times are those of the events."""

    events: pa.Table
    resources: pa.Table
    span_events: pa.Table
    ids: Words
    hashes: Words
    received_us: Times


def arrive(delivery: Delivery) -> Arrival:
    """Gather a delivery's rows.

    Raises:
        Permanent: rows of a table that is not kept here, or events without id or time.

    """
    strange = sorted({batch.table.name for batch in delivery.batches} - TABLES.keys())
    if strange:
        msg = f"no tables {strange} in the DuckDB file. Known: {sorted(TABLES)}."
        raise Permanent(msg, reason="unknown_table")
    events = _gather(delivery, EVENTS)
    for name in ("event_id", "received_at"):
        if events[name].null_count:
            msg = f"{events[name].null_count} events have no {name}; the decoder must fill it."
            raise Permanent(msg, reason="refused_rows")
    ids = _words(events["event_id"])
    return Arrival(
        events,
        _gather(delivery, RESOURCES),
        _gather(delivery, SPAN_EVENTS),
        ids,
        hash_ids(ids),
        events["received_at"].cast(pa.int64()).to_numpy(),
    )


def first_of_each(ids: Words, hashes: Words) -> Mask:
    """Mark the first row of each id."""
    first = np.ones(len(ids), dtype=np.bool_)
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return first
    # lexsort is stable, so the first row of an id comes first among its copies.
    order = np.lexsort((ids[:, 0], ids[:, 1]))
    same = (ids[order[1:]] == ids[order[:-1]]).all(axis=1)
    first[order[1:][same]] = False
    return first


def scannable(rows: pa.Table) -> pa.Table:
    """Leave out columns that are all NULL, and mark ids as UUIDs; see ``marked``."""
    return marked(rows.select([name for name in rows.column_names if not _is_empty(rows[name])]))


def marked(rows: pa.Table) -> pa.Table:
    """Mark ids as UUIDs.

    DuckDB reads Arrow's UUID extension without a cast; binary(16) it would take as a BLOB.
    """
    for at, field in enumerate(rows.schema):
        if field.type == UUID:
            rows = rows.set_column(at, field.name, uuids(rows.column(at)))
    return rows


def suspects(arrival: Arrival, rows: Mask, window_us: int) -> pa.Table:
    """Name the rows to look up: where they stand, their ids, and since when a copy counts."""
    at = np.flatnonzero(rows)
    places: pa.Int64Array = pa.array(at, type=pa.int64())
    since = pa.array(arrival.received_us[at] - window_us).cast(TIME)
    ids = uuids(arrival.events["event_id"].take(places))
    return pa.table({"at": places, "event_id": ids, "since": since})


def uuids(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    """Give binary(16) as Arrow's UUID type, without a copy."""
    kind: Any = pa.uuid()
    chunks = [pa.ExtensionArray.from_storage(kind, chunk) for chunk in column.chunks]
    marked: pa.ChunkedArray[Any] = pa.chunked_array(chunks, type=kind)
    return marked


def words_of(ids: "pa.Array[Any]") -> Words:
    """See binary(16) as two 64-bit words a row, without a copy."""
    values: Any = ids.buffers()[1]
    words = np.frombuffer(values, np.uint64, count=2 * len(ids), offset=16 * ids.offset)
    return words.reshape(-1, 2)


def _is_empty(column: "pa.ChunkedArray[Any]") -> bool:
    return bool(column.null_count == len(column))


def _gather(delivery: Delivery, table: Table) -> pa.Table:
    records = [batch.records for batch in delivery.batches if batch.table.name == table.name]
    rows = pa.Table.from_batches(records, schema=table.schema)
    return rows.combine_chunks() if rows.num_rows < _VECTOR_ROWS * len(records) else rows


def _words(column: "pa.ChunkedArray[Any]") -> Words:
    if not len(column):
        return np.empty((0, 2), dtype=np.uint64)
    ids = pa.concat_arrays(column.chunks)
    return words_of(ids)
