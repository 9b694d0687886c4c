"""Pick the metric points of sessions of whose usage nothing but metrics tells.

Metrics are sums of calls that logs or spans tell of one by one. They count for a session only
where no call of it has usage.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.columns import any_of
from ...core.sessions import BESIDE_DAYS, SESSIONLESS
from ...pricing.model_ids import bare_models
from ...session.between import any_between
from ...session.groups import Mask, Numbers, codes_of, mask_of
from .requests import TYPES
from .told import TOKENS

BESIDE_COLUMNS = (
    *("session_id", "agent", "team", "event_type", "model", "time", "end_time", *TOKENS),
)
"""The columns of the events beside that tell of usage."""

# Claude Code leaves the session out of all of its signals or out of none (OTEL_METRICS_INCLUDE_
# SESSION_ID): what names no session is of others than what names one. GenAI's metrics never
# name one, though the spans of the same calls do.
_SAME_IN_ALL_SIGNALS = "claude_code"

_SLACK_US = 60_000_000
_DAY_US = 86_400_000_000


def untold(
    points: pa.RecordBatch, events: pa.RecordBatch, beside: pa.RecordBatch
) -> pa.RecordBatch:
    """Give the points of sessions of whose usage none of their ``events`` tells.

    Those that name no session are one user's each. They count only if no session of the same
    agent and team has usage of their model in the time they cover either; ``beside`` are the
    events of those.
    """
    # What a call cost is as much as what it used: metrics repeat both.
    cost = pc.and_(_of_call(events), events.column("reported_cost_usd").is_valid())
    usage = events.filter(pc.or_(_tells(events), cost))
    told = _told_within(points, usage)
    other = pc.not_equal(beside.column("agent"), _SAME_IN_ALL_SIGNALS)
    used_beside = beside.filter(pc.and_(_tells(beside), other))
    return points.filter(pa.array(~told & ~_told_beside(points, used_beside)))


def _told_within(points: pa.RecordBatch, usage: pa.RecordBatch) -> Mask:
    """Mask the points of whose session, and of whose user there, usage is told."""
    session = pa.concat_arrays([points.column("session_id"), usage.column("session_id")])
    user = pa.concat_arrays([_user(points), _user(usage)])
    sessions, users, count = codes_of(session), codes_of(session, user), points.num_rows
    nobody = mask_of(user.is_null())
    # Where one of the two signals names no user, it may be anyone's.
    of_session = np.isin(sessions[:count], sessions[count:])
    of_anyone = np.isin(sessions[:count], sessions[count:][nobody[count:]])
    of_user = np.isin(users[:count], users[count:])
    told: Mask = of_user | of_anyone | (of_session & nobody[:count])
    return told


def _user(rows: pa.RecordBatch) -> pa.StringArray:
    """Tell whose the rows are that name no session: a day of many users is one session there."""
    many = pc.starts_with(rows.column("session_id"), f"{SESSIONLESS}:")
    return pc.if_else(many, rows.column("user_id"), pa.scalar(None, pa.string()))


def _tells(events: pa.RecordBatch) -> pa.BooleanArray:
    """Mask the events that tell of a call's usage, which metrics repeat."""
    usage = any_of((events.column(name).is_valid() for name in TOKENS), events.num_rows)
    return pc.and_(usage, _of_call(events))


def _of_call(events: pa.RecordBatch) -> pa.BooleanArray:
    return pc.is_in(events.column("event_type"), value_set=pa.array(TYPES))


def _told_beside(points: pa.RecordBatch, usage: pa.RecordBatch) -> Mask:
    """Mask the session-less points in whose time there is usage of their agent, team and model."""
    whose = codes_of(
        *(
            pa.concat_arrays([points.column(name), usage.column(name)])
            for name in ("agent", "team")
        ),
        bare_models(pa.concat_arrays([points.column("model"), usage.column("model")])),
    )
    count = points.num_rows
    until = _us(points.column("time"))
    since = _us(pc.coalesce(points.column("start_time"), points.column("time")))
    # More than what is beside this unit may be at hand by chance, for another's sake.
    until = np.minimum(until + _SLACK_US, since + BESIDE_DAYS * _DAY_US)
    at = _us(pc.coalesce(usage.column("end_time"), usage.column("time")))
    many = mask_of(pc.starts_with(points.column("session_id"), f"{SESSIONLESS}:"))
    return many & any_between(whose[:count], since - _SLACK_US, until, whose[count:], at)


def _us(times: pa.TimestampArray) -> Numbers:
    us: Numbers = pc.fill_null(times.cast(pa.int64()), 0).to_numpy()
    return us
