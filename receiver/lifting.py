"""Lift attributes into columns by a dialect's rules, and keep what no rule took as a map.

A rule looks at each different attribute once; owners are reached through its number.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.schema import MAP
from .coerce import reader_of
from .dialects.rules import Lift
from .wire.anyvalue import numbered, text_of
from .wire.node import Rows
from .wire.records import Attributes
from .wire.scatter import last_wins, offsets_of

Mask = npt.NDArray[np.bool_]


class Keyed:
    """Attributes of ``owners`` owners by key, with a note of which of them a column took."""

    def __init__(self, attributes: Attributes, owners: int) -> None:
        """Sort the attributes by key; of a key that an owner tells twice the last one stands."""
        self._owners = owners
        self._owner = attributes.owner
        keys = attributes.pairs.column("key")
        key_of_pair = numbered(keys)
        by_key = _sorted_by(key_of_pair)
        self._pairs = attributes.pairs.take(pa.array(by_key))
        rank = np.empty(len(by_key), dtype=np.int64)
        rank[by_key] = np.arange(len(by_key))
        self._pair = rank[attributes.pair]
        self._spans = _spans(self._pairs.column("key"), key_of_pair[by_key])
        key = key_of_pair[attributes.pair]
        order = _sorted_by(key)
        order, self._taken = _without_repeats(order, key, attributes.owner)
        ends = np.cumsum(np.bincount(key[order], minlength=len(self._spans)))
        self._rows = dict(zip(self._spans, np.split(order, ends[:-1]), strict=False))

    @property
    def keys(self) -> Iterable[str]:
        """Name all keys that are told."""
        return self._spans.keys()

    def lift(self, rule: Lift, on: Mask | None, column: pa.Array) -> pa.Array:
        """Fill the nulls of a column from the attributes that a rule names.

        ``on`` marks the owners the rule applies to. An attribute counts as taken if its value
        went into the column, or is the same as what the column already says.
        """
        for key in rule.keys:
            rows = self._rows.get(key)
            if rows is None:
                continue
            if on is not None:
                rows = rows[on[self._owner[rows]]]
            if len(rows):
                column = self._fill(key, rows, rule, column)
        return column

    def rest(self, extra: Mapping[str, pa.Array]) -> pa.MapArray:
        """Give what no column took, and ``extra`` texts by key (one row an owner), as a map."""
        left = np.flatnonzero(~self._taken)
        owner, pair = self._owner[left], pa.array(self._pair[left])
        keys = self._pairs.column("key").take(pair)
        texts = text_of(_Rows(self._pairs, pair))
        if extra:
            owner, keys, texts = _with_extra(owner, keys, texts, extra)
        offsets = pa.array(offsets_of(owner, self._owners))
        return pa.MapArray.from_arrays(offsets, keys, texts).cast(MAP)

    def _fill(self, key: str, rows: Rows, rule: Lift, column: pa.Array) -> pa.Array:
        start, stop = self._spans[key]
        values, readable = _read(self._pairs.slice(start, stop - start), rule, column.type)
        pair, owner = self._pair[rows] - start, self._owner[rows]
        told = values.take(_where(owner, pair, self._owners))
        if column.null_count == len(column):
            filled, mine = told, readable[pair]
        else:
            filled = pc.coalesce(column, told)
            same = pc.fill_null(_agree(filled, told, rule.scale), pa.scalar(True))
            mine = readable[pair] & same.to_numpy(zero_copy_only=False)[owner]
        if not rule.keep:
            self._taken[rows[mine]] = True
        return filled


def lift_text(keyed: Keyed, key: str, column: pa.Array) -> pa.Array:
    """Fill the nulls of a text column from one attribute, which then counts as taken."""
    return keyed.lift(Lift("", (key,)), None, column)


class _Rows:
    """Some rows of a record batch; a column is taken only when it is asked for."""

    def __init__(self, batch: pa.RecordBatch, rows: pa.Array) -> None:
        self._batch = batch
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, name: str) -> pa.Array:
        return self._batch.column(name).take(self._rows)


def _sorted_by(key: Rows) -> Rows:
    """Give the rows in the order of small numbers; rows of one number stay in theirs."""
    # numpy sorts integers of 16 bits by radix, five times faster than longer ones
    narrow = key.astype(np.uint16) if key.max(initial=0) < 1 << 16 else key
    return np.argsort(narrow, kind="stable")


def _spans(keys: pa.Array, number: Rows) -> dict[str, tuple[int, int]]:
    """Say where each key begins and ends in pairs sorted by their key's number."""
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    stops = np.append(starts, len(number))[1:]
    names = keys.take(pa.array(starts)).to_pylist()
    return dict(zip(names, zip(starts.tolist(), stops.tolist(), strict=True), strict=True))


def _agree(column: pa.Array, told: pa.Array, scale: float) -> pa.Array:
    if scale == 1.0:
        return pc.equal(column, told)
    return pc.less_equal(pc.abs(pc.subtract(column, told)), pa.scalar(scale))


def _where(owner: Rows, pair: Rows, owners: int) -> pa.Array:
    """Say for each owner which of the pairs it has; null for none. The last one stands."""
    if len(owner) == owners and bool((np.diff(owner) == 1).all()):
        return pa.array(pair)
    at = np.full(owners, -1, dtype=np.int64)
    at[owner] = pair
    return pa.array(at, mask=at < 0)


def _with_extra(
    owner: Rows, keys: pa.Array, texts: pa.Array, extra: Mapping[str, pa.Array]
) -> tuple[Rows, pa.Array, pa.Array]:
    for key, values in extra.items():
        told = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
        owner = np.concatenate([owner, told])
        keys = pa.concat_arrays([keys, pa.repeat(key, len(told))])
        texts = pa.concat_arrays([texts, values.take(pa.array(told))])
    order = np.argsort(owner, kind="stable")
    number = numbered(keys)[order]
    order = order[last_wins(owner[order], number)]
    return owner[order], keys.take(pa.array(order)), texts.take(pa.array(order))


def _read(pairs: pa.RecordBatch, rule: Lift, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    values, readable = reader_of(kind)(pairs)
    if rule.scale != 1.0:
        values = pc.multiply(values, pa.scalar(rule.scale))
    if rule.pattern:
        fits = pc.fill_null(pc.match_substring_regex(values, rule.pattern), pa.scalar(True))
        values = pc.if_else(fits, values, pa.scalar(None, values.type))
        readable = readable & fits.to_numpy(zero_copy_only=False)
    return (values, readable) if values.type == kind else _narrowed(values, kind, readable)


def _narrowed(values: pa.Array, kind: pa.DataType, readable: Mask) -> tuple[pa.Array, Mask]:
    """Cast whole numbers to a smaller column; one that does not fit was not readable."""
    # Not by `abs`: that of the least int64 is negative.
    fits = pc.and_(pc.less(values, pa.scalar(2**31)), pc.greater_equal(values, pa.scalar(-(2**31))))
    kept = pc.if_else(fits, values, pa.scalar(None, values.type)).cast(kind)
    fitting = pc.fill_null(fits, pa.scalar(True)).to_numpy(zero_copy_only=False)
    return kept, readable & fitting


def _without_repeats(order: Rows, key: Rows, owner: Rows) -> tuple[Rows, Mask]:
    """Leave out, of attributes sorted by key, those whose owner tells the key again later."""
    taken = np.zeros(len(order), dtype=bool)
    again = (np.diff(key[order]) == 0) & (np.diff(owner[order]) == 0)
    if again.any():
        taken[order[:-1][again]] = True
        order = np.concatenate([order[:-1][~again], order[-1:]])
    return order, taken
