"""Move values between the rows of owners and the rows of what they own."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .node import Rows


def scatter(values: pa.Array, rows: Rows, count: int) -> pa.Array:
    """Put ``values[i]`` at row ``rows[i]`` of ``count`` rows; the others are null.

    Where a row is named twice the later value stands.
    """
    if len(rows) == count and _in_place(rows):
        return values
    at = np.full(count, -1, dtype=np.int64)
    at[rows] = np.arange(len(rows))
    return values.take(pa.array(at, mask=at < 0))


def last_wins(owner: Rows, key: Rows) -> npt.NDArray[np.bool_]:
    """Mark the attributes to keep where an owner tells a key twice: the last one.

    ``owner`` is ascending. OTLP leaves the choice open (common.proto: "unpredictable"); Codex
    repeats keys and means the last (reference: Codex fact 16).
    """
    order = np.lexsort((key, owner))
    keep = np.ones(len(owner), dtype=bool)
    same = (np.diff(owner[order]) == 0) & (np.diff(key[order]) == 0)
    keep[order[:-1][same]] = False
    return keep


def offsets_of(owner: Rows, owners: int) -> npt.NDArray[np.int32]:
    """Give list offsets for ``owners`` lists whose members' ``owner`` is ascending."""
    offsets = np.zeros(owners + 1, dtype=np.int32)
    np.cumsum(np.bincount(owner, minlength=owners), out=offsets[1:])
    return offsets


def _in_place(rows: Rows) -> bool:
    return bool((rows == np.arange(len(rows))).all())
