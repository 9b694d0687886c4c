"""Sort events, API calls and tool calls into the turns they belong to, in one numbering."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, codes_of, mask_of
from ...session.turning import TURN_TYPES, turns_of

_FOUNDING = pa.array(["user_prompt", "turn"])

BEGINNINGS = "beginnings"
"""The need of what may begin a turn, with more columns than of other events."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one kind, and which turn each belongs to."""

    rows: pa.RecordBatch
    turns: Groups

    def column(self, name: str) -> pa.Array:
        """Give a column of the rows."""
        return self.rows.column(name)

    def where(self, mask: Mask) -> "Part":
        """Give the same rows, those that are not in the mask belonging to no turn."""
        return Part(self.rows, self.turns.where(mask))

    def of_type(self, event_type: str) -> "Part":
        """Give the events, those of other types belonging to no turn."""
        return self.where(mask_of(pc.equal(self.column("event_type"), event_type)))

    def first(self, name: str) -> pa.Array:
        """Give each turn's first value that is told."""
        return self.turns.first(self.column(name))


@dataclass(frozen=True, slots=True)
class Parts:
    """All that tells of turns. ``beginnings`` are the prompts and spans among ``events``."""

    events: Part
    beginnings: Part
    calls: Part
    tools: Part
    turn_id: pa.StringArray

    @property
    def count(self) -> int:
        """How many turns there are."""
        return self.events.turns.count

    def first(self, name: str) -> pa.Array:
        """Give each turn what the first row of any kind tells."""
        return pc.coalesce(*(part.first(name) for part in (self.events, self.calls, self.tools)))


def parts_of(rows: Callable[[str], pa.RecordBatch]) -> Parts:
    """Give the turns that prompts, spans of turns, API calls and tool calls name.

    Other events name none: a Codex turn's cost comes under an id that nothing may tell of else,
    and a session that was only started has no turn yet.
    """
    events, calls, tools = rows("events"), rows("api_calls"), rows("tool_calls")
    session_id = [part.column("session_id") for part in (events, calls, tools)]
    turn_ids = [turns_of(events).turn_id, calls.column("turn_id"), tools.column("turn_id")]
    begin = mask_of(
        pc.is_in(events.column("event_type"), value_set=pa.array(TURN_TYPES, pa.string()))
    )
    founds = mask_of(pc.is_in(events.column("event_type"), value_set=_FOUNDING))
    turn_id = pa.concat_arrays(turn_ids)
    codes = codes_of(pa.concat_arrays(session_id), turn_id)
    named = mask_of(turn_id.is_valid())
    founding = named.copy()
    founding[: len(founds)] &= founds
    turns = Groups.of_codes(np.where(named & np.isin(codes, codes[founding]), codes, -1))
    ends = np.cumsum([events.num_rows, calls.num_rows])
    of_events, of_calls, of_tools = np.split(turns.of_row, ends)
    return Parts(
        events=Part(events, Groups(of_events, turns.count)),
        beginnings=Part(rows(BEGINNINGS), Groups(of_events[begin], turns.count)),
        calls=Part(calls, Groups(of_calls, turns.count)),
        tools=Part(tools, Groups(of_tools, turns.count)),
        turn_id=turns.first(turn_id),
    )
