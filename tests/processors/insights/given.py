"""Run `insights` on a few events, and on rows as other processors make them."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.made import MADE_TABLES
from agentpond.pipeline.core.sessions import Again, SessionProcessor, Sessions
from agentpond.pipeline.processors import (
    correlations,
    insights,
    ledger,
    sessions,
    tool_calls,
    turns,
)
from agentpond.pipeline.testing import settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions, sessions_of

from ...evidence.happened import MORNING, at, chain

Row = dict[str, Any]

DAY = timedelta(days=1)
POND = {"repository": "pond"}
SONNET = "claude-sonnet-4-5-20250929"

_WHOSE: Row = {"session_id": "s", "agent": "claude_code"}


def call(seconds: float, **columns: Any) -> Row:
    """Make a row of the ledger: a call that worked and was over at a moment."""
    told = {"api_call_id": f"call-{seconds}", "turn_id": "t", "time": at(seconds), "model": SONNET}
    usage = {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25, "cost_status": "reported"}
    return {**_WHOSE, **told, **usage, "success": True, "usage_source": "logs", **columns}


def refused(seconds: float, message: str | None = "Overloaded", **columns: Any) -> Row:
    """Make a row of the ledger: a call that failed."""
    told = {"success": False, "error_message": message, "cost_usd": None, "cost_status": None}
    return call(seconds, **{**told, "input_tokens": None, "output_tokens": None, **columns})


def turn(status: str, **columns: Any) -> Row:
    """Make a row of `turns`, of two calls and a use of a tool, from second 0 to 90."""
    told = {"turn_id": "t", "number": 1, "started_at": at(0), "ended_at": at(90), "status": status}
    return {**_WHOSE, **told, "api_calls": 2, "tool_calls": 1, "cost_usd": 0.5, **columns}


def session(session_id: str = "s", **columns: Any) -> Row:
    """Make a row of `sessions`, of a minute in the morning."""
    told = {"session_id": session_id, "started_at": at(0), "last_seen_at": at(60)}
    return {**_WHOSE, **told, "cost_coverage": 1.0, **columns}


def before(number: int, cost_usd: float | None = 1.0, **columns: Any) -> Row:
    """Make a session of an hour, so many days and two hours before, of the repository `pond`."""
    began = MORNING - number * DAY - timedelta(hours=2)
    times = {"started_at": began, "last_seen_at": began + timedelta(hours=1)}
    row = session(f"before-{number}", cost_usd=cost_usd, **POND)
    return {**row, **times, **columns}


def eight(cost_usd: float = 1.0, **columns: Any) -> list[Row]:
    """Make eight of them, a day apart."""
    return [before(number, cost_usd, **columns) for number in range(8)]


def related(error: int, cause: int, file_path: str, **columns: Any) -> Row:
    """Make a row of `correlations`: an error that an edit of the agent goes before."""
    ids = {"error_event_id": error.to_bytes(16, "big"), "cause_event_id": cause.to_bytes(16, "big")}
    told = {"cause": "agent", "file_path": file_path, "error_at": at(error)}
    return {**_WHOSE, **ids, **told, **columns}


def processor(**options: Any) -> SessionProcessor:
    """Build `insights`."""
    made = insights.factory.build(insights.factory.config(**options), settings("insights"))
    assert isinstance(made, SessionProcessor)
    return made


def given(
    events: Batch,
    *,
    ids: Sequence[str] | None = None,
    unmade: Mapping[str, Sequence[str]] | None = None,
    **made: Sequence[Row],
) -> Sessions:
    """Give what rules look at: the rows told, and of calls and uses else what events tell."""
    return sessions_of(processor().needs, events, tables(events, **made), ids=ids, unmade=unmade)


def tables(events: Batch, **made: Sequence[Row]) -> dict[str, pa.Table]:
    """Make tables of rows by the table's name, and of calls and uses else of events."""
    told = {
        name: pa.Table.from_pylist(list(rows), schema=MADE_TABLES[name].schema)
        for name, rows in made.items()
    }
    makers = [each for each in chain() if each.tables[0].name not in told]
    return {**run_sessions(makers, events), **told}


def insights_of(sessions: Sessions, **options: Any) -> list[Row]:
    """Give what is found, by kind and time; payloads as objects, events by their number."""
    out = [each for each in processor(**options).process(sessions) if not isinstance(each, Again)]
    rows = [row for each in out for row in rows_of(pa.Table.from_batches([each.records]))]
    for row in rows:
        row["payload"] = json.loads(row["payload"])
        row["evidence"] = [UUID(each).int for each in row["evidence"]]
    return sorted(rows, key=lambda row: (row["session_id"], row["kind"], row.get("at", at(0))))


def found(kind: str, sessions: Sessions, **options: Any) -> list[Row]:
    """Give what one rule finds."""
    return [row for row in insights_of(sessions, **options) if row["kind"] == kind]


def everything(**options: Any) -> list[SessionProcessor]:
    """Give all processors that insights are made from, and `insights`."""
    makers = (ledger, tool_calls, turns, sessions, correlations)
    before = [each.factory.build(each.factory.config(), settings()) for each in makers]
    return [*before, processor(**options)]
