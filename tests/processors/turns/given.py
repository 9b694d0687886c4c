"""Run `turns` on a few events, API calls and tool calls, or on a capture."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.made import API_CALLS, TOOL_CALLS
from agentpond.pipeline.core.sessions import Again, Sessions
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors import ledger, tool_calls
from agentpond.pipeline.processors.turns import Config, MakeTurns, factory
from agentpond.pipeline.testing import batch, events, settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions, sessions_of

from ...golden.batches import batch_of
from ...golden.captures import captures

Row = dict[str, Any]

MORNING = datetime.fromisoformat("2026-11-20T10:00")
_EPOCH = datetime.fromisoformat("1970-01-01")
_WHOSE: Row = {"session_id": "s", "agent": "claude_code"}


def at(seconds: float) -> datetime:
    """Give a moment of the morning."""
    return MORNING + timedelta(seconds=seconds)


def micros(seconds: float) -> int:
    return (at(seconds) - _EPOCH) // timedelta(microseconds=1)


def prompt(seconds: float, turn_id: str | None = "t1", **columns: Any) -> Row:
    told = {"event_type": "user_prompt", "signal": "logs", "time": at(seconds), "turn_id": turn_id}
    return {**_WHOSE, **told, **columns}


def span(seconds: float, until: float, turn_id: str | None = "t1", **columns: Any) -> Row:
    """Make the span of a turn."""
    told = {"event_type": "turn", "signal": "traces", "end_time": at(until)}
    return {**_WHOSE, **told, "time": at(seconds), "turn_id": turn_id, **columns}


def answer(seconds: float, turn_id: str | None = "t1", **columns: Any) -> Row:
    return prompt(seconds, turn_id, **{"event_type": "assistant_response", **columns})


def call(seconds: float, turn_id: str | None = "t1", **columns: Any) -> Row:
    """Make a row of the ledger: a call that worked and was over at a moment."""
    told = {"turn_id": turn_id, "time": at(seconds), "success": True, "cost_status": "reported"}
    return {**_WHOSE, **told, "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25, **columns}


def tool(
    seconds: float, until: float | None, status: str = "done", turn_id: str = "t1", **columns: Any
) -> Row:
    """Make a row of `tool_calls`."""
    ended = None if until is None else at(until)
    told = {"turn_id": turn_id, "started_at": at(seconds), "ended_at": ended, "status": status}
    return {**_WHOSE, **told, **columns}


def processor(**options: Any) -> MakeTurns:
    made = factory.build(Config(**options), settings())
    assert isinstance(made, MakeTurns)
    return made


def sessions(
    told: Sequence[Row] = (),
    calls: Sequence[Row] = (),
    tools: Sequence[Row] = (),
    *,
    as_of: float = 86_400.0,
    ids: Sequence[str] | None = None,
) -> Sessions:
    """Give what `turns` is given; ``as_of`` is in seconds of the morning."""
    made = {
        "api_calls": _table(API_CALLS, calls, "api_call_id"),
        "tool_calls": _table(TOOL_CALLS, tools, "tool_call_id"),
    }
    names = sorted({name for row in told for name in row})
    given = events(len(told), **{name: [row.get(name) for row in told] for name in names})
    every = {row["session_id"] for row in (*told, *calls, *tools)}
    at_hand = sorted(every) if ids is None else ids
    return sessions_of(processor().needs, given, made, as_of_us=micros(as_of), ids=at_hand)


def turns(given: Sessions, *columns: str, **options: Any) -> list[tuple[Any, ...]]:
    """Give some columns of the turns, in the order in which they are made."""
    (made, *_) = processor(**options).process(given)
    assert not isinstance(made, Again)
    rows = rows_of(pa.Table.from_batches([made.records]), *columns)
    return [tuple(row.values()) for row in rows]


def again(given: Sessions, **options: Any) -> list[tuple[str, datetime]]:
    """Give which sessions are to be looked at again, and when."""
    asked = [each for each in processor(**options).process(given) if isinstance(each, Again)]
    return [
        pair
        for each in asked
        for pair in zip(each.session_ids.to_pylist(), each.at.to_pylist(), strict=True)
    ]


def captured(pattern: str, *signals: Signal) -> list[Row]:
    """Give the turns of a captured run, in order of session and number."""
    before = [
        each.factory.build(each.factory.config(), settings()) for each in (ledger, tool_calls)
    ]
    made = run_sessions([*before, processor()], batch_of(captures(pattern)[0], *signals))
    rows = rows_of(made["turns"], *made["turns"].schema.names)
    return sorted(rows, key=lambda row: (row["session_id"], row["number"]))


def _table(table: Table, rows: Sequence[Row], key: str) -> pa.Table:
    full = [{key: f"{number:03}", **row} for number, row in enumerate(rows)]
    names = sorted({name for row in full for name in row})
    given = {name: [row.get(name) for row in full] for name in names}
    return pa.Table.from_batches([batch(table, len(full), **given).records])
