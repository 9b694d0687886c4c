"""Play the engine with processors whose rows are told by the events alone, to be killed at it.

The ledger makes a call of each event, turns a row of each session's calls, and costs are made
again, over and over: what must come of it can be said of any file.
"""

import random
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.exporters.duckdb.sessions import remaking
from agentpond.pipeline.core.made import API_CALLS, TURNS

from .sessions_support import THREE, call, calls, run_on
from .support import batch, deliver, event, later, make_store

PROCESSORS = {name: THREE[name] for name in ("ledger", "turns")}
_MOST_EVENTS = 60
_CALLS = """
SELECT session_id, row_number() OVER (PARTITION BY session_id ORDER BY event_id) AS number
FROM events
"""
_TURNS = (
    "SELECT session_id, count(*) AS api_calls, sum(cost_usd) AS cost_usd FROM api_calls GROUP BY 1"
)


def run_ledger(store: DuckDBExporter, **more: Any) -> None:
    run = run_on(store, **more)
    asked = set(run.sessions["session_id"].to_pylist())
    told = [row for row in store.query(_CALLS).to_pylist() if row["session_id"] in asked]
    rows = [
        call(row["session_id"], row["number"], time=later(minutes=row["number"]), cost_usd=1.0)
        for row in told
    ]
    store.replace(run, [API_CALLS], [calls(*rows)])


def run_turns(store: DuckDBExporter) -> None:
    run = run_on(store, "turns")
    asked = set(run.sessions["session_id"].to_pylist())
    told = [row for row in store.query(_TURNS).to_pylist() if row["session_id"] in asked]
    rows = [{"agent": "codex", "turn_id": "all", **row} for row in told]
    store.replace(run, [TURNS], [batch(TURNS, rows)])


def reprice(store: DuckDBExporter, cost_usd: float) -> None:
    def change(rows: pa.RecordBatch) -> pa.RecordBatch:
        at = rows.schema.get_field_index("cost_usd")
        return rows.set_column(at, rows.schema.field(at), pa.array([cost_usd] * len(rows)))

    for _ in store.remake("ledger", API_CALLS, None, change):
        tell("part")


def tell(step: str) -> None:
    sys.stdout.write(f"{step}\n")
    sys.stdout.flush()


def work(path: Path) -> None:
    """Deliver, run and reprice without end; say what is about to be done."""
    remaking._PART_ROWS = 200
    chance = random.Random()  # noqa: S311 - not a secret
    store = make_store(path)
    store.start()
    store.prepare(PROCESSORS)
    while True:
        tell("export")
        export(store, chance)
        tell("ledger")
        run_ledger(store, everything=chance.random() < 0.5)
        tell("turns")
        run_turns(store)
        tell("reprice")
        reprice(store, float(chance.randint(2, 9)))


def export(store: DuckDBExporter, chance: random.Random) -> None:
    """Deliver some events of some of twenty sessions, until each has enough."""
    start = store.position("agents", "log-1") or 0
    if start < _MOST_EVENTS:
        chosen = chance.sample(range(20), 10)
        rows = [event(start * 20 + each, session_id=f"s{each}", position=start) for each in chosen]
        store.export(deliver(start, rows))
