"""Make the deliveries and the stores that the exporters' tests use."""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from agentpond.exporters.duckdb import Config, DuckDBExporter
from agentpond.pipeline.core.batch import Batch, Delivery, Table
from agentpond.pipeline.core.component import Settings
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.schema import EVENTS, RESOURCES, SPAN_EVENTS

NOON = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - the tables hold UTC without a zone
NOON_NS = 1_795_176_000_000_000_000

Row = dict[str, Any]


def event_id(number: int) -> bytes:
    return uuid.UUID(int=number).bytes


def event(number: int, **columns: Any) -> Row:
    return {"event_id": event_id(number), "received_at": NOON, "signal": "logs", **columns}


def later(**delta: float) -> datetime:
    return NOON + timedelta(**delta)


def batch(table: Table, rows: Sequence[Row]) -> Batch:
    return Batch(table, pa.RecordBatch.from_pylist(list(rows), schema=table.schema))


def deliver(
    start: int,
    *batches: Sequence[Row],
    resources: Sequence[Row] = (),
    span_events: Sequence[Row] = (),
    pipeline: str = "agents",
) -> Delivery:
    """Make the delivery of the stretch [start, start + 1) of the log."""
    made = [batch(EVENTS, rows) for rows in batches]
    made += [batch(RESOURCES, resources)] if resources else []
    made += [batch(SPAN_EVENTS, span_events)] if span_events else []
    return Delivery(pipeline, "log-1", start, start + 1, tuple(made))


def make_settings(directory: Path, clock_ns: int = NOON_NS) -> Settings:
    logger = logging.getLogger("agentpond.tests")
    return Settings("duckdb", logger, lambda: clock_ns, directory, Counters())


def make_store(path: Path, **config: Any) -> DuckDBExporter:
    return DuckDBExporter(Config(path=path, **config), make_settings(path.parent))


def column(store: DuckDBExporter, sql: str) -> list[Any]:
    """Give the first column of a query's answer."""
    values: list[Any] = store.query(sql).column(0).to_pylist()
    return values
