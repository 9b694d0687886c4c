"""Give each test a DuckDB file of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentpond.exporters.duckdb import DuckDBExporter

from .support import make_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentpond.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[DuckDBExporter]:
    opened = make_store(path)
    opened.start()
    yield opened
    opened.stop()
