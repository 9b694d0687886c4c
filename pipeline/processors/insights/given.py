"""Hold what rules look at: errors, uses of tools, API calls, turns and rows of the sessions."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...core.found import CORRELATIONS
from ...core.made import SESSIONS, TURNS
from ...core.schema import EVENTS
from ...core.sessions import Need, Of, Sessions
from ...evidence import errors as all_errors
from ...evidence.errors import Errors, errors_of
from ...evidence.loops import Loops, loops_of
from ...evidence.naming import Names, names_of
from ...session.groups import Groups, Mask, Numbers, mask_of
from ...session.ids import hex_of
from ...session.joining import last_alike
from ...session.turning import TURN_COLUMNS, TURN_TYPES, turns_of

_EVENTS = Need(
    EVENTS,
    (
        *("session_id", "event_id", "agent", "signal", "event_type", "time", "success"),
        *("exit_code", "error_message"),
    ),
)

_STEPS = Need(
    EVENTS,
    (*(*TURN_COLUMNS, "event_id", "success", "attributes.command_name"),),
    (*TURN_TYPES, "assistant_response", "compaction"),
    label="steps",
)

_REQUESTS = Need(
    EVENTS,
    ("session_id", "event_id", "request_id"),
    ("api_request", "llm_request"),
    label="requests",
)

_TURNS = Need(
    TURNS,
    (
        *("session_id", "turn_id", "number", "started_at", "ended_at"),
        *("api_calls", "tool_calls", "cost_usd", "status", "prompt"),
    ),
)

_OWN = (
    *("session_id", "agent", "started_at", "repository", "user_id", "user_email"),
    *("cost_usd", "cost_coverage", "capture_ratio"),
)

_CORRELATIONS = Need(
    CORRELATIONS,
    ("session_id", "error_event_id", "cause_event_id", "cause", "file_path", "error_at"),
)

_EARLIER = Need(
    SESSIONS,
    (
        *("session_id", "agent", "started_at", "last_seen_at", "repository", "user_id"),
        *("user_email", "cost_usd", "cost_coverage"),
    ),
    of=Of.EARLIER,
)

NEEDS = (
    _EVENTS,
    _STEPS,
    _REQUESTS,
    *all_errors.NEEDS,
    _TURNS,
    Need(SESSIONS, _OWN),
    _CORRELATIONS,
    _EARLIER,
)
"""What insights are made of."""


@dataclass(frozen=True, slots=True)
class Given:
    """All that rules look at, of the sessions at hand."""

    sessions: Sessions
    errors: Errors
    names: Names
    main: Groups
    """The API calls by session, in order of ``ids``; without those of no model."""
    loops: Loops
    """The break/fix loops among the uses of tools."""
    step_turns: pa.StringArray
    """The turn of each step, by the ids that `turns` has."""

    @property
    def ids(self) -> pa.StringArray:
        """The sessions, ascending."""
        return self.sessions.ids

    @property
    def events(self) -> pa.RecordBatch:
        """All events, with few columns."""
        return self.sessions.events

    @property
    def steps(self) -> pa.RecordBatch:
        """Prompts, spans of turns, answers and compactions."""
        return self.sessions.rows[_STEPS.name]

    @property
    def turns(self) -> pa.RecordBatch:
        """Turns."""
        return self.sessions.rows[_TURNS.name]

    @property
    def own(self) -> pa.RecordBatch:
        """Rows of `sessions`."""
        return self.sessions.rows[SESSIONS.name]

    @property
    def correlations(self) -> pa.RecordBatch:
        """Rows of `correlations`."""
        return self.sessions.rows[_CORRELATIONS.name]

    @property
    def earlier(self) -> pa.RecordBatch:
        """Sessions that were over before some of these began."""
        return self.sessions.rows[_EARLIER.name]

    @property
    def agents(self) -> pa.StringArray:
        """The agent of each session."""
        return of_sessions(self.events, self.ids).first(self.events.column("agent"))

    @property
    def calls(self) -> pa.RecordBatch:
        """API calls."""
        return self.errors.calls

    def events_of_calls(self, row: Numbers) -> pa.FixedSizeBinaryArray:
        """Give the event that tells of each of some API calls; NULL where none is found."""
        calls, told = self.calls.take(pa.array(row)), self.sessions.rows[_REQUESTS.name]
        session, event_id = told.column("session_id"), told.column("event_id")
        whose = calls.column("session_id")
        by_request = last_alike(
            [session, told.column("request_id")], [whose, calls.column("request_id")]
        )
        by_event = last_alike([session, hex_of(event_id)], [whose, calls.column("api_call_id")])
        return event_id.take(pc.coalesce(by_event, by_request))


def given_by(sessions: Sessions, loop_failures: int) -> Given:
    """Gather what rules look at; takes NEEDS, and how many failures make a loop."""
    errors = errors_of(sessions)
    place = pc.index_in(errors.calls.column("session_id"), value_set=sessions.ids)
    named = mask_of(errors.calls.column("model").is_valid())
    return Given(
        sessions,
        errors,
        names_of(errors),
        Groups.at(place, len(sessions.ids)).where(named),
        loops_of(errors.uses, loop_failures),
        turns_of(sessions.rows[_STEPS.name]).turn_id,
    )


def of_sessions(rows: pa.RecordBatch, ids: pa.StringArray, mask: Mask | None = None) -> Groups:
    """Group rows by session, in order of ``ids``; ``mask`` leaves out the others."""
    place = pc.index_in(rows.column("session_id"), value_set=ids)
    groups = Groups.at(place, len(ids))
    return groups if mask is None else groups.where(mask)
