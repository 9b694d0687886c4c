"""Fix what the ledger takes from signals: `api_calls` without what prices make of it."""

from collections.abc import Mapping

import pyarrow as pa

from ...core.made import API_CALLS

PRICED = (
    "cache_write_1h_tokens",
    "computed_cost_usd",
    "cost_gap_usd",
    "cost_usd",
    "cost_status",
    "cost_note",
    "price_id",
)
"""The columns of `api_calls` that come of prices."""

TOLD = pa.schema([field for field in API_CALLS.schema if field.name not in PRICED])
"""The columns of `api_calls` that come of signals."""

TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)
"""The columns of usage, in `events` as in `api_calls`."""


def told_table(rows: int, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Make rows in the schema TOLD; columns that are not given are NULL."""
    unknown = columns.keys() - set(TOLD.names)
    if unknown:
        msg = f"api_calls has no told columns {sorted(unknown)}: see {__name__}.TOLD."
        raise ValueError(msg)
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(rows, field.type)
        for field in TOLD
    ]
    return pa.Table.from_arrays(arrays, schema=TOLD)
