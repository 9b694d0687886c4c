"""Find turns that came to no good end: stalled, abandoned, or never answered."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....session.groups import Groups, Mask, mask_of
from ....session.joining import last_alike
from ....session.prompts import made_up
from ..config import Config
from ..finding import Found, Rule, counted, evidence_of, findings
from ..given import Given, of_sessions

_STALLED = Rule(
    "stalled_turn",
    "turns",
    "Turn {number} has stood still since {since}, after {calls} and {uses}. See "
    "whether the agent waits for an answer, or was ended.",
)
_ABANDONED = Rule(
    "abandoned_turn",
    "turns",
    "Turn {number} was broken off after {calls} and {uses}.",
)
_UNANSWERED = Rule(
    "unanswered_prompt",
    "turns",
    "The prompt of turn {number} was never answered: no API call of it succeeded. See whether "
    "the API refused it, and ask again.",
)


def stalled_turn(given: Given, config: Config) -> pa.RecordBatch:
    """Give the turns that stand still."""
    stalled = _often(given, _status(given, "stalled"), config.stalled_turns)
    return _told(given, _STALLED, stalled, "warning")


def abandoned_turn(given: Given, config: Config) -> pa.RecordBatch:
    """Give the turns that were broken off."""
    aborted = _often(given, _status(given, "aborted"), config.abandoned_turns)
    return _told(given, _ABANDONED, aborted, "info")


def unanswered_prompt(given: Given, config: Config) -> pa.RecordBatch:
    """Give the turns whose prompt led to nothing, though they are over or stand still.

    One that was broken off is told of as such; for a prompt that the agent made up nobody waits.
    """
    turns, steps = given.turns, given.steps
    kind = steps.column("event_type")
    answers = _any_in_turn(given, steps, mask_of(pc.equal(kind, "assistant_response")))
    commands = _any_in_turn(
        given, steps, mask_of(steps.column("attributes.command_name").is_valid())
    )
    good = ~mask_of(pc.invert(given.calls.column("success")))
    calls = _any_in_turn(given, given.calls, good)
    used = mask_of(pc.greater(pc.fill_null(turns.column("tool_calls"), 0), 0))
    counted = mask_of(turns.column("api_calls").is_valid())
    asked = mask_of(_prompt(given).is_valid())
    waited = ~_status(given, "active") & ~_status(given, "aborted")
    waited &= ~mask_of(made_up(turns.column("prompt")))
    silent = asked & counted & waited & ~answers & ~commands & ~calls & ~used
    silent = _often(given, silent, config.unanswered_prompts)
    return _told(given, _UNANSWERED, silent, "warning")


def _often(given: Given, mask: Mask, least: int) -> Mask:
    """Leave the turns of sessions that have so many of them at least."""
    sessions = of_sessions(given.turns, given.ids)
    enough = sessions.where(mask).counts().to_numpy() >= least
    often = mask & (sessions.of_row >= 0)
    often[often] = enough[sessions.of_row[often]]
    return often


def _status(given: Given, word: str) -> Mask:
    return mask_of(pc.equal(given.turns.column("status"), word))


def _any_in_turn(given: Given, rows: pa.RecordBatch, mask: Mask) -> Mask:
    """Mask the turns that a row of a mask belongs to."""
    turn_id = given.step_turns if rows is given.steps else rows.column("turn_id")
    keys = [rows.column("session_id"), turn_id]
    sought = [given.turns.column(name) for name in ("session_id", "turn_id")]
    return mask_of(last_alike(keys, sought, mask).is_valid())


def _prompt(given: Given) -> pa.Int64Array:
    """Give the event of each turn's prompt."""
    prompts = mask_of(pc.equal(given.steps.column("event_type"), "user_prompt"))
    keys = [given.steps.column("session_id"), given.step_turns]
    sought = [given.turns.column(name) for name in ("session_id", "turn_id")]
    return last_alike(keys, sought, prompts)


def _told(given: Given, rule: Rule, mask: Mask, severity: str) -> pa.RecordBatch:
    row = pa.array(mask.nonzero()[0])
    turns = given.turns.take(row)
    events = given.steps.column("event_id").take(_prompt(given).take(row))
    alone = Groups(np.arange(len(row)), len(row))
    since = pc.strftime(turns.column("ended_at"), format="%Y-%m-%d %H:%M UTC")
    numbers = {name: turns.column(name) for name in ("number", "api_calls", "tool_calls")}
    return findings(
        rule,
        Found(
            turns.column("session_id"),
            pa.repeat(pa.scalar(severity), len(row)),
            numbers,
            turns.column("started_at"),
            evidence_of(alone, events),
            subject=turns.column("turn_id"),
            words={
                "since": pc.fill_null(since, "an unknown time"),
                "calls": counted(numbers["api_calls"], "API call", "API calls"),
                "uses": counted(numbers["tool_calls"], "use of a tool", "uses of tools"),
            },
            turn_id=turns.column("turn_id"),
            cost_usd=turns.column("cost_usd"),
        ),
    )
