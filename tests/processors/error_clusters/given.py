"""Run `error_clusters` on a few events, on rows of the ledger, or on a capture."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.core.sessions import Again, SessionProcessor
from agentpond.pipeline.processors import error_clusters
from agentpond.pipeline.testing import settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions, sessions_of

from ...evidence.happened import at, chain
from ...golden.batches import batch_of
from ...golden.captures import captures

Row = dict[str, Any]


def call(seconds: float, **columns: Any) -> Row:
    """Make a row of the ledger: a call of turn `t` that was over at a moment and took no time."""
    whose = {"session_id": "s", "agent": "claude_code", "api_call_id": f"call-{seconds}"}
    told = {"turn_id": "t", "time": at(seconds), "model": "m", "success": True}
    return {**whose, **told, "cost_usd": 0.25, "cost_status": "reported", **columns}


def unpriced(seconds: float, **columns: Any) -> Row:
    return call(seconds, cost_usd=None, cost_status="unpriced", **columns)


def refused(seconds: float, message: str | None = "Overloaded", **columns: Any) -> Row:
    """Make a row of the ledger: a call that failed."""
    told = {"success": False, "error_message": message, "cost_usd": None, "cost_status": None}
    return call(seconds, **{**told, **columns})


def processor() -> SessionProcessor:
    made = error_clusters.factory.build(error_clusters.factory.config(), settings())
    assert isinstance(made, SessionProcessor)
    return made


def clusters(
    batch: Batch,
    calls: Sequence[Row] | None = None,
    *,
    ids: Sequence[str] | None = None,
    unmade: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """Give the clusters, in order of session and first error; events by their number.

    The API calls are those told, else what the events tell of them.
    """
    made = run_sessions(chain(), batch)
    if calls is not None:
        made["api_calls"] = pa.Table.from_pylist(list(calls), schema=API_CALLS.schema)
    of = processor()
    sessions = sessions_of(of.needs, batch, made, ids=ids, unmade=unmade)
    out = [each for each in of.process(sessions) if not isinstance(each, Again)]
    rows = [row for each in out for row in rows_of(pa.Table.from_batches([each.records]))]
    for row in rows:
        if "example_event_id" in row:
            row["example_event_id"] = UUID(bytes=row["example_event_id"]).int
    return rows


def cluster(batch: Batch, calls: Sequence[Row] | None = None) -> Row:
    """Give the only cluster."""
    (row,) = clusters(batch, calls)
    return row


def captured(name: str) -> list[Row]:
    """Give the clusters of a captured run, in order of their first error."""
    (capture,) = captures(name)
    made = run_sessions([*chain(), processor()], batch_of(capture))
    return sorted(rows_of(made["error_clusters"]), key=lambda row: row["first_at"])
