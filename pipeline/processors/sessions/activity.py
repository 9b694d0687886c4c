"""Tell whether a session is active, idle or ended, and when that is to be looked at again."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import TIME
from ...core.sessions import Again
from ...session.groups import Groups, Mask, Numbers, by_place, mask_of
from .counters import Counted

_EXITS = pa.array(["exit", "quit", "logout", "clear"])
"""Slash commands after which a session tells no more."""

_FAREWELL_US = 60_000_000
"""What a process does when it ends comes within this: hooks run, spans close, metrics go out."""

_NO_TIME = pa.scalar(None, TIME)


@dataclass(frozen=True, slots=True)
class Heard:
    """When each session was first and last heard of, and when it last did something."""

    first: pa.TimestampArray
    last: pa.TimestampArray
    active: pa.TimestampArray


@dataclass(frozen=True, slots=True)
class Silence:
    """How long (microseconds) a session is silent before it is idle, and before it has ended."""

    idle_us: int
    ended_us: int


def heard(events: pa.RecordBatch, sessions: Groups, counted: Counted) -> Heard:
    """Give the times of the sessions.

    One of which only metrics tell began when they began to count, not when they first came.
    """
    time = pc.coalesce(events.column("time"), events.column("received_at"))
    until = pc.max_element_wise(time, events.column("end_time"))
    last = sessions.max(until)
    points = mask_of(pc.equal(events.column("signal"), "metrics"))
    did = sessions.where(~points).max(until) if points.any() else last
    active = pc.coalesce(pc.max_element_wise(did, counted.last_change), last)
    alone = pa.array(~sessions.any(~points))
    first = pc.min_element_wise(sessions.min(time), pc.if_else(alone, counted.since, _NO_TIME))
    return Heard(first, last, active)


def ends(
    steps: pa.RecordBatch, ids: pa.StringArray, last_start: pa.TimestampArray, when: Heard
) -> pa.TimestampArray:
    """Give when each session ended in its own words; NULL where they were not the last."""
    sessions = by_place(steps, ids)
    time = steps.column("time")
    kind = steps.column("event_type")
    prompts = mask_of(pc.equal(kind, "user_prompt"))
    exits = mask_of(pc.is_in(steps.column("attributes.command_name"), value_set=_EXITS))
    said = (prompts & exits) | mask_of(pc.equal(kind, "session_end")) | _end_hooks(steps)
    begins = (prompts & ~exits) | mask_of(pc.equal(kind, "session_start"))
    end = sessions.where(said).max(time)
    begun = pc.max_element_wise(sessions.where(begins).max(time), last_start)
    taken_up = pc.fill_null(pc.greater(begun, end), fill_value=False)
    on = pc.greater(_micros(when.active), pc.add(_micros(end), _FAREWELL_US))
    over = pc.and_not(pc.and_(end.is_valid(), pc.invert(taken_up)), pc.fill_null(on, False))
    return pc.if_else(over, end, _NO_TIME)


def status(
    ended_at: pa.TimestampArray, when: Heard, silence: Silence, as_of_us: int
) -> tuple[pa.StringArray, Numbers, Mask]:
    """Give each session's status, when time alone will change it, and whether it ever will."""
    # The clock of an agent may be ahead of ours.
    active = _numbers(when.active)
    idle_at, ended_at_us = active + silence.idle_us, _numbers(when.last) + silence.ended_us
    over = mask_of(ended_at.is_valid()) | (as_of_us >= ended_at_us)
    idle = ~over & (as_of_us >= idle_at)
    word = np.where(over, 2, np.where(idle, 1, 0))
    words = pa.array(["active", "idle", "ended"]).take(pa.array(word))
    next_at = np.where(idle, ended_at_us, np.minimum(idle_at, ended_at_us))
    return words, next_at, ~over


def again(ids: pa.StringArray, at: Numbers, due: Mask) -> Again:
    """Ask for the sessions in the mask to be looked at again."""
    mask = pa.array(due)
    return Again(ids.filter(mask), pa.array(at).cast(TIME).filter(mask))


def _end_hooks(steps: pa.RecordBatch) -> Mask:
    """Mask the hooks that ran at a session's end; that one is registered says nothing."""
    ran = pc.starts_with(steps.column("event_name"), "claude_code.hook_execution_")
    ending = pc.equal(steps.column("attributes.hook_event"), "SessionEnd")
    return mask_of(pc.and_kleene(ran, ending))


def _micros(times: pa.TimestampArray) -> pa.Int64Array:
    return times.cast(pa.int64())


def _numbers(times: pa.TimestampArray) -> Numbers:
    numbers: Numbers = pc.fill_null(_micros(times), 0).to_numpy()
    return numbers
