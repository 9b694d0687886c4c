"""Make events of model calls in a few words, and the rows of the ledger they become."""

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.processors.ledger import Config, factory
from agentpond.pipeline.testing import events, settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

Row = dict[str, Any]

MORNING = datetime(2026, 11, 20, 10, 0)  # noqa: DTZ001 - the tables hold UTC without a zone

USAGE: Row = {
    "model": "claude-sonnet-4-5",
    "provider": "anthropic",
    "input_tokens": 3,
    "cache_read_tokens": 200,
    "cache_write_tokens": 0,
    "output_tokens": 58,
}
NO_USAGE: Row = {name: None for name in USAGE if name.endswith("_tokens")}
_WHOSE: Row = {"agent": "claude_code", "session_id": "one"}


def at(ms: float) -> datetime:
    """Give a moment, in milliseconds after ten o'clock."""
    return MORNING + timedelta(milliseconds=ms)


def log(ms: float = 0, **columns: Any) -> Row:
    """Make the log record of a call that was over at a moment."""
    told = {"event_type": "api_request", "signal": "logs", "time": at(ms), "duration_ms": 310.0}
    return {**_WHOSE, **told, **USAGE, **columns}


def span(ms: float = -400, until: float = 0, **columns: Any) -> Row:
    """Make the span of a call that took from one moment to another."""
    told = {"event_type": "llm_request", "signal": "traces", "time": at(ms), "end_time": at(until)}
    return {**_WHOSE, **told, **USAGE, "success": True, **columns}


def prompt(ms: float, turn_id: str) -> Row:
    """Make the log record of a prompt."""
    told = {"event_type": "user_prompt", "signal": "logs", "time": at(ms), "turn_id": turn_id}
    return {**_WHOSE, **told}


def point(value: float, ms: float = 0, *, since: float = -1000, **columns: Any) -> Row:
    """Make a delta point of output tokens."""
    told = {
        "event_type": "metric",
        "event_name": "claude_code.token.usage",
        "signal": "metrics",
        "time": at(ms),
        "start_time": at(since),
        "temporality": "delta",
        "value": value,
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "query_source": "main",
        "attributes": {"type": "output"},
    }
    return {**_WHOSE, **told, **columns}


def batch_of(*rows: Row) -> Batch:
    """Make events of rows, each with an id of its own."""
    names = sorted({name for row in rows for name in row})
    given = {name: [row.get(name) for row in rows] for name in names}
    return events(len(rows), **given) if rows else Batch(EVENTS, events(1).records[:0])


def ledger_of(*rows: Row) -> pa.Table:
    """Give the table that events become."""
    return run_sessions([factory.build(Config(), settings())], batch_of(*rows))["api_calls"]


def calls_of(*rows: Row) -> list[Row]:
    """Give the rows that events become."""
    table = ledger_of(*rows)
    return rows_of(table, *table.schema.names)
