"""Search sorted rows for a moment of the same key, for many sought ones at once."""

import numpy as np

from .groups import Numbers


def places(keys: Numbers, times: Numbers, sought: Numbers, since: Numbers) -> Numbers:
    """Give the place of the first row that is not before each moment sought.

    Rows stand in order of (key, time); ``sought`` and ``since`` are the keys and moments. Where
    a key has no such row, the place is behind its last.
    """
    rank = np.unique(np.concatenate([times, since]), return_inverse=True)[1].ravel()
    width = np.int64(len(rank) + 1)
    have = keys.astype(np.int64) * width + rank[: len(times)]
    want = sought.astype(np.int64) * width + rank[len(times) :]
    return np.searchsorted(have, want, side="left").astype(np.int64)
