"""Run `agent_performance` on rows that other processors would make, or on a capture."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.made import API_CALLS, TOOL_CALLS, TURNS
from agentpond.pipeline.core.sessions import SessionProcessor
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors import ledger, tool_calls, turns
from agentpond.pipeline.processors.agent_performance import factory
from agentpond.pipeline.testing import batch, events, settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions, sessions_of

from ...golden.batches import batch_of
from ...golden.captures import captures

MORNING = datetime.fromisoformat("2026-11-20T10:00")

Row = dict[str, Any]
Made = dict[str, pa.Table]

_WHOSE: Row = {"session_id": "s", "agent": "claude_code"}


def call(model: str | None = "large", turn_id: str | None = "t1", **columns: Any) -> Row:
    """Make a row of the ledger: a call that worked."""
    told = {"model": model, "turn_id": turn_id, "success": True, "cost_status": "reported"}
    return {**_WHOSE, **told, "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25, **columns}


def failed_call(model: str | None = "large", turn_id: str | None = "t1", **columns: Any) -> Row:
    told = {"success": False, "cost_status": None}
    return call(model, turn_id, **told, **dict.fromkeys(_USAGE), **columns)


def point(model: str | None = "large", **columns: Any) -> Row:
    """Make a row of the ledger that is a sum of metrics."""
    return call(model, None, usage_source="metrics", success=None, **columns)


def tool(turn_id: str | None = "t1", tool_name: str = "Read", **columns: Any) -> Row:
    """Make a use of a tool that worked."""
    told = {"turn_id": turn_id, "tool_name": tool_name, "success": True, "status": "done"}
    return {**_WHOSE, **told, **columns}


def rejected(turn_id: str | None = "t1", tool_name: str = "Edit", **columns: Any) -> Row:
    told = {"status": "rejected", "success": None}
    return tool(turn_id, tool_name, **{**told, **columns})


def turn(turn_id: str = "t1", **columns: Any) -> Row:
    return {**_WHOSE, "turn_id": turn_id, "status": "done", **columns}


def tables(calls: Sequence[Row] = (), tools: Sequence[Row] = (), turns: Sequence[Row] = ()) -> Made:
    """Give the rows that other processors made; uses of tools are called `u0`, `u1`, ..."""
    return {
        "api_calls": _table(API_CALLS, [{"api_call_id": f"{n}"} | row for n, row in _each(calls)]),
        "tool_calls": _table(
            TOOL_CALLS,
            [{"tool_call_id": f"u{n}", "started_at": _at(n)} | row for n, row in _each(tools)],
        ),
        "turns": _table(TURNS, turns),
    }


def told(*rows: Row) -> Batch:
    """Make events of the session `s`, unless the rows say otherwise."""
    full = [{**_WHOSE, "signal": "logs", **row} for row in rows]
    names = sorted({name for row in full for name in row})
    return events(len(full), **{name: [row.get(name) for row in full] for name in names})


def performance(
    made: Made,
    given: Batch | None = None,
    *,
    unmade: Mapping[str, Sequence[str]] | None = None,
    **options: Any,
) -> list[Row]:
    """Give the rows made, by session and model, with all columns."""
    whose = pa.concat_tables([each.select(["session_id"]) for each in made.values()])
    ids = whose["session_id"].unique().to_pylist()
    processor = _processor(**options)
    sessions = sessions_of(processor.needs, given or told(), made, ids=ids, unmade=unmade)
    batches = [each for each in processor.process(sessions) if isinstance(each, Batch)]
    rows = [row for each in batches for row in each.records.to_pylist()]
    return sorted(rows, key=lambda row: (row["session_id"], row["model"]))


def values(rows: Sequence[Row], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in rows]


def only(rows: Sequence[Row], *columns: str) -> dict[str, Any]:
    """Give some columns of the one row there is."""
    (row,) = rows
    return {name: row[name] for name in columns}


def chain(**options: Any) -> list[SessionProcessor]:
    """Give the processors that `agent_performance` reads from, and itself."""
    before = (ledger, tool_calls, turns)
    made = [each.factory.build(each.factory.config(), settings()) for each in before]
    return [*made, _processor(**options)]


def captured(name: str, *signals: Signal) -> list[Row]:
    """Give the rows of a captured run; a column without a value is left out."""
    (capture,) = captures(name)
    return rows_of(run_sessions(chain(), batch_of(capture, *signals))["agent_performance"])


def _processor(**options: Any) -> SessionProcessor:
    made: SessionProcessor = factory.build(factory.config(**options), settings())
    return made


def _table(table: Table, rows: Sequence[Row]) -> pa.Table:
    names = sorted({name for row in rows for name in row})
    given = {name: [row.get(name) for row in rows] for name in names}
    return pa.Table.from_batches([batch(table, len(rows), **given).records])


def _each(rows: Sequence[Row]) -> Sequence[tuple[int, Row]]:
    return list(enumerate(rows))


def _at(seconds: int) -> datetime:
    return MORNING + timedelta(seconds=seconds)


_USAGE = ("input_tokens", "output_tokens", "cost_usd")
