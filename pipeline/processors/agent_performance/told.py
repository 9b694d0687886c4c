"""Tell what is known at all of the session of each model: what is not told is NULL, and not 0."""

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from ...core.made import API_CALLS, TOOL_CALLS, TURNS
from ...core.schema import EVENTS
from ...core.sessions import Need, Sessions
from ...session.groups import Groups, Mask, by_place, mask_of
from ...session.unmade import unmade
from .parts import Parts

SIGNALS_NEED = Need(EVENTS, ("session_id", "signal"), label="signals", agents=("codex",))
"""Which signals tell of sessions of Codex: of other agents every one of them tells failures."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of the session of each model."""

    calls: Mask
    """Its API calls were made,"""
    tools: Mask
    """its tool calls, and it is told of by more than metrics,"""
    turns: Mask
    """its turns, likewise."""
    failures: Mask
    """Something would tell of a failure: Codex' spans do not (reference, sections 7 and 9)."""
    inputs: Mask
    """What tools were given, if it used any."""


def made(sessions: Sessions) -> Sessions:
    """Give the same sessions without rows of which the maker is gone or has to make others."""
    rows = dict(sessions.rows)
    for name in sessions.unmade.keys() & rows.keys():
        never = unmade(sessions, name, rows[name].column("session_id"))
        rows[name] = rows[name].filter(pa.array(~never))
    return replace(sessions, rows=rows)


def told_of(sessions: Sessions, parts: Parts) -> Told:
    """Tell what is told of the session of each model."""
    session_id = parts.names["session_id"]
    calls, tools, turns = (
        ~unmade(sessions, table.name, session_id) for table in (API_CALLS, TOOL_CALLS, TURNS)
    )
    used = by_place(parts.uses.calls, sessions.ids)
    acted = by_place(parts.calls, sessions.ids).any(~parts.by_metrics)
    acted |= _some(used) | _some(by_place(parts.turns, sessions.ids))
    place = pc.index_in(session_id, value_set=sessions.ids).to_numpy()
    at_all = acted[place]
    return Told(
        calls=calls,
        tools=tools & at_all,
        turns=turns & at_all,
        failures=_failures(sessions)[place],
        inputs=_inputs(parts, used)[place],
    )


def _failures(sessions: Sessions) -> Mask:
    """Mask the sessions in which something would tell of a failure."""
    events = sessions.rows[SIGNALS_NEED.name]
    codex = by_place(events, sessions.ids)
    logged = codex.any(mask_of(pc.equal(events.column("signal"), "logs")))
    failures: Mask = logged | ~_some(codex)
    return failures


def _inputs(parts: Parts, used: Groups) -> Mask:
    """Mask the sessions in which it is told what tools were given, and those that used none."""
    given = (parts.uses.tool_input, parts.uses.command)
    told = mask_of(given[0].is_valid()) | mask_of(given[1].is_valid())
    inputs: Mask = used.any(told) | ~_some(used)
    return inputs


def _some(groups: Groups) -> Mask:
    """Mask the groups that have rows."""
    some: Mask = groups.counts().to_numpy() > 0
    return some
