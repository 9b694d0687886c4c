"""Turn a few words in a test into batches, deliveries and settings."""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pyarrow as pa

from ..core.batch import Batch, Delivery, Table
from ..core.component import Settings
from ..core.counters import Counters
from ..core.schema import EVENTS, TEXT
from .fakes import FakeClock

_MORNING = datetime(2026, 11, 20, 10, 0)  # noqa: DTZ001 - the tables hold UTC without a zone


def batch(table: Table, rows: int, **columns: Any) -> Batch:
    """Make rows of a table: a list gives each row its value, anything else is for all rows.

    A map may be given as a dict. Columns that are not named are NULL.
    """
    unknown = columns.keys() - set(table.schema.names)
    if unknown:
        msg = f"table {table.name!r} has no columns {sorted(unknown)}."
        raise ValueError(msg)
    arrays = [_column(field, rows, columns.get(field.name)) for field in table.schema]
    return Batch(table, pa.RecordBatch.from_arrays(arrays, schema=table.schema))


def events(rows: int = 1, /, **columns: Any) -> Batch:
    """Make rows of ``events`` with what every row has: an id of its own, times, a position."""
    given = {
        "event_id": [number.to_bytes(16, "big") for number in range(1, rows + 1)],
        "source": "otlp",
        "time": _MORNING,
        "received_at": _MORNING,
        "position": 0,
    }
    return batch(EVENTS, rows, **{**given, **columns})


def delivery(
    *batches: Batch, pipeline: str = "agents", log_id: str = "log", start: int = 0, end: int = 1
) -> Delivery:
    """Make a delivery of batches that stood in ``[start, end)`` of the log."""
    return Delivery(pipeline, log_id, start, end, batches)


def settings(
    component_id: str = "component",
    *,
    directory: Path | None = None,
    clock: Callable[[], int] | None = None,
    counters: Counters | None = None,
) -> Settings:
    """Make what the program would give a component; the clock stands still."""
    return Settings(
        id=component_id,
        logger=logging.getLogger(f"agentpond.testing.{component_id}"),
        clock=clock or FakeClock(),
        state_directory=directory or Path(gettempdir()) / "agentpond-testing",
        counters=counters or Counters(),
    )


def sample_events() -> Batch:
    """Make events of every kind that a processor should bear: both agents, all signals, NULLs."""
    rows = [
        {"event_type": "user_prompt", "content": "Fix the test.", "content_length": 13},
        {"event_type": "api_request", **_CALL, "reported_cost_usd": 0.0679665},
        {"event_type": "llm_request", "signal": "traces", **_CALL},
        {"event_type": "api_request", "agent": "codex", **_CALL, "model": "no-such-model"},
        {"event_type": "stream_chunk", "agent": "codex", "event_name": "codex.sse_event"},
        {"event_type": "span", "agent": "codex", "signal": "traces", "event_name": "append_items"},
        {"event_type": "tool_result", "tool_name": "Bash", "tool_input": '{"command": "ls"}'},
        {"event_type": "tool_result", "success": False, "error_message": "key sk-ant-" + "a" * 20},
        {"event_type": "metric", "signal": "metrics", "value": 3.0, "bounds": [1.0, 2.0]},
        {"event_type": "other", "attributes": {"odd key": "", "x": "ü" * 500, "password": "hush"}},
        {"event_type": None, "agent": None, "signal": None, "time": None},
    ]
    full = [{**_USUAL, **row} for row in rows]
    names = sorted({name for row in full for name in row})
    return events(len(full), **{name: [row.get(name) for row in full] for name in names})


def sample_sessions() -> Batch:
    """Make the events of ``sample_events`` in three sessions, and in none."""
    sessions = ["first", "second", "third", None]
    given = sample_events().records
    parts = [
        given.set_column(at, EVENTS.schema.field(at), pa.array([name] * given.num_rows, TEXT))
        for name in sessions
        for at in [given.schema.get_field_index("session_id")]
    ]
    whole = pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
    ids = [number.to_bytes(16, "big") for number in range(1, whole.num_rows + 1)]
    return Batch(EVENTS, whole).with_column("event_id", pa.array(ids, pa.binary(16)))


_USUAL: dict[str, Any] = {
    "agent": "claude_code",
    "signal": "logs",
    "session_id": "session",
    "time": _MORNING,
}
_CALL: dict[str, Any] = {
    "provider": None,
    "model": "claude-sonnet-4-5-20250929",
    "input_tokens": 3,
    "cache_read_tokens": 0,
    "cache_write_tokens": 17890,
    "output_tokens": 58,
}


def _column(field: pa.Field, rows: int, told: Any) -> pa.Array:
    if told is None:
        return pa.nulls(rows, field.type)
    values = told if isinstance(told, list) and not _one_list(field, told) else [told] * rows
    if len(values) != rows:
        msg = f"column {field.name!r} was given {len(values)} values for {rows} rows."
        raise ValueError(msg)
    plain = [list(value.items()) if isinstance(value, dict) else value for value in values]
    return pa.array(plain, field.type)


def _one_list(field: pa.Field, told: list[Any]) -> bool:
    """Tell whether a list is the value of one row of a list column."""
    return pa.types.is_list(field.type) and not any(isinstance(v, list | None) for v in told)
