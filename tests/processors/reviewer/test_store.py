"""In a store, what was reviewed once is not paid for twice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from agentpond.config.sessions import _circles
from agentpond.exporters.duckdb import Config, DuckDBExporter
from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.found import ERROR_CLUSTERS, INSIGHTS
from agentpond.pipeline.core.made import API_CALLS, SESSIONS, TOOL_CALLS, TURNS
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.sessions import Again, Cadence, Need, SessionProcessor, Sessions
from agentpond.pipeline.engine.sessions.asked import Asked
from agentpond.pipeline.engine.sessions.engine import SessionEngine
from agentpond.pipeline.testing import delivery, settings

from .given import Model, answering, made_by, micros, reviewer, told_by, usual

_TABLES = (SESSIONS, TURNS, API_CALLS, TOOL_CALLS, ERROR_CLUSTERS, INSIGHTS)


@dataclass(frozen=True)
class Facts:
    """Makes the rows of the usual session that other processors would make."""

    version: str = "1"
    cadence: Cadence = field(default_factory=lambda: Cadence(0, 0))
    scope: Literal["session"] = "session"
    needs: Sequence[Need] = (Need(EVENTS, ("session_id",)),)
    tables: Sequence[Table] = _TABLES

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        del sessions
        made = made_by(usual())
        return [Batch(table, rows) for table in _TABLES for rows in made[table.name].to_batches()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBExporter]:
    exporter = DuckDBExporter(Config(path=tmp_path / "a.duckdb"), settings())
    exporter.start()
    exporter.export(delivery(told_by(usual())))
    yield exporter
    exporter.stop()


def run(store: DuckDBExporter, model: Model, minute: float) -> None:
    """Run the processors on everything, as by hand."""
    processors: dict[str, SessionProcessor] = {"facts": Facts(), "reviewer": reviewer(model)}
    clock = lambda: micros(minute) * 1000  # noqa: E731 - it stands still
    engine = SessionEngine(store, processors, clock=clock, counters=Counters())
    engine.open()
    for _ in engine.process(Asked(everything=True)):
        pass


def stored(store: DuckDBExporter) -> list[tuple[object, ...]]:
    found = store.query(
        "SELECT kind, message, turn_id, made_by, strftime(reviewed_at, '%H:%M') FROM reviews "
        "ORDER BY kind"
    )
    return [tuple(row.values()) for row in found.to_pylist()]


def test_a_review_is_stored(store: DuckDBExporter) -> None:
    run(store, answering(), 120)

    assert stored(store) == [
        ("review", "It ran the same test 4 times.", "t2", "model", "12:00"),
        ("review_summary", "It mended the test, at a price.", None, "model", "12:00"),
    ]


def test_run_again_on_everything_it_asks_nobody_and_changes_nothing(store: DuckDBExporter) -> None:
    first, second = answering(), answering({"summary": "Another.", "findings": []})
    run(store, first, 120)
    before = stored(store)

    run(store, second, 150)

    assert (len(first.asked), second.asked) == (1, [])
    assert stored(store) == before


def test_reading_its_own_table_is_no_circle() -> None:
    processors = {"reviewer": reviewer(answering())}

    found = list(_circles(processors, {"reviewer": ("processors", "reviewer")}))

    assert found == []
