"""Make processors, runs and rows with which tests play the engine against a store."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.made import API_CALLS, SESSIONS, TURNS
from agentpond.pipeline.core.schema import EVENTS, TIME
from agentpond.pipeline.core.sessions import Again, Ask, Cadence, Need, Run
from agentpond.pipeline.core.sessions import Sessions as Given

from .support import NOON_NS, batch

NOON_US = NOON_NS // 1000
Row = dict[str, Any]


@dataclass(frozen=True)
class Maker:
    """A processor of which a store asks for nothing but what it declares."""

    tables: Sequence[Table]
    reads: Sequence[Table] = ()
    more: Sequence[Need] = ()
    version: str = "1"
    cadence: Cadence = field(default_factory=lambda: Cadence(0, 0))
    scope: Literal["session"] = "session"

    @property
    def needs(self) -> Sequence[Need]:
        return [*(Need(table, ("session_id",)) for table in (EVENTS, *self.reads)), *self.more]

    def process(self, sessions: Given) -> Iterable[Batch | Again]:  # noqa: ARG002 - declares only
        return ()


LEDGER = Maker((API_CALLS,))
THREE = {
    "ledger": LEDGER,
    "turns": Maker((TURNS,), (API_CALLS,)),
    "sessions": Maker((SESSIONS,), (API_CALLS, TURNS)),
}
_UPSTREAM = {"turns": ("ledger",), "sessions": ("ledger", "turns")}


def ask(processor: str = "ledger", now_us: int = NOON_US, **more: Any) -> Ask:
    given = {"version": "1", "upstream": _UPSTREAM.get(processor, ()), **more}
    return Ask(processor, now_us=now_us, **given)


def due(store: DuckDBExporter, processor: str = "ledger", **more: Any) -> list[str]:
    """Name the sessions that are due."""
    names: list[str] = store.due(ask(processor, **more))["session_id"].to_pylist()
    return names


def run_on(store: DuckDBExporter, processor: str = "ledger", **more: Any) -> Run:
    """Begin a run on all sessions that are due."""
    asked = ask(processor, **more)
    return Run(processor, asked.version, store.due(asked), NOON_US, NOON_US + 1)


def calls(*rows: Row) -> Batch:
    """Make rows of `api_calls`."""
    return batch(API_CALLS, [{"agent": "codex", "told_by": ["logs"], **row} for row in rows])


def call(session_id: str, number: int = 1, **more: Any) -> Row:
    return {"session_id": session_id, "api_call_id": f"call-{number}", **more}


def put(store: DuckDBExporter, *rows: Row, **more: Any) -> int:
    """Run the ledger on what is due, with these rows as its result."""
    return store.replace(run_on(store, **more), [API_CALLS], [calls(*rows)])


def succeed(store: DuckDBExporter, processor: str, **more: Any) -> None:
    """Run a processor on what is due, without any rows."""
    store.replace(run_on(store, processor, **more), THREE[processor].tables, [])


def again(session_id: str, at_us: int) -> Again:
    return Again(pa.array([session_id]), pa.array([at_us], TIME))


def fail(store: DuckDBExporter, processor: str, again_at_us: int, **more: Any) -> None:
    """Have a run on what is due fail."""
    run = run_on(store, processor, **more)
    at = pa.array([again_at_us] * run.sessions.num_rows, TIME)
    store.fail(run, "no luck", at)
