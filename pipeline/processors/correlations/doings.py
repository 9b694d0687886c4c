"""Gather who did what to which files when: edits of the agent, a human's prompts and decisions."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import EVENTS
from ...core.sessions import Need, Sessions
from ...evidence.errors import Errors
from ...evidence.files import (
    Files,
    files_in,
    folders_of,
    given_to,
    named_by,
    together,
    worked_on,
)
from ...evidence.uses import Uses, micros
from ...session.groups import Numbers, mask_of
from ...session.ids import hex_of
from ...session.joining import last_alike
from ...session.prompts import made_up

PROMPTS_NEED = Need(
    EVENTS, ("session_id", "event_id", "time", "content"), ("user_prompt",), label="prompts"
)
DECISIONS_NEED = Need(
    EVENTS,
    (
        *("session_id", "event_id", "event_type", "time", "tool_call_id"),
        "attributes.tool_parameters",
    ),
    ("tool_decision", "tool_result"),
    label="decisions",
)

AGENT, HUMAN = "agent", "human"

_NOBODY = -1
"""In place of a use of a tool, where something was done or failed without one."""


@dataclass(frozen=True, slots=True)
class Doings:
    """Things that were done, or that failed, and the files they were about.

    ``at_us`` is when (Unix microseconds), ``order`` which was first of what was at one moment,
    ``use`` the row of the use of a tool it was about, or -1. ``files`` has rows of these.
    """

    session_id: pa.StringArray
    event_id: pa.FixedSizeBinaryArray
    at_us: Numbers
    order: Numbers
    use: Numbers
    files: Files

    def __len__(self) -> int:
        """Count them."""
        return len(self.at_us)


@dataclass(frozen=True, slots=True)
class Actions:
    """What was done to files, and by whom; edits first."""

    done: Doings
    edits: int

    @property
    def cause(self) -> pa.StringArray:
        """Who did each: the agent or a human."""
        edited = pa.array(np.arange(len(self.done)) < self.edits)
        return pc.if_else(edited, pa.scalar(AGENT), pa.scalar(HUMAN))


def actions_on(sessions: Sessions, uses: Uses, told: Files) -> Actions:
    """Give all that was done to files; ``told`` are those that uses of tools were given."""
    decisions = sessions.rows[DECISIONS_NEED.name]
    parts = (
        _edits(uses, told),
        _prompts(sessions.rows[PROMPTS_NEED.name]),
        _decisions(uses, told, decisions),
    )
    return Actions(_joined(parts), len(parts[0]))


def failures_of(errors: Errors, told: Files) -> Doings:
    """Give the errors with the files that their tools were given, their commands and words name."""
    use = pc.fill_null(errors.column("use"), _NOBODY).to_numpy()
    of_use = np.full(len(errors.uses), -1, dtype=np.int64)
    rows = np.flatnonzero(use >= 0)
    of_use[use[rows]] = rows
    command = errors.uses.command.take(errors.column("use"))
    said = files_in(errors.column("message"))
    files = together((told.owned(of_use), worked_on(command), said))
    # Where words are relative to is a guess: they stay as they are, too.
    files = files.beside(said.relative_to(folders_of(command)))
    at_us = micros(errors.column("at"))
    return Doings(errors.column("session_id"), errors.column("event_id"), at_us, use, use, files)


def files_told(sessions: Sessions, uses: Uses) -> Files:
    """Give the files that uses of tools were given, in their input, parameters or patch."""
    events = sessions.rows[DECISIONS_NEED.name]
    parameters = events.column("attributes.tool_parameters")
    at = _event_of(uses, events, parameters.is_valid())
    files = together((given_to(uses), named_by(parameters.take(at))))
    return files.relative_to(folders_of(uses.command))


def _edits(uses: Uses, told: Files) -> Doings:
    """Give the uses of tools that changed files, as of when they were over."""
    row = np.flatnonzero(uses.edits & uses.worked)
    files = told.owned(_places(row, len(uses)))
    who = _who(uses.column("session_id"), uses.event_id, row)
    return Doings(*who, uses.ended_us[row], row, row, files)


def _decisions(uses: Uses, told: Files, events: pa.RecordBatch) -> Doings:
    """Give what a human allowed or refused, with the files of the use of a tool it was about."""
    row = np.flatnonzero(mask_of(pc.starts_with(uses.column("decision_source"), "user")))
    given = told.owned(_places(row, len(uses)))
    files = together((given, worked_on(uses.command.take(pa.array(row)), sure=True)))
    at = _event_of(uses, events, pc.equal(events.column("event_type"), "tool_decision"))
    event_id = pc.coalesce(events.column("event_id").take(at), uses.event_id)
    at_us = _decided_us(uses, events.column("time").take(at))[row]
    who = _who(uses.column("session_id"), event_id, row)
    return Doings(*who, at_us, np.full(len(row), _NOBODY), row, files)


def _decided_us(uses: Uses, told: pa.TimestampArray) -> Numbers:
    """Give when it was decided on each use, where only its span tells: after it had waited."""
    wait_us = pc.multiply(pc.fill_null(uses.column("wait_ms"), 0.0), 1000.0)
    waited_us = uses.began_us + pc.floor(wait_us).cast(pa.int64()).to_numpy()
    return np.where(mask_of(told.is_valid()), micros(told), waited_us)


def _prompts(prompts: pa.RecordBatch) -> Doings:
    """Give the prompts of a human, with the files they name."""
    asked = prompts.filter(pc.invert(made_up(prompts.column("content"))))
    nobody = np.full(asked.num_rows, _NOBODY)
    files = files_in(asked.column("content"), sure=True)
    at_us = micros(asked.column("time"))
    who = (asked.column("session_id"), asked.column("event_id"))
    return Doings(*who, at_us, nobody, nobody, files)


def _who(
    session_id: pa.StringArray, event_id: pa.FixedSizeBinaryArray, row: Numbers
) -> tuple[pa.StringArray, pa.FixedSizeBinaryArray]:
    return session_id.take(pa.array(row)), event_id.take(pa.array(row))


def _places(row: Numbers, count: int) -> Numbers:
    """Give each of so many rows its place among some of them; -1 for all others."""
    place = np.full(count, -1, dtype=np.int64)
    place[row] = np.arange(len(row))
    return place


def _event_of(uses: Uses, events: pa.RecordBatch, where: pa.BooleanArray) -> pa.Int64Array:
    """Give the last event of each use of a tool, of some of the events."""
    # A use without an id of its own is called by its event's.
    named = pc.coalesce(events.column("tool_call_id"), hex_of(events.column("event_id")))
    keys = [events.column("session_id"), named]
    sought = [uses.column("session_id"), uses.column("tool_call_id")]
    return last_alike(keys, sought, mask_of(where))


def _joined(parts: tuple[Doings, ...]) -> Doings:
    first = np.cumsum([0, *(len(part) for part in parts)])
    moved = [
        Files(part.files.row + start, part.files.name, part.files.path)
        for part, start in zip(parts, first[:-1], strict=True)
    ]
    return Doings(
        pa.concat_arrays([part.session_id for part in parts]),
        pa.concat_arrays([part.event_id for part in parts]),
        np.concatenate([part.at_us for part in parts]),
        np.concatenate([part.order for part in parts]),
        np.concatenate([part.use for part in parts]),
        together(moved),
    )
