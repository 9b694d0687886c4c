"""Turn MAP columns into flat entries and back, and texts into what a scan needs; no row is walked.

Arrow keeps a map column as one run of keys, one of values and the places where rows begin.
Work on attributes is work on those two runs, with the number of the row beside each entry.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .schema import MAP


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a map column: for each the row it stands in, its key and its value.

    ``rows`` is in ascending order; ``missing`` tells which rows have no map at all.
    """

    rows: pa.Array
    keys: pa.Array
    values: pa.Array
    missing: pa.Array

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.rows)

    def where(self, mask: pa.Array) -> "Entries":
        """Give the entries for which the mask is true."""
        return Entries(
            self.rows.filter(mask), self.keys.filter(mask), self.values.filter(mask), self.missing
        )

    def with_keys(self, keys: pa.Array) -> "Entries":
        """Give the same entries under other keys."""
        return Entries(self.rows, keys, self.values, self.missing)

    def with_values(self, values: pa.Array) -> "Entries":
        """Give the same entries with other values."""
        return Entries(self.rows, self.keys, values, self.missing)


def entries(column: pa.MapArray) -> Entries:
    """Flatten a map column; slices and NULLs are taken care of."""
    # Seen as lists, because Arrow's list functions abort the process on a map (pyarrow 26).
    offsets = column.offsets
    keys = pa.ListArray.from_arrays(offsets, column.keys)
    values = pa.ListArray.from_arrays(offsets, column.items)
    rows = pc.list_parent_indices(keys)
    found = Entries(rows, keys.flatten(), values.flatten(), column.is_null())
    if column.null_count == 0:
        return found
    # The format lets a NULL map cover entries all the same.
    return found.where(pc.invert(found.missing.take(found.rows)))


def map_column(told: Entries) -> pa.MapArray:
    """Make a map column of entries whose rows ascend; the inverse of ``entries``."""
    rows = len(told.missing)
    # Every row stands once in front, so that value_counts names them all, in order.
    counted = pc.value_counts(pa.concat_arrays([_numbers(rows), told.rows.cast(pa.int64())]))
    sizes = pc.subtract(counted.field(1), 1)
    ends = pc.cumulative_sum(sizes).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.MapArray.from_arrays(offsets, told.keys, told.values, type=MAP, mask=told.missing)


def put(told: Entries, rows: pa.Array, key: str, values: pa.Array) -> Entries:
    """Set one key in the rows named; what stood there under that key is replaced."""
    rows = rows.cast(pa.int64())
    replaced = pc.and_(pc.equal(told.keys, key), pc.is_in(told.rows, value_set=rows))
    kept = told.where(pc.invert(replaced))
    every = pa.concat_arrays([kept.rows.cast(pa.int64()), rows])
    # sort_indices is stable, so a row's older entries stay in front.
    order = pc.sort_indices(every)
    keys = pa.concat_arrays([kept.keys, pa.repeat(pa.scalar(key, pa.string()), len(rows))])
    texts = pa.concat_arrays([kept.values, values.cast(pa.string())])
    set_now = pc.is_in(_numbers(len(told.missing)), value_set=rows)
    missing = pc.and_(told.missing, pc.invert(set_now))
    return Entries(every.take(order), keys.take(order), texts.take(order), missing)


def lookup(column: pa.MapArray, key: str) -> pa.Array:
    """Give each row's value of one key; NULL where the row does not have it."""
    return pc.map_lookup(column, query_key=pa.scalar(key, pa.string()), occurrence="last")


def choose(texts: pa.Array, test: Callable[[str], bool]) -> pa.Array:
    """Mask the texts that pass a test in Python, which sees every different text once."""
    coded = texts.dictionary_encode()
    passed = [test(str(text)) for text in coded.dictionary]
    mask = pa.array(passed, pa.bool_()).take(coded.indices)
    return pc.fill_null(mask, fill_value=False)


def whole(texts: pa.Array) -> pa.Array:
    """Show all texts of an array as one binary value, without copying.

    One scan of one long value costs a third of a scan of many short ones, so a pattern that
    is seldom found is looked for here first. Texts follow each other without a gap: a
    pattern used here must not ask for a boundary.
    """
    _, offsets, data = texts.buffers()
    if data is None or len(texts) == 0:
        return pa.array([b""], pa.binary())
    places = pa.Array.from_buffers(pa.int32(), texts.offset + len(texts) + 1, [None, offsets])
    ends = pa.concat_arrays([places.slice(texts.offset, 1), places.slice(len(places) - 1)])
    return pa.Array.from_buffers(pa.binary(), 1, [None, ends.buffers()[1], data])


def any_of(masks: Iterable[pa.Array], rows: int) -> pa.Array:
    """Join masks: true where one of them is; NULL counts as false."""
    joined = pa.repeat(pa.scalar(value=False), rows)
    for mask in masks:
        joined = pc.or_(joined, pc.fill_null(mask, fill_value=False))
    return joined


def _numbers(rows: int) -> pa.Array:
    return pa.arange(0, rows) if rows else pa.array([], pa.int64())
