"""Look for moments within spans of time, of many owners at once."""

import numpy as np

from .groups import Mask, Numbers


def any_between(
    whose: Numbers, since: Numbers, until: Numbers, others: Numbers, at: Numbers
) -> Mask:
    """Mask the spans of time in which one of the moments of the same owner lies.

    ``whose`` numbers the owners of the spans, ``others`` those of the moments ``at``; both ends
    of a span belong to it.
    """
    rank = np.unique(np.concatenate([since, until, at]), return_inverse=True)[1].astype(np.int64)
    width = len(rank) + 1
    moments = np.sort(others * width + rank[2 * len(whose) :])
    first = np.searchsorted(moments, whose * width + rank[: len(whose)], side="left")
    last = np.searchsorted(moments, whose * width + rank[len(whose) : 2 * len(whose)], side="right")
    return last > first
