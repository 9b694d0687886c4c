"""Tell what was decided of each use of a tool, by whom, and what became of it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, Numbers, mask_of
from .uses import Part, Uses

_NONE = pa.scalar(None, pa.string())
_CLAUDE_CODE = "claude_code"

# Codex' span of a command says how it went, but for one that was interrupted.
_COMMAND = "unified_exec.exec_command"

# What a guardian's assessment is in the words of a decision.
_WORDS = {"allow": "accept", "deny": "reject"}

_REVIEWER = "automated_reviewer"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided, and by whom."""

    decision: pa.StringArray
    source: pa.StringArray


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of each use, and the sessions to look at again, with the time to do so.

    ``again_at`` is in Unix microseconds, one for each of ``again``: numbers of sessions.
    """

    status: pa.StringArray
    again: Numbers
    again_at: Numbers


def decisions_of(uses: Uses) -> Decisions:
    """Tell what was decided: a record of the decision is believed before all others."""
    assessed = uses.of(Part.REVIEW, "attributes.outcome")
    at = pc.index_in(assessed, value_set=pa.array(list(_WORDS)))
    reviewed = pa.array(list(_WORDS.values())).take(at)
    reviewer = pc.if_else(reviewed.is_valid(), pa.scalar(_REVIEWER), _NONE)
    logged = (Part.DECISION, Part.RESULT)
    told = pc.coalesce(uses.first("decision", *logged), reviewed, uses.of(Part.WAIT, "decision"))
    return Decisions(
        _in_short(told),
        pc.coalesce(
            uses.first("decision_source", *logged),
            reviewer,
            uses.of(Part.WAIT, "decision_source"),
        ),
    )


def _in_short(decision: pa.StringArray) -> pa.StringArray:
    """Say `accept` or `reject` for what says more, as `denied_with_network_policy_deny` does."""
    accepted = pc.if_else(pc.starts_with(decision, "approved"), pa.scalar("accept"), decision)
    return pc.if_else(pc.starts_with(decision, "denied"), pa.scalar("reject"), accepted)


def fates_of(uses: Uses, decision: pa.StringArray, as_of_us: int, pending_us: int) -> Fates:
    """Tell what became of each use by ``as_of_us``.

    A use without a result is pending for as long as its turn is the session's last, was not
    seen to end, and something was heard of the session within the last ``pending_us``.
    """
    rejected = mask_of(pc.equal(decision, "reject"))
    done = _done(uses) & ~rejected
    heard = _heard(uses)
    session = uses.session[uses.first_row.to_numpy()]
    waiting = ~rejected & ~done & ~_given_up(uses) & ~_over(uses, session)
    pending = waiting & (as_of_us - heard[session] < pending_us)
    again = np.unique(session[pending])
    status = np.select([rejected, done, pending], ["rejected", "done", "pending"], "no_result")
    return Fates(pa.array(status, pa.string()), again, heard[again] + pending_us)


def _done(uses: Uses) -> Mask:
    """Mask the uses that gave a result, or whose spans show that they ran to their end."""
    command = pc.equal(uses.of(Part.RUN, "event_name"), _COMMAND)
    cut = pc.and_(command, uses.of(Part.RUN, "attributes.outcome").is_null())
    ran = mask_of(uses.of(Part.RUN, "end_time").is_valid()) & ~mask_of(cut)
    # Claude Code's span of a use ends however it went; what ran has a span within.
    ours = mask_of(pc.equal(uses.of(Part.SPAN, "agent"), _CLAUDE_CODE))
    ended = mask_of(uses.of(Part.SPAN, "end_time").is_valid()) & ~ours
    return mask_of(uses.has(Part.RESULT)) | ((ran | ended) & ~_aborted(uses))


def _aborted(uses: Uses) -> Mask:
    return mask_of(pc.equal(uses.of(Part.SPAN, "attributes.aborted"), "true"))


def _given_up(uses: Uses) -> Mask:
    """Mask the uses whose span is over."""
    return _aborted(uses) | mask_of(uses.of(Part.SPAN, "end_time").is_valid())


def _over(uses: Uses, session: Numbers) -> Mask:
    """Mask the uses after which their turn or their session ended, or a later turn began."""
    number = pc.fill_null(uses.turns.number, 0).to_numpy()
    kind = uses.events.column("event_type")
    of_use = number[uses.turn_row.to_numpy()]
    later = of_use < _greatest(uses, number)[session]
    spans = pc.and_(pc.equal(kind, "turn"), uses.events.column("end_time").is_valid())
    ended = _pairs(uses.session, number)[mask_of(spans)]
    row = np.arange(len(number))
    end = _greatest(uses, np.where(mask_of(pc.equal(kind, "session_end")), row, -1))
    gone = end[session] > uses.first_row.to_numpy()
    over: Mask = later | gone | np.isin(_pairs(session, of_use), ended)
    return over


def _pairs(session: Numbers, number: Numbers) -> Numbers:
    """Make one number of a session's and a turn's."""
    return session * np.int64(2**32) + number


def _heard(uses: Uses) -> Numbers:
    """Give when each session was heard of last, in Unix microseconds."""
    events = uses.events
    time = pc.coalesce(events.column("end_time"), events.column("time"))
    return _greatest(uses, pc.fill_null(time.cast(pa.int64()), 0).to_numpy())


def _greatest(uses: Uses, numbers: Numbers) -> Numbers:
    """Give each session's greatest of the numbers of its events."""
    starts = np.flatnonzero(np.diff(uses.session, prepend=-1))
    greatest: Numbers = np.maximum.reduceat(numbers, starts)
    return greatest
