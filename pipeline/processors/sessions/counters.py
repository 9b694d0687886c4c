"""Turn the points of Claude Code's counters into what each session has counted.

Lines, commits, pull requests and the time of use are told by metrics alone; starts and tokens
are also told there. Source: reference of Claude Code, section 5.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, by_place, codes_of, mask_of
from ...session.series import totals
from .needs import SERIES

_PREFIX = "claude_code."

_TAKING_UP = pa.array(["continue", "resume"])

_WHOLE = {
    "lines_added": ("lines_of_code.count", "added"),
    "lines_removed": ("lines_of_code.count", "removed"),
    "commits": ("commit.count", None),
    "pull_requests": ("pull_request.count", None),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What each session's counters tell; NULL where it has none of them."""

    columns: dict[str, pa.Array]
    """The columns of `sessions` that metrics alone tell."""
    tokens: pa.DoubleArray
    cost_usd: pa.DoubleArray
    starts: pa.DoubleArray
    """How many processes were started on it."""
    start_type: pa.StringArray
    """How the first of them was started."""
    first_start: pa.TimestampArray
    last_start: pa.TimestampArray
    taken_up: pa.Int64Array
    """The points that tell of a start that took up an earlier session."""
    since: pa.TimestampArray
    """When the first delta began to count."""
    last_change: pa.TimestampArray
    """The last point that tells something new: a cumulative one is told again each minute."""


def counters(points: pa.RecordBatch, ids: pa.StringArray) -> Counted:
    """Add up each session's counters."""
    sessions = by_place(points, ids)
    series = codes_of(*(points.column(name) for name in SERIES))
    any_told = sessions.any(mask_of(pc.starts_with(points.column("event_name"), _PREFIX)))
    columns = {
        name: pc.round(_or_zero(_total(points, sessions, series, *of), any_told)).cast(pa.int64())
        for name, of in _WHOLE.items()
    }
    active = _total(points, sessions, series, "active_time.total")
    columns["active_time_s"] = _or_zero(active, any_told)
    starts = sessions.where(_of(points, "session.count"))
    return Counted(
        columns,
        tokens=_total(points, sessions, series, "token.usage"),
        cost_usd=_total(points, sessions, series, "cost.usage"),
        starts=_total(points, sessions, series, "session.count"),
        start_type=_first_type(points, starts),
        first_start=starts.min(points.column("start_time")),
        last_start=starts.max(points.column("start_time")),
        taken_up=starts.where(_taking_up(points)).counts(),
        since=sessions.where(_deltas(points)).min(points.column("start_time")),
        last_change=sessions.where(_new(points)).max(points.column("time")),
    )


def _of(points: pa.RecordBatch, metric: str, kind: str | None = None) -> Mask:
    mask = mask_of(pc.equal(points.column("event_name"), _PREFIX + metric))
    if kind is None:
        return mask
    return mask & mask_of(pc.equal(points.column("attributes.type"), kind))


def _total(
    points: pa.RecordBatch, sessions: Groups, series: Numbers, metric: str, kind: str | None = None
) -> pa.DoubleArray:
    return totals(
        sessions.where(_of(points, metric, kind)),
        series,
        points.column("start_time"),
        points.column("time"),
        points.column("value"),
        points.column("temporality"),
    )


def _or_zero(total: pa.DoubleArray, told: Mask) -> pa.DoubleArray:
    """Count nothing as 0 where the session's other counters came."""
    zero = pc.if_else(pa.array(told), pa.scalar(0.0), pa.scalar(None, pa.float64()))
    return pc.coalesce(total, zero)


def _first_type(points: pa.RecordBatch, starts: Groups) -> pa.StringArray:
    began = points.column("start_time")
    first = starts.spread(starts.min(began))
    return starts.where(mask_of(pc.equal(began, first))).first(
        points.column("attributes.start_type")
    )


def _taking_up(points: pa.RecordBatch) -> Mask:
    return mask_of(pc.is_in(points.column("attributes.start_type"), value_set=_TAKING_UP))


def _deltas(points: pa.RecordBatch) -> Mask:
    return mask_of(pc.equal(points.column("temporality"), "delta"))


def _new(points: pa.RecordBatch) -> Mask:
    return mask_of(pc.not_equal(points.column("temporality"), "cumulative"))
