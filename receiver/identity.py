"""Give each record its id: the hash of what tells it from all others.

A log record of Claude Code is known by its session, time, sequence and name where it tells them
(reference: Claude Code section 11); a span by its trace and span id; anything else by all it
says, so that a copy has the same id and two records that differ anywhere have two. What cannot
differ between a record and its copy is left out: the door it came through, its encoding, when
it was received.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.signal import Signal
from .hashing import Lanes, add_up, combine, hash_numbers, hash_repeating, hash_text, mix, to_uuids
from .wire.records import Attributes, Records

_KINDS = ("string", "json", "integer", "double", "boolean")

# The parts of a record that stand outside its attributes, by signal.
_TEXTS = {
    Signal.LOGS: ("event_name", "body", "severity_text", "trace_id", "span_id"),
    Signal.METRICS: ("name", "unit", "data", "detail"),
}
_NUMBERS = {
    Signal.LOGS: ("time_unix_nano", "observed_time_unix_nano", "severity_number"),
    Signal.METRICS: (
        *("start_time_unix_nano", "time_unix_nano", "temporality", "monotonic"),
        *("value", "count", "min", "max"),
    ),
}
_LISTS: dict[Signal, tuple[str, ...]] = {
    Signal.LOGS: (),
    Signal.METRICS: ("bounds", "bucket_counts"),
}


def event_ids(
    records: Records, resource_ids: Lanes, columns: Mapping[str, pa.Array], *, numbered: bool
) -> pa.Array:
    """Hash the natural key of each item; ``columns`` are those already lifted, one row an item.

    ``numbered`` says that the sender's log records count themselves in ``sequence``.
    """
    if records.signal is Signal.TRACES:
        return to_uuids(_spans(records))
    if records.signal is Signal.METRICS or not numbered:
        return to_uuids(_content(records, resource_ids))
    known = _numbered(records, columns)
    whole = _tells_all(records, columns)
    if not whole.all():
        known = np.where(whole, known, _content(records, resource_ids))
    return to_uuids(known)


def hash_attributes(attributes: Attributes, owners: int) -> Lanes:
    """Hash each owner's attributes, whatever their order."""
    pairs = attributes.pairs
    values = np.zeros((2, pairs.num_rows), dtype=np.uint64)
    for number, kind in enumerate(_KINDS, start=1):
        column = pairs.column(kind)
        if column.null_count < len(column):
            told = column.is_valid().to_numpy(zero_copy_only=False)
            hashed = hash_text(column) if pa.types.is_string(column.type) else hash_numbers(column)
            values = np.where(told, mix(hashed + np.uint64(number)), values)
    lanes = combine([hash_text(pairs.column("key")), values])
    return add_up(lanes[:, attributes.pair], attributes.owner, owners)


def _spans(records: Records) -> Lanes:
    return combine([hash_text(records.items.column(name)) for name in ("trace_id", "span_id")])


def _tells_all(records: Records, columns: Mapping[str, pa.Array]) -> npt.NDArray[np.bool_]:
    """Mark the records that tell session, time and sequence; without them others look alike."""
    told = pc.and_(columns["session_id"].is_valid(), columns["sequence"].is_valid())
    timed = records.items.column("time_unix_nano").to_numpy() > 0
    marked: npt.NDArray[np.bool_] = told.to_numpy(zero_copy_only=False) & timed
    return marked


def _numbered(records: Records, columns: Mapping[str, pa.Array]) -> Lanes:
    items = records.items
    return combine(
        [
            hash_repeating(columns["session_id"]),
            hash_repeating(columns["event_name"]),
            hash_numbers(items.column("time_unix_nano")),
            hash_numbers(columns["sequence"]),
        ]
    )


def _content(records: Records, resource_ids: Lanes) -> Lanes:
    items = records.items
    resource = items.column("resource").to_numpy()
    scope = items.column("scope").to_numpy()
    parts = [resource_ids[:, resource]]
    parts += [hash_text(records.scopes.column(name))[:, scope] for name in ("name", "version")]
    parts += [hash_repeating(items.column(name)) for name in _TEXTS[records.signal]]
    parts += [hash_numbers(items.column(name)) for name in _NUMBERS[records.signal]]
    parts += [hash_repeating(_joined(items.column(name))) for name in _LISTS[records.signal]]
    parts.append(hash_attributes(records.attributes, items.num_rows))
    return combine(parts)


def _joined(lists: pa.ListArray) -> pa.Array:
    return pc.binary_join(lists.cast(pa.list_(pa.string())), ",")
