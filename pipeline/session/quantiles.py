"""Give quantiles of numbers that stand in groups, each by its own numbers alone."""

import numpy as np
import numpy.typing as npt

from .groups import Numbers

Reals = npt.NDArray[np.float64]


def quantiles(group: Numbers, values: Reals, count: int, share: float) -> Reals:
    """Give each group's quantile, between two numbers in proportion; NaN for no numbers.

    ``group`` numbers the group of each value from 0; this is DuckDB's `quantile_cont`.
    """
    order = np.lexsort((values, group))
    ordered = values[order]
    sizes = np.bincount(group, minlength=count)
    first = np.cumsum(sizes) - sizes
    found = np.full(count, np.nan)
    some = np.flatnonzero(sizes)
    place = share * (sizes[some] - 1)
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    below, above = ordered[first[some] + low], ordered[first[some] + high]
    found[some] = below + (above - below) * (place - low)
    return found


def spreads(group: Numbers, values: Reals, medians: Reals) -> Reals:
    """Give each group's spread: the median distance from its median, as a standard deviation.

    1.4826 makes the two alike for numbers that are normally distributed (Rousseeuw and Croux,
    "Alternatives to the Median Absolute Deviation", 1993). A few far values do not change it.
    """
    distance = np.abs(values - medians[group])
    return quantiles(group, distance, len(medians), 0.5) * 1.4826
