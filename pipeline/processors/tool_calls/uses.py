"""Find the uses of tools that events tell of, and which event tells what of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ...session.ids import hex_of
from ...session.turning import TURN_COLUMNS, TURN_TYPES, Turns, turns_of


class Part(StrEnum):
    """What an event tells of a use of a tool; the values of most are event types."""

    DECISION = "tool_decision"
    RESULT = "tool_result"
    SPAN = "tool"
    """From when it was asked for to when its result was there."""
    WAIT = "tool_wait"
    RUN = "tool_execution"
    REVIEW = "codex.guardian_assessment"
    SANDBOX = "codex.sandbox_outcome"


# Codex tells these two beside the decision and the run: reference of Codex, section 5.
_BY_NAME = (Part.REVIEW, Part.SANDBOX)
_BY_TYPE = (Part.DECISION, Part.RESULT, Part.SPAN, Part.WAIT, Part.RUN)
_PARTS = (*_BY_TYPE, *_BY_NAME)

_END = "session_end"

EVENT_TYPES = (*TURN_TYPES, *_BY_TYPE, _END)
"""The events that tell of uses, of their turns, and of the session's end."""

EVENT_COLUMNS = (
    *TURN_COLUMNS,
    *("event_id", "agent", "signal", "event_name"),
    *("parent_span_id", "tool_call_id", "tool_name", "mcp_server"),
    *("subagent", "subagent_id", "decision", "decision_source", "success", "exit_code"),
    *("error_type", "error_message", "duration_ms", "content", "tool_input"),
    *("attributes.aborted", "attributes.file_path", "attributes.outcome"),
)
"""What is to be known of each event."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses of tools, in the order of the first event that tells of each.

    ``session`` numbers each event's session from 0.
    """

    events: pa.RecordBatch
    session: Numbers
    turns: Turns
    groups: Groups
    rows: Mapping[Part, pa.Int64Array]
    first_row: pa.Int64Array
    """The event that tells of each use first."""

    def __len__(self) -> int:
        """Count them."""
        return self.groups.count

    def has(self, *parts: Part) -> pa.BooleanArray:
        """Tell for each use whether an event tells one of some parts of it."""
        return pc.is_valid(pc.coalesce(*(self.rows[part] for part in parts)))

    def of(self, part: Part, column: str) -> pa.Array:
        """Give what a part of each use tells in a column; NULL where there is none."""
        return self.events.column(column).take(self.rows[part])

    def first(self, column: str, *parts: Part) -> pa.Array:
        """Give what the first of some parts to tell it tells in a column."""
        return pc.coalesce(*(self.of(part, column) for part in parts))

    @property
    def turn_row(self) -> pa.Int64Array:
        """The event whose turn is the use's: a log record, where one tells of it."""
        order = (Part.RESULT, Part.DECISION, Part.SPAN, Part.RUN)
        return pc.coalesce(*(self.rows[part] for part in order), self.first_row)

    def one(self, column: str) -> pa.Array:
        """Give what all events of a use tell alike."""
        return self.events.column(column).take(self.first_row)


def uses_of(events: pa.RecordBatch) -> Uses:
    """Find the uses of tools; takes EVENT_COLUMNS, rows of a session together and in order."""
    part = _parts(events)
    session = _sessions(events.column("session_id"))
    call_id = _call_ids(events, part)
    named = (part >= 0) & mask_of(call_id.is_valid())
    groups = Groups.of_codes(np.where(named, codes_of(pa.array(session), call_id), -1))
    groups = _with_waits(events, session, groups, part)
    rows = {name: _rows(groups, part == at) for at, name in enumerate(_PARTS)}
    first_row = groups.first_row(events.column("session_id"))
    return Uses(events, session, turns_of(events), groups, rows, first_row)


def call_ids(uses: Uses) -> pa.StringArray:
    """Give each use its id: the agent's own, else one made of the event's."""
    row = uses.groups.first_row(uses.events.column("tool_call_id"))
    told = uses.events.column("tool_call_id").take(row)
    own = hex_of(uses.events.column("event_id").take(uses.first_row))
    return pc.coalesce(told, own)


