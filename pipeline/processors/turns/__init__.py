"""Make `turns`: one row for each prompt of a session and all that it caused.

A turn begins with a prompt or the span of a turn, and has all API calls and tool calls that
name it; what names no turn belongs to the one that had begun last. What a session without
prompts does is one turn, from its start.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.made import API_CALLS, TOOL_CALLS, TURNS
from ...core.schema import EVENTS, TIME
from ...core.sessions import Again, Cadence, Need, Sessions
from ...durations import Duration
from ...session.cadence import SessionConfig, version_of
from ...session.numbers import sound
from ...session.turning import TURN_COLUMNS, TURN_TYPES
from ...session.unmade import unmade
from .parts import BEGINNINGS, Parts, parts_of
from .status import Fates, Patience, fates_of
from .sums import TOKENS, Unmade, sums_of
from .times import Times, times_of

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_MOMENT = timedelta(0)
_MICROSECOND = timedelta(microseconds=1)


class Config(SessionConfig):
    """Gather what each user prompt caused, what it cost and what became of it."""

    stalled_after: Annotated[Duration, Field(gt=_MOMENT)] = timedelta(minutes=10)
    """A turn that is not over and of which nothing was heard for so long is `stalled`."""

    settled_after: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(seconds=30)
    """A turn whose end is not told is `done` when its last word is an answer, no tool is running
    and nothing more was heard of it for so long."""


@dataclass(frozen=True, slots=True)
class MakeTurns:
    """Makes `turns`."""

    patience: Patience
    version: str
    cadence: Cadence
    scope: Literal["session"] = "session"
    needs: Sequence[Need] = (
        Need(
            EVENTS,
            (
                *(*TURN_COLUMNS, "agent", "signal", "reported_cost_usd"),
                *("attributes.aborted", "attributes.turn.interrupted"),
            ),
            (*TURN_TYPES, "turn_cost", "assistant_response", "session_end", "tool"),
        ),
        Need(
            EVENTS,
            (
                *("session_id", "event_type", "event_name", "agent", "time", "end_time"),
                *("content", "content_length", "input_tokens", "attributes.command_name"),
            ),
            TURN_TYPES,
            label=BEGINNINGS,
        ),
        Need(
            API_CALLS,
            (
                *("session_id", "api_call_id", "agent", "turn_id", "time", "success"),
                *(
                    "stop_reason",
                    *TOKENS,
                    "cost_usd",
                    "cost_status",
                    "reported_cost_usd",
                    "usage_source",
                ),
            ),
        ),
        Need(
            TOOL_CALLS,
            (
                *("session_id", "agent", "turn_id", "started_at", "ended_at", "success"),
                *("status", "decision_source"),
            ),
        ),
    )
    tables: Sequence[Table] = (TURNS,)

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the turns of the sessions at hand, and when to look at them again."""
        sessions = sound(sessions)
        parts = parts_of(sessions.rows.__getitem__)
        session_id = parts.first("session_id")
        times = times_of(parts, session_id)
        fates = fates_of(parts, times, self.patience, sessions.as_of_us)
        never = Unmade(
            *(unmade(sessions, name, session_id) for name in ("api_calls", "tool_calls"))
        )
        yield Batch(TURNS, _rows(parts, session_id, times, fates, never))
        if fates.again.any():
            again = pa.array(fates.again)
            at = pa.array(fates.again_us).cast(TIME)
            yield Again(session_id.filter(again), at.filter(again))


def _rows(
    parts: Parts, session_id: pa.StringArray, times: Times, fates: Fates, never: Unmade
) -> pa.RecordBatch:
    columns = {
        "session_id": session_id,
        "agent": parts.first("agent"),
        "turn_id": parts.turn_id,
        "number": pa.array(times.number),
        "started_at": times.started_at,
        "ended_at": times.ended_at,
        "duration_ms": times.duration_ms,
        **_prompts(parts),
        **sums_of(parts, never),
        "status": fates.status,
    }
    arrays = [columns[field.name].cast(field.type) for field in TURNS.schema]
    made = pa.RecordBatch.from_arrays(arrays, schema=TURNS.schema)
    return made.take(pa.array(times.order))


def _prompts(parts: Parts) -> dict[str, pa.Array]:
    """Give what was asked, from the log record, else from the span."""
    tellers = [parts.beginnings.of_type(kind) for kind in TURN_TYPES]
    told = {"prompt": "content", "prompt_length": "content_length"}
    return {
        name: pc.coalesce(*(each.first(column) for each in tellers))
        for name, column in told.items()
    }


def _build(config: Config, settings: Settings) -> MakeTurns:  # noqa: ARG001
    patience = Patience(
        stalled_us=config.stalled_after // _MICROSECOND,
        settled_us=config.settled_after // _MICROSECOND,
    )
    return MakeTurns(patience, version_of(_CODE, config), config.cadence)


factory = Factory(Kind.PROCESSOR, "turns", Config, _build)
