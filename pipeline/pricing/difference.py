"""Turn calls before and after new prices into what changed, by provider and model."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

_KEYS = ("provider", "model")
_SUMS = ("calls", "changed", "before_usd", "after_usd", "unpriced_before", "unpriced_after")

_TOLD = ("cost_usd", "cost_status", "computed_cost_usd")

DIFFERENCE = pa.schema(
    [
        ("provider", pa.string()),
        ("model", pa.string()),
        ("calls", pa.int64()),
        ("changed", pa.int64()),
        ("before_usd", pa.float64()),
        ("after_usd", pa.float64()),
        ("unpriced_before", pa.int64()),
        ("unpriced_after", pa.int64()),
    ]
)
"""`changed` counts calls with another cost, status or computed cost; dollars are NULL where no
call has a price."""


def difference(before: pa.Table, after: pa.Table) -> pa.Table:
    """Compare the same calls, in the same order, before and after."""
    costs = [table["cost_usd"].combine_chunks() for table in (before, after)]
    same = pa.repeat(pa.scalar(value=True), len(after))
    for name in _TOLD:
        same = pc.and_(same, _alike(*(table[name].combine_chunks() for table in (before, after))))
    columns = [
        *(after[name].combine_chunks() for name in _KEYS),
        pa.repeat(pa.scalar(1, pa.int64()), len(after)),
        pc.invert(same).cast(pa.int64()),
        *costs,
        *(_unpriced(table) for table in (before, after)),
    ]
    return add_up([pa.Table.from_arrays(columns, schema=DIFFERENCE)])


def add_up(parts: Iterable[pa.Table]) -> pa.Table:
    """Add up differences, by provider and model in alphabetical order."""
    whole = pa.concat_tables([DIFFERENCE.empty_table(), *parts])
    # One thread, so that dollars are added in one order.
    grouped = whole.group_by(list(_KEYS), use_threads=False)
    summed = grouped.aggregate([(name, "sum") for name in _SUMS])
    table = pa.Table.from_arrays(
        [*(summed[name] for name in _KEYS), *(summed[f"{name}_sum"] for name in _SUMS)],
        schema=DIFFERENCE,
    )
    return table.sort_by([(name, "ascending") for name in _KEYS])


def _alike(one: pa.Array, other: pa.Array) -> pa.BooleanArray:
    alike = pc.fill_null(pc.equal(one, other), fill_value=False)
    return pc.or_(alike, pc.and_(pc.is_null(one), pc.is_null(other)))


def _unpriced(table: pa.Table) -> pa.Int64Array:
    status = table["cost_status"].combine_chunks()
    return pc.fill_null(pc.equal(status, "unpriced"), fill_value=False).cast(pa.int64())
