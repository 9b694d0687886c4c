"""Turn all that is known of a session into one row of `sessions`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.made import SESSIONS
from ...core.sessions import SESSIONLESS, Again, Cadence, Need, Sessions
from ...durations import Duration
from ...session.cadence import SessionConfig, version_of
from ...session.groups import Groups, Mask, by_place, mask_of
from ...session.numbers import sound
from ...session.unmade import unmade, untold
from . import activity, capture, counters, human, kin, sums
from .needs import NEEDS
from .sequences import sequences
from .starts import session_starts, starts
from .who import who

_VERSION = 1
_MOMENT = timedelta(0)
_NULL_TEXT = pa.scalar(None, pa.string())


class Config(SessionConfig):
    """Tell of each session who ran it where, how it goes and what it came to."""

    idle_after: Annotated[Duration, Field(gt=_MOMENT)] = timedelta(minutes=5)
    """How long a session must be silent to be `idle`."""

    ended_after: Annotated[Duration, Field(gt=_MOMENT)] = timedelta(minutes=30)
    """How long a session must be silent to be `ended` without having said so."""

    user_email: str | None = None
    """The user's mail address in sessions that tell none."""

    organization_id: str | None = None
    """The organisation of sessions that tell none."""

    team: str | None = None
    """The team of sessions that tell none and whose user is in none of `teams`."""

    teams: Mapping[str, str] = {}
    """The team of users by their mail address, where the session tells none: patterns such as
    `*@example.org`, the first that fits."""

    repository: str | None = None
    """The repository of sessions that tell none."""

    @property
    def defaults(self) -> dict[str, str | None]:
        """What to say where nothing is told, by column."""
        names = ("user_email", "organization_id", "team", "repository")
        return {name: getattr(self, name) for name in names}

    @property
    def silence(self) -> activity.Silence:
        """The two durations in microseconds."""
        moment = timedelta(microseconds=1)
        return activity.Silence(self.idle_after // moment, self.ended_after // moment)


@dataclass(frozen=True, slots=True)
class _Told:
    """What signals told of each session."""

    at_all: Mask
    """Not metrics alone."""
    by_logs: Mask
    fails: Mask
    """Something would tell of a failure: Codex' spans do not."""


class SessionRows:
    """Makes the table `sessions`."""

    scope: Literal["session"] = "session"
    needs: Sequence[Need] = NEEDS
    tables: Sequence[Table] = (SESSIONS,)

    def __init__(self, config: Config) -> None:
        """Take what the user set."""
        self._config = config
        self.version = version_of(_VERSION, config)

    @property
    def cadence(self) -> Cadence:
        """How often to run it."""
        return self._config.cadence

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give one row for each session that has events, and when its status will change."""
        sessions = sound(sessions)
        events = sessions.events
        groups = by_place(events, sessions.ids)
        counted = counters.counters(sessions.rows["points"], sessions.ids)
        when = activity.heard(events, groups, counted)
        columns = self._facts(sessions, groups, counted)
        ended_at = activity.ends(sessions.rows["steps"], sessions.ids, counted.last_start, when)
        status, next_at, due = activity.status(
            ended_at, when, self._config.silence, sessions.as_of_us
        )
        columns |= {
            "session_id": sessions.ids,
            "started_at": when.first,
            "last_seen_at": when.last,
            "ended_at": ended_at,
            "status": status,
        }
        present = _present(sessions, groups, counted)
        arrays = [columns[field.name].cast(field.type) for field in SESSIONS.schema]
        rows = pa.RecordBatch.from_arrays(arrays, schema=SESSIONS.schema)
        yield Batch(SESSIONS, rows.filter(pa.array(present)))
        yield activity.again(sessions.ids, next_at, due & present)

    def _facts(
        self, sessions: Sessions, groups: Groups, counted: counters.Counted
    ) -> dict[str, pa.Array]:
        """Give the columns that do not depend on the time of day."""
        events, ids = sessions.events, sessions.ids
        begun = session_starts(sessions.rows["steps"])
        named = pa.array(_named(ids))
        told_parent = kin.parents(events, groups, begun, sessions.rows["kin"], ids)
        parent = pc.if_else(named, told_parent, _NULL_TEXT)
        calls, tools = sessions.rows["api_calls"], sessions.rows["tool_calls"]
        family = kin.Kin(parent, kin.reviewing(tools, ids))
        found = sequences(events, groups)
        begins = starts(counted, found, begun, family, ids)
        told = _told(events, groups)
        sums_told = _sums(sessions, told, counted)
        captured = capture.ratio(
            found,
            begins.known,
            sums.token_sum(calls, ids),
            counted.tokens,
            capture.share_of_spans(sessions.rows["steps"], calls, ids),
        )
        return {
            "agent": groups.first(events.column("agent")),
            "started_by": pc.if_else(named, begins.started_by, _NULL_TEXT),
            "resumes": pc.if_else(named, begins.resumes, pa.scalar(None, pa.int64())),
            "parent_session_id": parent,
            **who(events, groups, ~_named(ids), self._config.defaults, self._config.teams),
            "events": groups.counts(),
            "error_density": sums.share_of_events(groups.where(_errors(events)), groups),
            **counted.columns,
            "capture_ratio": captured,
            **sums_told,
            **_activities(sessions, groups, told, family, sums_told["api_calls"]),
        }


def _named(ids: pa.StringArray) -> Mask:
    """Mask the sessions that have a name of their own."""
    return ~mask_of(pc.starts_with(ids, f"{SESSIONLESS}:"))


def _present(sessions: Sessions, groups: Groups, counted: counters.Counted) -> Mask:
    """Mask the sessions to tell of: those that are one, and what was used outside of any.

    Codex' metrics and many of its spans name no session; that alone is no session to count.
    Neither is the id under which Claude Code counts its start before it takes up another one.
    """
    ids = sessions.ids
    used = np.zeros(len(ids), dtype=np.bool_)
    for name in ("api_calls", "tool_calls", "turns"):
        used |= by_place(sessions.rows[name], ids).counts().to_numpy() > 0
    events = groups.counts().to_numpy()
    present: Mask = _named(ids) & (events > counted.taken_up.to_numpy())
    present |= used & (events > 0)
    return present


def _sums(sessions: Sessions, told: _Told, counted: counters.Counted) -> dict[str, pa.Array]:
    """Give what is summed up over calls, tools and turns."""
    rows, ids = sessions.rows, sessions.ids
    calls = sums.of_calls(rows["api_calls"], ids, told.at_all, told.fails)
    calls = untold(calls, unmade(sessions, "api_calls", ids))
    turns = sums.of_turns(rows["turns"], ids, told.at_all)
    turns = untold(turns, unmade(sessions, "turns", ids))
    # Codex tells what a whole turn cost, and of no call; Claude Code's spans tell no cost at all,
    # but its metrics may.
    of_calls, of_turns = (each["reported_cost_usd"] for each in (calls, turns))
    reported = pc.coalesce(of_calls, of_turns, counted.cost_usd)
    tools = sums.of_tools(rows["tool_calls"], ids, told.at_all, told.fails)
    tools = untold(tools, unmade(sessions, "tool_calls", ids))
    return {**turns, **calls, **tools, "reported_cost_usd": reported}


def _activities(
    sessions: Sessions,
    groups: Groups,
    told: _Told,
    family: kin.Kin,
    calls: pa.Int64Array,
) -> dict[str, pa.Array]:
    """Count what the human and the agent did; NULL where only metrics tell of the session.

    And where tool calls, which are a part of both, were not made yet.
    """
    rows, ids = sessions.rows, sessions.ids
    prompted = human.prompts(rows["steps"], ids, told.by_logs, family.by_agent)
    asked = pc.add(prompted, sums.decided(rows["tool_calls"], ids))
    answers = mask_of(pc.equal(sessions.events.column("event_type"), "assistant_response"))
    acted = pc.add(pc.fill_null(calls, 0), sums.done(rows["tool_calls"], ids))
    acted = pc.add(acted, groups.where(answers).counts())
    nothing = ~told.at_all | unmade(sessions, "tool_calls", ids)
    return {
        **untold({"human_activity": asked}, nothing),
        **untold({"agent_activity": acted}, nothing | unmade(sessions, "api_calls", ids)),
    }


def _told(events: pa.RecordBatch, groups: Groups) -> _Told:
    signal = events.column("signal")
    by_logs = groups.any(mask_of(pc.equal(signal, "logs")))
    codex = groups.any(mask_of(pc.equal(events.column("agent"), "codex")))
    return _Told(groups.any(~mask_of(pc.equal(signal, "metrics"))), by_logs, fails=by_logs | ~codex)


def _errors(events: pa.RecordBatch) -> Mask:
    """Mask the events that tell of an error."""
    failed = mask_of(pc.invert(events.column("success")))
    refused = mask_of(pc.equal(events.column("event_type"), "api_error"))
    exited = mask_of(pc.not_equal(events.column("exit_code"), 0))
    return failed | refused | exited | mask_of(events.column("error_message").is_valid())


def _build(config: Config, _settings: Settings) -> SessionRows:
    return SessionRows(config)


factory = Factory(Kind.PROCESSOR, "sessions", Config, _build)
