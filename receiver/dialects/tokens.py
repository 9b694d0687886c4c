"""Split an input count that includes cached tokens into disjoint counts."""

import pyarrow as pa
import pyarrow.compute as pc

from .rules import Columns


def uncached(columns: Columns) -> pa.Array:
    """Take tokens read from and written to the cache out of ``_n_input``.

    Where they do not fit in, the sender leaves them out of its count itself, as Anthropic's API
    does, and its count is already of uncached input.
    """
    read = pc.fill_null(columns["cache_read_tokens"], pa.scalar(0))
    written = pc.fill_null(columns["cache_write_tokens"], pa.scalar(0))
    rest = pc.subtract(pc.subtract(columns["_n_input"], read), written)
    return pc.if_else(pc.greater_equal(rest, pa.scalar(0)), rest, columns["_n_input"])
