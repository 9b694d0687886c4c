"""Tell which session started another one.

Sub-agents and reviewers of Codex are sessions of their own. Some events name the parent; else
the trace does: all that a sub-agent does lies in the trace of its parent's turn. Source:
reference of Codex, section 4, "sub-agent" and "turn via trace".
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.sessions import SESSIONLESS
from ...session.groups import Groups, Mask, by_place, codes_of, mask_of

_NULL_TEXT = pa.scalar(None, pa.string())
_BEGINNINGS = pa.array(["user_prompt", "turn"])


@dataclass(frozen=True, slots=True)
class Kin:
    """What is known of where each session came from."""

    parent: pa.StringArray
    reviewing: pa.BooleanArray
    """It reviews what another one did: nobody gave it a prompt."""

    @property
    def by_agent(self) -> pa.BooleanArray:
        """Whether an agent asked for it, not a human."""
        return pc.or_(self.parent.is_valid(), self.reviewing)


def reviewing(tools: pa.RecordBatch, ids: pa.StringArray) -> pa.BooleanArray:
    """Tell which sessions use tools under their own id in place of an agent's name.

    That is how Codex calls reviewers: reference of Codex, section 4, "agent".
    """
    own = mask_of(pc.equal(tools.column("subagent"), tools.column("session_id")))
    return pa.array(by_place(tools, ids).any(own))


def parents(
    events: pa.RecordBatch,
    sessions: Groups,
    starts: pa.RecordBatch,
    kin: pa.RecordBatch,
    ids: pa.StringArray,
) -> pa.StringArray:
    """Give each session its parent; NULL where none is told.

    ``sessions`` groups ``events``; ``starts`` are the `session_start` events of the sessions.
    """
    own = events.column("parent_session_id")
    itself = mask_of(pc.equal(own, events.column("session_id")))
    told = sessions.where(~itself).first(own)
    return pc.coalesce(told, _named(kin, ids), _traced(starts, kin, ids))


def _named(kin: pa.RecordBatch, ids: pa.StringArray) -> pa.StringArray:
    """Give the session that first names this one as its sub-agent."""
    child = kin.column("subagent_id")
    teller = kin.column("session_id")
    nobody = pc.starts_with(teller, f"{SESSIONLESS}:")
    parent = pc.coalesce(kin.column("parent_session_id"), pc.if_else(nobody, _NULL_TEXT, teller))
    other = mask_of(pc.not_equal(parent, child))
    groups = Groups.at(pc.index_in(child, value_set=ids), len(ids)).where(other)
    return _earliest(groups, kin.column("time"), parent)


def _traced(starts: pa.RecordBatch, kin: pa.RecordBatch, ids: pa.StringArray) -> pa.StringArray:
    """Give the session in whose turn this one was started.

    A turn's trace does not hold the start of its own session. Where one does (TRACEPARENT was
    set), it says nothing of who started whom.
    """
    begins = mask_of(pc.is_in(kin.column("event_type"), value_set=_BEGINNINGS)) & _outside(kin)
    traces = pc.unique(starts.column("trace_id").drop_null())
    of_trace = Groups.at(pc.index_in(kin.column("trace_id"), value_set=traces), len(traces))
    of_trace = of_trace.where(begins & mask_of(kin.column("trace_id").is_valid()))
    began = of_trace.min(kin.column("time"))
    parent = _earliest(of_trace, kin.column("time"), kin.column("session_id"))
    place = pc.index_in(starts.column("trace_id"), value_set=traces)
    place = pc.if_else(starts.column("trace_id").is_valid(), place, pa.scalar(None, pa.int32()))
    earlier = mask_of(pc.less_equal(began.take(place), starts.column("time")))
    found = parent.take(place)
    other = mask_of(pc.not_equal(found, starts.column("session_id")))
    return by_place(starts, ids).where(earlier & other).first(found)


def _outside(kin: pa.RecordBatch) -> Mask:
    """Mask the rows whose session did not itself start in their trace."""
    both = codes_of(kin.column("session_id"), kin.column("trace_id"))
    starts = mask_of(pc.equal(kin.column("event_type"), "session_start"))
    return ~np.isin(both, both[starts])


def _earliest(groups: Groups, time: pa.TimestampArray, text: pa.StringArray) -> pa.StringArray:
    first = mask_of(pc.equal(time, groups.spread(groups.min(time))))
    # Of several at one time the least, so that the order of sessions does not matter.
    return groups.where(first).min(text)
