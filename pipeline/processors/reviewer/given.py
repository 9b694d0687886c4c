"""Hold what is told of sessions: their sums, turns, calls, tools, errors, insights and reviews."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...core.found import ERROR_CLUSTERS, INSIGHTS, REVIEWS
from ...core.made import API_CALLS, SESSIONS, TOOL_CALLS, TURNS
from ...core.schema import EVENTS
from ...core.sessions import Need, Sessions
from ...session.groups import Groups, Mask, Numbers, by_place, mask_of
from ...session.joining import last_alike
from ...session.numbers import sound
from ...session.turning import TURN_COLUMNS, TURN_TYPES, turns_of
from ...session.unmade import unmade

SUMS = (
    *("turns", "api_calls", "api_errors", "tool_calls", "tool_errors", "input_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "output_tokens", "cost_usd", "cost_coverage"),
    *("human_activity", "agent_activity", "lines_added", "lines_removed", "commits"),
    *("pull_requests", "active_time_s", "capture_ratio"),
)
"""The columns of `sessions` that tell what a session came to."""

NEEDS = (
    Need(EVENTS, (*TURN_COLUMNS, "event_id"), TURN_TYPES),
    Need(
        SESSIONS,
        ("session_id", "agent", "started_at", "last_seen_at", "started_by", "models", *SUMS),
    ),
    Need(
        TURNS,
        (
            *("session_id", "turn_id", "number", "started_at", "ended_at", "duration_ms", "prompt"),
            *("prompt_length", "api_calls", "tool_calls", "errors", "tokens", "output_tokens"),
            *("cost_usd", "status"),
        ),
    ),
    Need(TOOL_CALLS, ("session_id", "tool_name", "duration_ms", "success", "status")),
    Need(
        API_CALLS,
        (
            *("session_id", "api_call_id", "provider", "model", "success", "input_tokens"),
            *("cache_read_tokens", "cache_write_tokens", "output_tokens", "cost_usd"),
        ),
    ),
    Need(
        ERROR_CLUSTERS,
        (
            *("session_id", "fingerprint", "template", "category", "source", "example"),
            *("tool_name", "command", "count", "resolved", "resolved_by", "cost_after_usd"),
        ),
    ),
    Need(
        INSIGHTS,
        (
            *("session_id", "kind", "severity", "category", "message", "payload", "turn_id"),
            "cost_usd",
        ),
    ),
    # Its own rows: what was reviewed already is not asked again.
    Need(REVIEWS, tuple(REVIEWS.schema.names)),
)
"""What reviews are made of."""


@dataclass(frozen=True, slots=True)
class Given:
    """Rows of sessions. ``ids`` are those of them that are looked at, in order."""

    ids: pa.StringArray
    sessions: Sessions

    def rows(self, name: str) -> pa.RecordBatch:
        """Give rows of a table, also of sessions that are not looked at."""
        return self.sessions.rows[name]

    def groups(self, name: str) -> Groups:
        """Group the rows of a table by session; those of others are in no group."""
        return by_place(self.rows(name), self.ids)

    def own(self, column: str) -> pa.Array:
        """Give a column of `sessions`, a value for each of ``ids``; NULL where none is told."""
        rows = self.rows(SESSIONS.name)
        return rows.column(column).take(pc.index_in(self.ids, value_set=rows.column("session_id")))

    def never(self, name: str) -> Mask:
        """Mask the sessions of which nothing was made yet in a table."""
        return unmade(self.sessions, name, self.ids)

    def only(self, mask: Mask) -> "Given":
        """Look at some sessions alone."""
        return Given(self.ids.filter(pa.array(mask)), self.sessions)


@dataclass(frozen=True, slots=True)
class Models:
    """What each model did in each session: a group for each pair."""

    groups: Groups
    place: Numbers
    """The session of each group, by its place."""
    provider: pa.StringArray
    model: pa.StringArray
    output_tokens: pa.Int64Array


def given_by(sessions: Sessions) -> Given:
    """Hold what is told, without numbers that cannot be meant; takes NEEDS."""
    return Given(sessions.ids, sound(sessions))


def models_of(given: Given) -> Models:
    """Group the API calls of each session by model; those of no model are left out."""
    calls, whose = given.rows(API_CALLS.name), given.groups(API_CALLS.name)
    model = calls.column("model")
    told = (whose.of_row >= 0) & mask_of(model.is_valid())
    groups = Groups.by(pa.array(whose.of_row), model, where=told)
    return Models(
        groups,
        place_of(groups, whose),
        groups.first(calls.column("provider")),
        groups.first(model),
        groups.sum(calls.column("output_tokens")),
    )


def place_of(groups: Groups, whose: Groups) -> Numbers:
    """Give the session of each of some groups that lie within sessions, by its place."""
    place: Numbers = groups.first(pa.array(whose.of_row)).to_numpy(zero_copy_only=False)
    return place


def prompts_of(
    given: Given, session_id: pa.StringArray, turn_id: pa.StringArray
) -> pa.FixedSizeBinaryArray:
    """Give the event that began each of some turns: its prompt, else its span; NULL for none."""
    events = given.rows(EVENTS.name)
    names = [events.column("session_id"), turns_of(events).turn_id]
    kind, event_id = events.column("event_type"), events.column("event_id")
    found: Iterable[pa.Array] = (
        event_id.take(last_alike(names, [session_id, turn_id], mask_of(pc.equal(kind, each))))
        for each in TURN_TYPES
    )
    return pc.coalesce(*found)
