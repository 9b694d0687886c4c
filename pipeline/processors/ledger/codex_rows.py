"""Take values from rows that may not be there, and count the tokens that rows tell."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, Numbers
from .told import TOKENS


def take(column: pa.Array, rows: Numbers) -> pa.Array:
    """Take a column's values of some rows; NULL for row -1."""
    return column.take(pa.array(rows, mask=rows < 0))


def in_rows(rows: Numbers, count: int) -> Mask:
    """Mask the rows that are among the numbers."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[rows] = True
    return mask


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
