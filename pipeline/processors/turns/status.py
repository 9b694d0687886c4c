"""Tell what became of each turn, and when time alone will change that.

The first of these that holds:

- `aborted`: Codex said that it was interrupted (`turn_cost`), or one of its tools was; or a tool
  of Codex was left without a result, and a later turn began; or its span tells no tokens where
  another of the session does (reference, sections 5.1, 6 and 7). Or a person answered Claude
  Code's question about a tool with an abort; nothing else tells that a turn of it was
  interrupted.
- `done`: its span ended; or a later turn of the session began; or the session ended after it;
  or its last word was final, and it was quiet for ``settled_after``.
- `active`: something was heard of it within ``stalled_after``.
- `stalled`: all others.

A final word is one after which the agent asks for nothing more: an `assistant_response`; an API
call that failed, or with a stop reason other than the use of a tool; or, of Codex, any API call
that is over, since its tools run after the call that asked for them. No other API call or tool
call was heard of after it, and none is running. A command such as `/clear` that calls neither
model nor tool is its own final word.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, mask_of
from .parts import Part, Parts
from .times import Times

_CODEX = "codex"
_FINAL = pa.array(
    ["end_turn", "stop", "stop_sequence", "max_tokens", "length", "refusal", "content_filter"]
)
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait; microseconds."""

    stalled_us: int
    settled_us: int


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of turns."""

    status: pa.StringArray
    again: Mask
    """The turns that time alone will change,"""
    again_us: Numbers
    """and when, in Unix microseconds."""


def fates_of(parts: Parts, times: Times, patience: Patience, as_of_us: int) -> Fates:
    """Tell what became of turns by ``as_of_us``."""
    aborted = _aborted(parts, times.last)
    heard = _us(times.heard_at)
    over = times.span_ended | ~times.last | _session_ended(parts, heard)
    final = _final(parts)
    settled = final & (as_of_us >= heard + patience.settled_us)
    stalled = ~final & (as_of_us >= heard + patience.stalled_us)
    # Of a turn without any time nothing will ever be heard again.
    untold = mask_of(times.heard_at.is_null())
    status = np.select(
        [aborted, over | settled, stalled | untold], ["aborted", "done", "stalled"], "active"
    )
    wait = np.where(final, patience.settled_us, patience.stalled_us)
    return Fates(pa.array(status, pa.string()), status == "active", heard + wait)


def _aborted(parts: Parts, last: Mask) -> Mask:
    events, tools = parts.events, parts.tools
    said = pc.equal(events.column("attributes.turn.interrupted"), "true")
    cut = pc.equal(events.column("attributes.aborted"), "true")
    by_person = pc.equal(tools.column("decision_source"), "user_abort")
    said_so = events.turns.any(mask_of(said) | mask_of(cut))
    said_so |= tools.turns.any(mask_of(by_person))
    return said_so | _without_tokens(parts.beginnings) | (_cut_short(parts) & ~last)


def _cut_short(parts: Parts) -> Mask:
    """Mask the turns of Codex of which nothing is told after a tool that gave no result."""
    codex = pc.equal(parts.tools.column("agent"), _CODEX)
    silent = pc.and_(codex, pc.equal(parts.tools.column("status"), "no_result"))
    cut = _last(parts.tools.where(mask_of(silent)), "started_at")
    others = np.maximum(_last(parts.calls, "time"), _last(parts.tools, "ended_at"))
    cut_short: Mask = (cut > _NEVER) & (cut >= others)
    return cut_short


def _without_tokens(beginnings: Part) -> Mask:
    """Mask the turns of Codex whose spans alone tell no tokens in their session."""
    codex = pc.equal(beginnings.column("agent"), _CODEX)
    spans = mask_of(pc.and_(codex, pc.equal(beginnings.column("event_name"), "session_task.turn")))
    told = spans & mask_of(beginnings.column("input_tokens").is_valid())
    sessions = Groups.by(beginnings.column("session_id"))
    others = sessions.any(told)[sessions.of_row]
    return beginnings.turns.any(spans & others) & ~beginnings.turns.any(told)


def _session_ended(parts: Parts, heard: Numbers) -> Mask:
    """Mask the turns whose session ended when or after the last was heard of them."""
    rows = parts.events.rows
    sessions = Groups.by(rows.column("session_id"))
    ends = sessions.where(mask_of(pc.equal(rows.column("event_type"), "session_end")))
    of_row = sessions.spread(ends.max(rows.column("time")))
    end = _us(parts.events.turns.first(of_row))
    ended: Mask = (end >= heard) & (end > _NEVER)
    return ended


def _final(parts: Parts) -> Mask:
    """Mask the turns whose last word is a final one."""
    calls, tools = parts.calls, parts.tools
    success = calls.column("success")
    codex = pc.and_(pc.equal(calls.column("agent"), _CODEX), success.is_valid())
    stopped = pc.is_in(calls.column("stop_reason"), value_set=_FINAL)
    final = mask_of(pc.invert(success)) | mask_of(codex) | mask_of(stopped)
    word = np.maximum(
        _last(parts.events.of_type("assistant_response"), "time"), _last(calls.where(final), "time")
    )
    other = [_last(calls.where(~final), "time")]
    other += [_last(tools, name) for name in ("started_at", "ended_at")]
    running = tools.turns.any(mask_of(pc.equal(tools.column("status"), "pending")))
    answered: Mask = (word > _NEVER) & (word >= np.maximum.reduce(other)) & ~running
    return answered | _commands(parts)


def _commands(parts: Parts) -> Mask:
    """Mask the turns that are a command and no more."""
    named = mask_of(parts.beginnings.column("attributes.command_name").is_valid())
    calls, tools = (part.turns.counts().to_numpy() for part in (parts.calls, parts.tools))
    alone: Mask = parts.beginnings.turns.any(named) & (calls + tools == 0)
    return alone


def _last(part: Part, name: str) -> Numbers:
    return _us(part.turns.max(part.column(name)))


def _us(times: pa.TimestampArray) -> Numbers:
    us: Numbers = pc.fill_null(times.cast(pa.int64()), _NEVER).to_numpy()
    return us
