"""Run `correlations` on a few events, or on a capture."""

from typing import Any

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.sessions import SessionProcessor
from agentpond.pipeline.processors.correlations import factory
from agentpond.pipeline.testing import settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

from ...evidence.happened import chain
from ...golden.batches import batch_of
from ...golden.captures import captures

Row = dict[str, Any]


def processors(**options: Any) -> list[SessionProcessor]:
    """Give the processors that `correlations` reads from, and itself."""
    return [*chain(), factory.build(factory.config(**options), settings())]


def correlated(batch: Batch, **options: Any) -> list[Row]:
    """Give the rows made, in order of error and file; events by their number."""
    rows = rows_of(run_sessions(processors(**options), batch)["correlations"])
    for row in rows:
        for name in ("error_event_id", "cause_event_id"):
            row[name] = int.from_bytes(row[name], "big")
    return rows


def related(batch: Batch, **options: Any) -> list[tuple[Any, ...]]:
    """Give error, cause, who did it, and the file of each row."""
    names = ("error_event_id", "cause_event_id", "cause", "file_path")
    return [tuple(row[name] for name in names) for row in correlated(batch, **options)]


def captured(name: str) -> list[Row]:
    """Give the correlations of a captured run."""
    (capture,) = captures(name)
    return rows_of(run_sessions(processors(), batch_of(capture))["correlations"])
