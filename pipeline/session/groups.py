"""Sum up rows that stand in groups: integers by position, everything in one pass over columns.

Groups are numbered from 0. What a group gives depends on its own rows alone, in their order,
and on nothing that stands before or behind them: sums of money must not change in their last
bit with the company they are in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MOST_KINDS = 2**62


def mask_of(column: pa.Array) -> Mask:
    """See a column of booleans as a mask; NULL is false."""
    filled: Mask = pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False)
    return filled


def codes_of(*columns: pa.Array) -> Numbers:
    """Give rows that are alike in some columns the same number, NULL being a value too.

    The numbers have no meaning but which rows are alike.
    """
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    kinds = 1
    for column in columns:
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        if kinds * len(encoded.dictionary) > _MOST_KINDS:
            different, codes = np.unique(codes, return_inverse=True)
            kinds = len(different)
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
        kinds *= max(len(encoded.dictionary), 1)
    return codes


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group each of some rows is in.

    ``of_row`` has a number in ``[0, count)`` for each row, or -1 for rows of no group.
    """

    of_row: Numbers
    count: int

    @classmethod
    def by(cls, *columns: pa.Array, where: Mask | None = None) -> "Groups":
        """Group the rows that are alike in some columns; groups in order of their first row."""
        codes = codes_of(*columns)
        if where is not None:
            codes = np.where(where, codes, -1)
        return cls.of_codes(codes)

    @classmethod
    def of_codes(cls, codes: Numbers) -> "Groups":
        """Group rows by a number; -1 is no group; groups in order of their first row."""
        rows = np.flatnonzero(codes >= 0)
        _, first, inverse = np.unique(codes[rows], return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        of_row = np.full(len(codes), -1, dtype=np.int64)
        of_row[rows] = rank[inverse.ravel()]
        return cls(of_row, len(first))

    @classmethod
    def at(cls, place: pa.Array, count: int) -> "Groups":
        """Take groups as they are told, such as places in a list of sessions; NULL is none."""
        return cls(pc.fill_null(place, -1).cast(pa.int64()).to_numpy(), count)

    @property
    def rows(self) -> Numbers:
        """The rows that are in a group, in order."""
        return np.flatnonzero(self.of_row >= 0)

    def where(self, mask: Mask) -> "Groups":
        """Give the same groups without the rows that are not in the mask."""
        return Groups(np.where(mask, self.of_row, -1), self.count)

    def of_groups(self, chosen: Mask) -> "Groups":
        """Give the same groups, those that are not in the mask without rows."""
        # Rows of no group, -1, find the last place.
        return self.where(np.append(chosen, False)[self.of_row])

    def counts(self) -> pa.Int64Array:
        """Count each group's rows."""
        return pa.array(np.bincount(self.of_row[self.rows], minlength=self.count), pa.int64())

    def any(self, mask: Mask) -> Mask:
        """Tell for each group whether a row of it is in the mask."""
        found = np.zeros(self.count, dtype=np.bool_)
        found[self.of_row[self.rows[mask[self.rows]]]] = True
        return found

    def sum(self, column: pa.Array) -> pa.Array:
        """Add up a column of numbers; NULL where a group has none that is told."""
        return self._aggregate(column, "sum")

    def min(self, column: pa.Array) -> pa.Array:
        """Give each group's least value; NULL where none is told."""
        return self._aggregate(column, "min")

    def max(self, column: pa.Array) -> pa.Array:
        """Give each group's greatest value; NULL where none is told."""
        return self._aggregate(column, "max")

    def first(self, column: pa.Array) -> pa.Array:
        """Give each group's first value that is told; NULL where none is."""
        return column.take(self.first_row(column))

    def last(self, column: pa.Array) -> pa.Array:
        """Give each group's last value that is told; NULL where none is."""
        return column.take(self.last_row(column))

    def first_row(self, column: pa.Array) -> pa.Int64Array:
        """Give the row of each group's first value that is told; NULL where none is."""
        rows = self._told(column)[::-1]
        return self._place(rows)

    def last_row(self, column: pa.Array) -> pa.Int64Array:
        """Give the row of each group's last value that is told; NULL where none is."""
        return self._place(self._told(column))

    def texts(self, column: pa.Array) -> pa.ListArray:
        """List each group's different texts, ascending; an empty list where none is told."""
        rows = self._told(column)
        order = pc.sort_indices(column)
        rank = np.empty(len(column), dtype=np.int64)
        rank[order.to_numpy()] = np.arange(len(column))
        encoded = column.dictionary_encode().indices
        code = pc.fill_null(encoded, -1).cast(pa.int64()).to_numpy()
        rows = rows[np.lexsort((rank[rows], self.of_row[rows]))]
        fresh = np.ones(len(rows), dtype=np.bool_)
        group = self.of_row[rows]
        fresh[1:] = (group[1:] != group[:-1]) | (code[rows][1:] != code[rows][:-1])
        kept = rows[fresh]
        sizes = np.bincount(self.of_row[kept], minlength=self.count)
        ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(ends), column.take(pa.array(kept)))

    def spread(self, values: pa.Array) -> pa.Array:
        """Give each row its group's value; NULL for rows of no group."""
        place = pa.array(self.of_row, mask=self.of_row < 0)
        return values.take(place)

    def _told(self, column: pa.Array) -> Numbers:
        told: Mask = column.is_valid().to_numpy(zero_copy_only=False)
        return np.flatnonzero(told & (self.of_row >= 0))

    def _place(self, rows: Numbers) -> pa.Int64Array:
        """Give each group the last of some rows."""
        at = np.full(self.count, -1, dtype=np.int64)
        # With the same place assigned more than once, numpy keeps the last.
        at[self.of_row[rows]] = rows
        return pa.array(at, mask=at < 0)

    def _aggregate(self, column: pa.Array, how: str) -> pa.Array:
        rows = pa.array(self.rows)
        told = pa.table({"group": pa.array(self.of_row).take(rows), "value": column.take(rows)})
        # One thread: with several, the order of a sum's parts is chance.
        summed = told.group_by("group", use_threads=False).aggregate([("value", how)])
        at = pc.index_in(
            pa.arange(0, self.count) if self.count else pa.array([], pa.int64()),
            summed["group"].combine_chunks(),
        )
        return _one(summed[f"value_{how}"]).take(at)


def _one(column: "pa.ChunkedArray") -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def by_place(rows: pa.RecordBatch, ids: pa.Array) -> Groups:
    """Group rows by where their session_id stands among ``ids``."""
    return Groups.at(pc.index_in(rows.column("session_id"), value_set=ids), len(ids))


def texts_of(masks: Sequence[tuple[str, Mask]]) -> pa.ListArray:
    """List for each row the words whose mask it is in, in the order given."""
    stacked = np.stack([mask for _, mask in masks], axis=1)
    words = pa.array([word for word, _ in masks], pa.string())
    which = np.nonzero(stacked)[1]
    ends = np.concatenate([[0], np.cumsum(stacked.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), words.take(pa.array(which)))