def match(at: pa.Array, key: pa.Array, sought_at: pa.Array, sought: pa.Array) -> pa.Int64Array:
    """Give the place of the last key that is sought in the same session; NULL where none is.

    ``at`` and ``sought_at`` number the session of each key and of each that is sought.
    """
    both = pa.concat_arrays([key, sought])
    codes = codes_of(pa.concat_arrays([at, sought_at]), both)
    codes = np.unique(codes, return_inverse=True)[1]
    place = np.full(len(codes), -1, dtype=np.int64)
    told = np.flatnonzero(mask_of(key.is_valid()))
    place[codes[told]] = told
    found = np.where(mask_of(sought.is_valid()), place[codes[len(key) :]], -1)
    return pa.array(found, mask=found < 0)


def _parts(events: pa.RecordBatch) -> Numbers:
    """Give each event the number of its part of a use; -1 for events that are none."""
    by_type = pc.index_in(events.column("event_type"), value_set=pa.array(_BY_TYPE))
    by_name = pc.index_in(events.column("event_name"), value_set=pa.array(_BY_NAME))
    part = pc.coalesce(pc.add(by_name, len(_BY_TYPE)), by_type)
    numbers: Numbers = pc.fill_null(part, -1).to_numpy().astype(np.int64)
    return numbers


def _sessions(ids: pa.StringArray) -> Numbers:
    """Give numbers to sessions whose rows stand together."""
    changes = mask_of(pc.not_equal(ids.slice(1), ids.slice(0, max(len(ids) - 1, 0))))
    return np.concatenate([[0], np.cumsum(changes)])[: len(ids)].astype(np.int64)


def _call_ids(events: pa.RecordBatch, part: Numbers) -> pa.StringArray:
    """Give the id a use is known by; a result or a span without one is a use of its own."""
    told = events.column("tool_call_id")
    alone = np.isin(part, (_PARTS.index(Part.RESULT), _PARTS.index(Part.SPAN)))
    alone &= mask_of(told.is_null())
    if not alone.any():
        return told
    own = hex_of(events.column("event_id").filter(pa.array(alone)))
    return pc.replace_with_mask(told, pa.array(alone), own)


def _with_waits(events: pa.RecordBatch, session: Numbers, groups: Groups, part: Numbers) -> Groups:
    """Add Claude Code's waits, which name no use: they are children of its span.

    The record of the decision names the wait's own span, which helps where the process died
    before the span of the use ended. Source: reference of Claude Code, section 7.
    """
    waits = np.flatnonzero((part == _PARTS.index(Part.WAIT)) & (groups.of_row < 0))
    if not len(waits):
        return groups
    spans = np.flatnonzero((part == _PARTS.index(Part.SPAN)) & (groups.of_row >= 0))
    said = np.flatnonzero((part == _PARTS.index(Part.DECISION)) & (groups.of_row >= 0))
    under = _joined(events, session, (spans, "span_id"), (waits, "parent_span_id"))
    beside = _joined(events, session, (said, "span_id"), (waits, "span_id"))
    row = np.where(under >= 0, under, beside)
    of_row = groups.of_row.copy()
    of_row[waits] = np.where(row >= 0, groups.of_row[row], -1)
    return Groups(of_row, groups.count)


def _joined(
    events: pa.RecordBatch,
    session: Numbers,
    keys: tuple[Numbers, str],
    sought: tuple[Numbers, str],
) -> Numbers:
    """Give the row of some whose span some others name in their session; -1 for none."""
    (rows, key), (others, name) = keys, sought
    place = match(
        pa.array(session[rows]),
        events.column(key).take(pa.array(rows)),
        pa.array(session[others]),
        events.column(name).take(pa.array(others)),
    )
    found: Numbers = pc.fill_null(pa.array(rows, pa.int64()).take(place), -1).to_numpy()
    return found


def _rows(groups: Groups, mask: Mask) -> pa.Int64Array:
    """Give each use the last of its rows in a mask: what is told again replaces what was."""
    rows = np.flatnonzero(mask & (groups.of_row >= 0))
    at = np.full(groups.count, -1, dtype=np.int64)
    at[groups.of_row[rows]] = rows
    return pa.array(at, mask=at < 0)
