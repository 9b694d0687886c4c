"""Run `tool_calls` on a few events or on a capture."""

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.sessions import Again
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors.tool_calls import Config, ToolCalls, factory
from agentpond.pipeline.testing import builders
from agentpond.pipeline.testing.sessions import rows_of, run_sessions, sessions_of

from ...golden.batches import batch_of
from ...golden.captures import captures

MORNING = datetime.fromisoformat("2026-11-20T10:00")
_EPOCH = datetime.fromisoformat("1970-01-01")

Row = dict[str, Any]


def at(seconds: float) -> datetime:
    """Give a moment of the morning."""
    return MORNING + timedelta(seconds=seconds)


def micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def processor() -> ToolCalls:
    made = factory.build(Config(), builders.settings())
    assert isinstance(made, ToolCalls)
    return made


def told(*rows: Row, agent: str = "claude_code") -> Batch:
    """Make events of the session `s`, one a second, unless the rows say otherwise."""
    usual = {"agent": agent, "signal": "logs", "session_id": "s"}
    full = [{"time": at(number), **usual, **row} for number, row in enumerate(rows)]
    names = sorted({name for row in full for name in row})
    return builders.events(len(full), **{name: [row.get(name) for row in full] for name in names})


def span(kind: str, begin: float, end: float, **columns: Any) -> Row:
    """Make a span; it lasts as long as its times say."""
    times = {"time": at(begin), "end_time": at(end), "duration_ms": (end - begin) * 1000}
    return {"event_type": kind, "signal": "traces", **times, **columns}


def made(events: Batch, as_of: float = 60) -> pa.Table:
    """Give the table as of so many seconds of the morning."""
    return run_sessions([processor()], events, as_of_us=micros(at(as_of)))["tool_calls"]


def calls(events: Batch, *columns: str, as_of: float = 60) -> list[tuple[Any, ...]]:
    """Give some columns of the calls, in the order in which they began."""
    rows = rows_of(made(events, as_of), "session_id", "started_at", "tool_call_id", *columns)
    rows.sort(key=lambda row: (row["session_id"], row["started_at"], row["tool_call_id"]))
    return [tuple(row[name] for name in columns) for row in rows]


def again(events: Batch, as_of: float) -> list[tuple[str, datetime]]:
    """Give which sessions are to be looked at again, and when."""
    of = processor()
    sessions = sessions_of(of.needs, events, as_of_us=micros(at(as_of)))
    asked = [each for each in of.process(sessions) if isinstance(each, Again)]
    return [
        pair
        for each in asked
        for pair in zip(each.session_ids.to_pylist(), each.at.to_pylist(), strict=True)
    ]


def capture(name: str, *signals: Signal) -> Batch:
    """Give the events of a capture, of some signals or of all."""
    (found,) = captures(name)
    return batch_of(found, *signals)
