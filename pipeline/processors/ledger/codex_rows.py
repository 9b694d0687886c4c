"""Take values from rows that may not be there, and count the tokens that rows tell."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Numbers, codes_of
from .told import TOKENS


def take(column: pa.Array, rows: Numbers) -> pa.Array:
    """Take a column's values of some rows; NULL for row -1."""
    return column.take(pa.array(rows, mask=rows < 0))


def tokens_of(rows: pa.RecordBatch) -> Numbers:
    """Add up the tokens that each row tells; those of reasoning are part of the output."""
    told = np.zeros(rows.num_rows, dtype=np.int64)
    for name in TOKENS[:-1]:
        told += pc.fill_null(rows.column(name), 0).to_numpy(zero_copy_only=False)
    return told


def micros_of(times: pa.TimestampArray, untold: int) -> Numbers:
    """See times as Unix microseconds."""
    filled: Numbers = pc.fill_null(times.cast(pa.int64()), untold).to_numpy()
    return filled


def last_begun(
    spans: tuple[pa.StringArray, Numbers], moments: tuple[pa.StringArray, Numbers]
) -> Numbers:
    """Give each moment of a session the place of the span that began last before it; -1 for none.

    Both are told by their sessions and by times in microseconds.
    """
    count = len(spans[1])
    if not count:
        return np.full(len(moments[1]), -1)
    session = codes_of(pa.concat_arrays([spans[0], moments[0]]))
    rank = np.unique(np.concatenate([spans[1], moments[1]]), return_inverse=True)[1]
    key = session * (len(rank) + 1) + rank
    order = np.argsort(key[:count], kind="stable")
    begun = order[np.searchsorted(key[:count][order], key[count:], side="right") - 1]
    inside = (session[begun] == session[count:]) & (rank[begun] <= rank[count:])
    return np.where(inside, begun, -1)
