"""Join what all signals tell of one use of a tool into one row.

The agent's id of the use joins them: a record of the decision, one of the result, a span of
the whole and spans of the wait and the run in it, as far as they are told.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.made import TOOL_CALLS
from ...core.schema import EVENTS, TIME
from ...core.sessions import SESSIONLESS, Again, Cadence, Need, Sessions
from ...durations import Duration
from ...session.cadence import SessionConfig, version_of
from ...session.groups import codes_of, mask_of, texts_of
from ...session.numbers import sound
from .decided import Decisions, Fates, decisions_of, fates_of
from .facts import files_of, names_of, outcome_of, users_of
from .order import makers_of, parallel_groups
from .timing import Times, moments, times_of
from .uses import EVENT_COLUMNS, EVENT_TYPES, Part, Uses, call_ids, uses_of

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_CALLS_OF_AGENTS = pa.array(["Agent", "Task"])

_LOGS = (Part.DECISION, Part.RESULT, Part.REVIEW, Part.SANDBOX)
_TRACES = (Part.SPAN, Part.RUN, Part.WAIT)


class Config(SessionConfig):
    """Join what all signals tell of each use of a tool into one row."""

    pending_for: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=30)
    """How long a session may be silent before a use without a result is given up."""


class ToolCalls:
    """Makes `tool_calls`."""

    scope: Literal["session"] = "session"
    needs: Sequence[Need] = (Need(EVENTS, EVENT_COLUMNS, EVENT_TYPES),)
    tables: Sequence[Table] = (TOOL_CALLS,)

    def __init__(self, pending_for: timedelta, version: str, cadence: Cadence) -> None:
        """Take how long to wait for a result, and when to run."""
        self._pending_us = pending_for // timedelta(microseconds=1)
        self.version = version
        self.cadence = cadence

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the uses of tools of the sessions, and when those that are pending will not be."""
        uses = uses_of(sound(sessions).events)
        if not len(uses):
            return
        decisions = decisions_of(uses)
        fates = fates_of(uses, decisions.decision, sessions.as_of_us, self._pending_us)
        yield Batch(TOOL_CALLS, _rows(uses, decisions, fates))
        if len(fates.again):
            yield _again(uses, fates)


def _again(uses: Uses, fates: Fates) -> Again:
    place = np.searchsorted(uses.session, fates.again)
    ids = uses.events.column("session_id").take(pa.array(place))
    return Again(ids, pa.array(fates.again_at).cast(TIME))


def _rows(uses: Uses, decisions: Decisions, fates: Fates) -> pa.RecordBatch:
    times = times_of(uses, decisions, fates.status)
    outcome = outcome_of(uses, fates.status)
    columns = {
        **_whose(uses),
        **_ordered(uses, times, fates.status),
        "started_at": moments(times.started_us),
        "ended_at": moments(times.ended_us),
        "wait_ms": times.wait_ms,
        "duration_ms": times.duration_ms,
        "decision": decisions.decision,
        "decision_source": decisions.source,
        "success": outcome.success,
        "exit_code": outcome.exit_code,
        "error_type": outcome.error_type,
        "error_message": outcome.error_message,
        "status": fates.status,
        "file_path": files_of(uses),
        "trace_id": uses.first("trace_id", Part.SPAN, Part.RUN),
        "span_id": uses.first("span_id", Part.SPAN, Part.RUN),
        "told_by": _told_by(uses),
    }
    arrays = [columns[field.name].cast(field.type) for field in TOOL_CALLS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=TOOL_CALLS.schema)


def _whose(uses: Uses) -> dict[str, pa.Array]:
    return {
        "session_id": uses.one("session_id"),
        "agent": uses.one("agent"),
        "tool_call_id": call_ids(uses),
        "turn_id": uses.turns.turn_id.take(uses.turn_row),
    }


def _told_by(uses: Uses) -> pa.ListArray:
    return texts_of([("logs", mask_of(uses.has(*_LOGS))), ("traces", mask_of(uses.has(*_TRACES)))])


def _ordered(uses: Uses, times: Times, status: pa.StringArray) -> dict[str, pa.Array]:
    """Give the names and who used what, with what follows of them and the times."""
    name, server = names_of(uses)
    subagent, subagent_id = users_of(uses)
    call_id = call_ids(uses)
    session = uses.session[uses.first_row.to_numpy()]
    maker = makers_of(session, call_id, name, times.started_us, times.ended_us)
    made_by = call_id.take(pa.array(maker, mask=maker < 0))
    calling = pc.is_in(name, value_set=_CALLS_OF_AGENTS)
    # What a call of a sub-agent makes runs within it, and log records do not say what it made:
    # it is held against other calls of sub-agents alone, whatever signals tell of it.
    caller = pc.if_else(calling, pc.coalesce(subagent_id, subagent), pa.scalar(None, pa.string()))
    turn_id = uses.turns.turn_id.take(uses.turn_row)
    party = codes_of(pa.array(session), turn_id, made_by, calling, caller, _stray_trace(uses))
    return {
        "tool_name": name,
        "mcp_server": server,
        "subagent": subagent,
        "subagent_id": subagent_id,
        "parent_tool_call_id": made_by,
        "parallel_group": parallel_groups(
            session, party, times.started_us, _until(uses, times, status)
        ),
    }


def _stray_trace(uses: Uses) -> pa.StringArray:
    """Give the trace of uses that name no session: what else stands there is not beside them."""
    stray = pc.starts_with(uses.one("session_id"), f"{SESSIONLESS}:")
    return pc.if_else(stray, uses.one("trace_id"), pa.scalar(None, pa.string()))


def _until(uses: Uses, times: Times, status: pa.StringArray) -> pa.Int64Array:
    """Give until when each use ran; for one that is pending, without end."""
    latest = pa.scalar(np.iinfo(np.int64).max)
    known = pc.coalesce(
        times.ended_us,
        uses.of(Part.SPAN, "end_time").cast(pa.int64()),
        uses.of(Part.RUN, "end_time").cast(pa.int64()),
    )
    return pc.if_else(pc.equal(status, "pending"), latest, known)


def _build(config: Config, settings: Settings) -> ToolCalls:  # noqa: ARG001
    return ToolCalls(config.pending_for, version_of(_CODE, config), config.cadence)


factory = Factory(Kind.PROCESSOR, "tool_calls", Config, _build)
