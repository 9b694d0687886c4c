"""Tell when each turn began, was last heard of and ended, and which of its session it is."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, Numbers, codes_of
from .parts import Part, Parts

# What a turn cost is told minutes after it; a session may end much later.
_LATE = pa.array(["turn_cost", "session_end"])


@dataclass(frozen=True, slots=True)
class Times:
    """When turns were; timestamps in microseconds."""

    started_at: pa.TimestampArray
    ended_at: pa.TimestampArray
    """When its span ended, else ``heard_at``."""
    heard_at: pa.TimestampArray
    """The last that was heard of it."""
    span_ended: Mask
    number: Numbers
    """Which turn of its session it is, from 1."""
    last: Mask
    """Whether it is its session's last."""
    order: Numbers
    """The turns in order of session, then of number."""

    @property
    def duration_ms(self) -> pa.DoubleArray:
        """Milliseconds from start to end."""
        took_us = pc.subtract(self.ended_at, self.started_at).cast(pa.int64())
        return pc.divide(took_us.cast(pa.float64()), 1000.0)


def times_of(parts: Parts, session_id: pa.StringArray) -> Times:
    """Tell when turns were."""
    events = parts.events
    events = events.where(~_in(events, _LATE))
    began = [
        _least(parts.beginnings, "time"),
        _earliest(
            _least(events, "time"), _least(parts.calls, "time"), _least(parts.tools, "started_at")
        ),
    ]
    started = pc.coalesce(*began)
    heard = _latest(
        *(_greatest(events, name) for name in ("time", "end_time")),
        _greatest(parts.calls, "time"),
        *(_greatest(parts.tools, name) for name in ("started_at", "ended_at")),
    )
    span_end = _greatest(parts.beginnings.of_type("turn"), "end_time")
    number, last, order = _numbers(session_id, started, parts.turn_id)
    return Times(
        started_at=started,
        # A clock that was set back must not make a turn end before it began.
        ended_at=_latest(pc.coalesce(span_end, heard), started),
        heard_at=heard,
        span_ended=span_end.is_valid().to_numpy(zero_copy_only=False),
        number=number,
        last=last,
        order=order,
    )


def _numbers(
    session_id: pa.StringArray, started_at: pa.TimestampArray, turn_id: pa.StringArray
) -> tuple[Numbers, Mask, Numbers]:
    keys = {"session_id": session_id, "started_at": started_at, "turn_id": turn_id}
    order = (
        pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
        .to_numpy()
        .astype(np.int64)
    )
    session = codes_of(session_id)[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = session[1:] != session[:-1]
    place = np.arange(len(order))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = place - np.maximum.accumulate(np.where(new, place, 0)) + 1
    last = np.empty(len(order), dtype=np.bool_)
    last[order] = np.append(new[1:], np.ones(min(1, len(order)), dtype=np.bool_))
    return number, last, order


def _in(events: Part, types: pa.Array) -> Mask:
    among: Mask = pc.is_in(events.column("event_type"), value_set=types).to_numpy(
        zero_copy_only=False
    )
    return among


def _least(part: Part, name: str) -> pa.TimestampArray:
    return part.turns.min(part.column(name))


def _greatest(part: Part, name: str) -> pa.TimestampArray:
    return part.turns.max(part.column(name))


def _earliest(*times: pa.TimestampArray) -> pa.TimestampArray:
    return pc.min_element_wise(*times)


def _latest(*times: pa.TimestampArray) -> pa.TimestampArray:
    return pc.max_element_wise(*times)
