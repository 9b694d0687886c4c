"""Pick the metric points of sessions of whose usage nothing but metrics tells.

Metrics are sums of calls that logs or spans tell of one by one. They count for a session only
where no call of it has usage.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.columns import any_of
from ...core.sessions import SESSIONLESS
from ...session.groups import Mask, codes_of, mask_of
from .requests import TYPES
from .told import TOKENS

BESIDE_COLUMNS = ("session_id", "agent", "team", "event_type", "time", *TOKENS)
"""The columns of the events beside that tell of usage."""

# Claude Code leaves the session out of all of its signals or out of none (OTEL_METRICS_INCLUDE_
# SESSION_ID): what names no session is of others than what names one. GenAI's metrics never
# name one, though the spans of the same calls do.
_SAME_IN_ALL_SIGNALS = "claude_code"


def untold(points: pa.RecordBatch, calls: pa.Table, beside: pa.RecordBatch) -> pa.RecordBatch:
    """Give the points of sessions without usage in ``calls``.

    Points without a session count only if no session of the same agent and team has usage on
    their day either; ``beside`` are the events of those.
    """
    told = calls["session_id"].filter(calls["usage_source"].is_valid()).combine_chunks()
    of_told = mask_of(pc.is_in(points.column("session_id"), value_set=told))
    return points.filter(pa.array(~of_told & ~_told_beside(points, _usage(beside))))


def _usage(beside: pa.RecordBatch) -> pa.RecordBatch:
    """Give the events beside that tell of usage that metrics without a session repeat."""
    usage = any_of((beside.column(name).is_valid() for name in TOKENS), beside.num_rows)
    call = pc.is_in(beside.column("event_type"), value_set=pa.array(TYPES))
    other = pc.not_equal(beside.column("agent"), _SAME_IN_ALL_SIGNALS)
    return beside.filter(pc.and_(pc.and_(usage, call), other))


def _told_beside(points: pa.RecordBatch, usage: pa.RecordBatch) -> Mask:
    """Mask the points of session-less sessions of whose agent, day and team there is usage."""
    day = pc.strftime(usage.column("time"), format="%Y-%m-%d")
    session = pc.binary_join_element_wise(SESSIONLESS, usage.column("agent"), day, ":")
    codes = codes_of(
        pa.concat_arrays([points.column("session_id"), session]),
        pa.concat_arrays([points.column("team"), usage.column("team")]),
    )
    told: Mask = np.isin(codes[: points.num_rows], codes[points.num_rows :])
    return told
