"""Join rows of `tool_calls` with what events tell of each use: its event, input and command."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.made import TOOL_CALLS
from ..core.schema import EVENTS
from ..core.sessions import Need, Sessions
from ..session.groups import Mask, Numbers, mask_of
from ..session.ids import hex_of
from ..session.joining import last_alike
from ..session.texts import captured, string_member

_TELLERS = ("tool_result", "tool_execution", "tool", "tool_decision")
"""The events that tell of a use, those first that stand for it."""

EVENTS_NEED = Need(
    EVENTS,
    ("session_id", "event_id", "event_type", "tool_call_id", "content", "tool_input"),
    _TELLERS,
    label="tellers",
)

CALLS_NEED = Need(
    TOOL_CALLS,
    (
        *("session_id", "tool_call_id", "agent", "turn_id", "tool_name", "mcp_server"),
        *("started_at", "ended_at", "wait_ms", "duration_ms", "decision", "decision_source"),
        *("success", "exit_code", "error_type", "error_message", "status", "file_path"),
        "subagent_id",
    ),
)

NEEDS = (EVENTS_NEED, CALLS_NEED)
"""What uses are made of."""

_EDITORS = pa.array(
    [
        *("edit", "write", "multiedit", "notebookedit", "apply_patch", "edit_file", "write_file"),
        *("create_file", "replace", "search_replace", "str_replace_editor"),
        *("str_replace_based_edit_tool", "insert_edit_into_file", "replace_string_in_file"),
    ]
)
"""Tools that change files, in lower case: Claude Code's, Codex', and those of other agents."""

PATCH = "*** Begin Patch"
"""How a patch begins that Codex' `apply_patch` takes, also in a shell."""

_FIRST = np.iinfo(np.int64).min
_LAST_WORD = r'"(?:command|cmd)" ?: ?\[(?:[^\]]*, ?)?"(?P<told>(?:[^"\\]|\\.)*)" ?\]'
_NONE = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses of tools in order of session, begin and id; ``calls`` are rows of CALLS_NEED.

    ``event_id`` is the event that stands for a use (its result, else its run, its span, its
    decision), ``tool_input`` and ``command`` what it was given, as far as that is told.
    """

    calls: pa.RecordBatch
    event_id: pa.FixedSizeBinaryArray
    tool_input: pa.StringArray
    command: pa.StringArray

    def __len__(self) -> int:
        """Count them."""
        return int(self.calls.num_rows)

    def column(self, name: str) -> pa.Array:
        """Give a column of ``calls``."""
        return self.calls.column(name)

    @property
    def worked(self) -> Mask:
        """Where it worked."""
        return mask_of(self.column("success"))

    @property
    def failed(self) -> Mask:
        """Where it failed; what was not allowed to run did not."""
        return mask_of(pc.invert(self.column("success"))) & ~self.rejected

    @property
    def rejected(self) -> Mask:
        """Where it was not allowed."""
        return mask_of(pc.equal(self.column("status"), "rejected"))

    @property
    def edits(self) -> Mask:
        """Where a tool was used that changes files, or a command that applies a patch."""
        name = pc.ascii_lower(self.column("tool_name"))
        # `str_replace_based_edit_tool` also reads: Anthropic's text editor tool, command `view`.
        looks = mask_of(pc.equal(self.command, "view"))
        patches = mask_of(pc.match_substring(self.command, PATCH))
        return (mask_of(pc.is_in(name, value_set=_EDITORS)) & ~looks) | patches

    @property
    def began_us(self) -> Numbers:
        """When each began, in Unix microseconds; long ago where that is not told."""
        return micros(self.column("started_at"))

    @property
    def ended_us(self) -> Numbers:
        """When each was over, else began."""
        return micros(pc.coalesce(self.column("ended_at"), self.column("started_at")))


def uses_of(sessions: Sessions) -> Uses:
    """Give the uses of tools of the sessions at hand; takes NEEDS."""
    calls, events = sessions.rows[CALLS_NEED.name], sessions.rows[EVENTS_NEED.name]
    order = pc.sort_indices(
        calls,
        sort_keys=[(name, "ascending") for name in ("session_id", "started_at", "tool_call_id")],
    )
    calls = calls.take(order)
    rows = _tellers(calls, events)
    event_id = _first(events.column("event_id"), rows)
    tool_input = _first(events.column("tool_input"), rows)
    return Uses(calls, event_id, tool_input, _commands(calls, events, rows, tool_input))


def micros(times: pa.TimestampArray) -> Numbers:
    """See times as Unix microseconds; what is not told was before all others."""
    us: Numbers = pc.fill_null(times.cast(pa.int64()), _FIRST).to_numpy(zero_copy_only=False)
    return us


def _tellers(calls: pa.RecordBatch, events: pa.RecordBatch) -> dict[str, pa.Int64Array]:
    """Give for each kind of event the row of the last that tells of each use."""
    # A use without an id of its own is called by its event's.
    own = hex_of(events.column("event_id"))
    names = [events.column("session_id"), pc.coalesce(events.column("tool_call_id"), own)]
    sought = [calls.column("session_id"), calls.column("tool_call_id")]
    kind = events.column("event_type")
    return {each: last_alike(names, sought, mask_of(pc.equal(kind, each))) for each in _TELLERS}


def _first(column: pa.Array, rows: dict[str, pa.Int64Array]) -> pa.Array:
    return pc.coalesce(*(column.take(rows[kind]) for kind in _TELLERS))


def _commands(
    calls: pa.RecordBatch,
    events: pa.RecordBatch,
    rows: dict[str, pa.Int64Array],
    tool_input: pa.StringArray,
) -> pa.StringArray:
    """Give the command each use ran: of its input, or what Claude Code tells beside it."""
    distinct = tool_input.dictionary_encode()
    inputs = distinct.dictionary
    told = pc.coalesce(string_member(inputs, "command", "cmd"), captured(inputs, _LAST_WORD))
    content = _first(events.column("content"), rows)
    # Codex' content is what came out of it: reference of Codex, section 5.
    ours = pc.equal(calls.column("agent"), "claude_code")
    return pc.coalesce(told.take(distinct.indices), pc.if_else(ours, content, _NONE))
