"""Rows and what is known of them agree after a kill at any moment of making them."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agentpond.exporters.duckdb import DuckDBExporter

from .crash_support import PROCESSORS, run_ledger, run_turns
from .support import column, make_store

WORK = "import sys, pathlib, tests.exporters.crash_support as c; c.work(pathlib.Path(sys.argv[1]))"
ROOT = Path(__file__).parents[2]

DISAGREEING = """
SELECT run.processor, known.session_id, run.rows, made.n
FROM processor_runs AS run JOIN session_changes AS known ON run.session = known.number
LEFT JOIN (
    SELECT 'ledger' AS processor, session_id, count(*) AS n FROM api_calls GROUP BY ALL
    UNION ALL SELECT 'turns', session_id, count(*) FROM turns GROUP BY ALL
) AS made ON made.processor = run.processor AND made.session_id = known.session_id
WHERE coalesce(made.n, 0) <> run.rows
"""
CALLS = """
SELECT session_id, 'call-' || row_number() OVER (PARTITION BY session_id ORDER BY event_id)
FROM events ORDER BY ALL
"""
STALE = """
FROM (SELECT session_id, count(*) AS n, sum(cost_usd) AS cost FROM api_calls GROUP BY ALL) AS old
FULL JOIN turns USING (session_id)
WHERE turns.api_calls IS DISTINCT FROM old.n OR turns.cost_usd IS DISTINCT FROM old.cost
"""


def kill_at(path: Path, steps: int, delay_s: float) -> None:
    """Have a child work on a store, and kill it a moment after a step of its began."""
    command = [sys.executable, "-c", WORK, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(steps)]
        # Not waited for anything: it is the moment within the step that is left to chance.
        with suppress(subprocess.TimeoutExpired):
            child.wait(delay_s)
        child.kill()
    assert told[-1], "the child failed before it was killed"


@contextmanager
def opened(path: Path) -> Iterator[DuckDBExporter]:
    store = make_store(path)
    store.start()
    store.prepare(PROCESSORS)
    yield store
    store.stop()


def rows(store: DuckDBExporter, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in store.query(sql).to_pylist()]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Kill a child at work on one file again and again; look at the file after each time."""
    path = tmp_path_factory.mktemp("killed") / "agentpond.duckdb"
    chance = random.Random(20261120)  # noqa: S311 - not a secret
    found = []
    for _ in range(6):
        kill_at(path, chance.randint(6, 60), chance.random() * 0.02)
        with opened(path) as store:
            found.append(look(store))
    return found


def look(store: DuckDBExporter) -> dict[str, Any]:
    """Tell what a file holds, then what it holds when all that is due has run, and all again."""
    disagreeing = rows(store, DISAGREEING)
    run_ledger(store)
    run_turns(store)
    made = "SELECT session_id, api_call_id FROM api_calls ORDER BY ALL"
    told = {
        "disagreeing": disagreeing,
        "calls": rows(store, made),
        "expected": rows(store, CALLS),
        "stale": rows(store, STALE),
        "states": column(store, "SELECT DISTINCT status FROM processor_state"),
    }
    run_ledger(store, everything=True)
    run_turns(store)
    return told | {"costs": column(store, "SELECT DISTINCT cost_usd FROM api_calls")}


def test_after_a_kill_what_is_known_of_rows_is_what_is_there(killed: list[dict[str, Any]]) -> None:
    told = [each["disagreeing"] for each in killed]

    assert told == [[]] * 6


def test_after_a_kill_what_is_due_brings_all_rows(killed: list[dict[str, Any]]) -> None:
    told = [each["calls"] for each in killed]

    assert told == [each["expected"] for each in killed]


def test_after_a_kill_readers_miss_no_change(killed: list[dict[str, Any]]) -> None:
    told = [(each["stale"], each["states"]) for each in killed]

    assert told == [([], ["processed"])] * 6


def test_after_a_kill_rows_can_be_made_again(killed: list[dict[str, Any]]) -> None:
    told = [each["costs"] for each in killed]

    assert told == [[1.0]] * 6
