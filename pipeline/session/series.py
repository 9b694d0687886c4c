"""Turn the points of counters into what was counted, whatever their temporality.

A delta point tells what came since the last one; a cumulative point all that came since its
`start_time`. A process that is resumed counts from 0 again under a new start time, and processes
side by side have start times of their own: what each counted is added up. Taking every
cumulative point for a delta is how 22 commits are shown as 6,200.
Sources: reference of Claude Code, section 5, "Delta behaviour"; OpenTelemetry's data model,
"Resets and Gaps".
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .groups import Groups, Mask, Numbers, mask_of

_NO_TIME = np.iinfo(np.int64).min


def totals(
    groups: Groups,
    series: Numbers,
    start_time: pa.TimestampArray,
    time: pa.TimestampArray,
    value: pa.DoubleArray,
    temporality: pa.StringArray,
) -> pa.DoubleArray:
    """Give what the points of each group have counted; NULL where none tells.

    ``series`` numbers the series of each point: points of one number have all attributes in
    common. Rows may stand in any order; a delta point must stand once, a cumulative one may
    stand more often. Points of neither temporality count nothing.
    """
    return groups.where(counted(groups, series, start_time, time, value, temporality)).sum(value)


def counted(
    groups: Groups,
    series: Numbers,
    start_time: pa.TimestampArray,
    time: pa.TimestampArray,
    value: pa.DoubleArray,
    temporality: pa.StringArray,
) -> Mask:
    """Mask the points that add up to what was counted; arguments as those of ``totals``.

    All deltas, and of each run of a cumulative series the last point before it falls or ends.
    """
    told = mask_of(value.is_valid()) & (groups.of_row >= 0)
    running = told & mask_of(pc.equal(temporality, "cumulative"))
    deltas: Mask = told & mask_of(pc.equal(temporality, "delta"))
    deltas[_peaks(groups, series, start_time, time, value, np.flatnonzero(running))] = True
    return deltas


def _peaks(
    groups: Groups,
    series: Numbers,
    start_time: pa.TimestampArray,
    time: pa.TimestampArray,
    value: pa.DoubleArray,
    rows: Numbers,
) -> Numbers:
    """Give the rows after which a cumulative counter ends or begins again below its value."""
    group, number = groups.of_row[rows], series[rows]
    began, at = _micros(start_time)[rows], _micros(time)[rows]
    amount = value.to_numpy(zero_copy_only=False)[rows]
    order = np.lexsort((amount, at, began, number, group))
    group, number, began = group[order], number[order], began[order]
    at, amount = at[order], amount[order]
    same = (group[1:] == group[:-1]) & (number[1:] == number[:-1]) & (began[1:] == began[:-1])
    last = np.ones(len(rows), dtype=np.bool_)
    # Two points of one time are one point told twice: of those the greater, which stands last.
    last[:-1] = ~same | ((amount[1:] < amount[:-1]) & (at[1:] != at[:-1]))
    peaks: Numbers = rows[order[last]]
    return peaks


def _micros(times: pa.TimestampArray) -> Numbers:
    filled: Numbers = pc.fill_null(times.cast(pa.int64()), _NO_TIME).to_numpy()
    return filled
