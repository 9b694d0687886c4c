"""Give the tests of the session engine a store in memory and processors that count events."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.schema import EVENTS, TEXT, TIME, WHOLE
from agentpond.pipeline.core.sessions import DUE, Again, Cadence, Need, Sessions
from agentpond.pipeline.engine.retry import Backoff
from agentpond.pipeline.engine.sessions.engine import SessionEngine
from agentpond.pipeline.engine.sessions.runs import Runs, Tools
from agentpond.pipeline.engine.sessions.turn import Turn
from agentpond.pipeline.engine.sessions.worker import Worker
from agentpond.pipeline.testing import FakeClock, events
from agentpond.pipeline.testing.session_store import MemorySessionStore

WAIT_S = 20.0
NOW_US = 1_795_169_680_000_000
AT_ONCE = Cadence(every_s=0.0, settle_s=0.0)
BACKOFF = Backoff(start_s=0.001, max_s=0.002)


def counts(name: str) -> Table:
    return Table(name, pa.schema([("session_id", TEXT), ("events", WHOLE)]), ("session_id",))


def nothing(_sessions: Sessions) -> None:
    """Let it be."""


@dataclass(slots=True)
class Counting:
    """Makes a table of how many events each session has; ``before`` may raise or wait."""

    makes: Table = field(default_factory=lambda: counts("counts"))
    reads: tuple[Table, ...] = ()
    before: Callable[[Sessions], None] = nothing
    beside: tuple[Batch | Again, ...] = ()
    version: str = "1"
    cadence: Cadence = AT_ONCE
    calls: list[list[str]] = field(default_factory=list)
    scope: Literal["session"] = "session"

    @property
    def needs(self) -> tuple[Need, ...]:
        read = tuple(Need(table, ("session_id", "events")) for table in self.reads)
        return (Need(EVENTS, ("session_id",)), *read)

    @property
    def tables(self) -> tuple[Table, ...]:
        return (self.makes,)

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        self.calls.append(sessions.ids.to_pylist())
        self.before(sessions)
        counted = sessions.events.column("session_id").value_counts()
        made = [counted.field("values"), counted.field("counts")]
        records = pa.RecordBatch.from_arrays(made, schema=self.makes.schema)
        return [Batch(self.makes, records), *self.beside]


@dataclass(slots=True)
class Gate:
    """Holds a processor up until it is opened."""

    entered: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _sessions: Sessions) -> None:
        self.entered.set()
        assert self.opened.wait(WAIT_S)


def due(*rows: dict[str, Any]) -> pa.Table:
    """Make rows of DUE; the time is in seconds before now."""
    usual = {"change": 1, "position": 0, "events": 1, "attempts": 0, "fresh": True, "ready": True}
    ago = [row.pop("quiet_s", 0.0) for row in rows]
    full = [
        {**usual, "changed_at": NOW_US - round(1e6 * quiet_s), **row}
        for quiet_s, row in zip(ago, rows, strict=True)
    ]
    return pa.Table.from_pylist(full, schema=DUE)


def times(*at_us: int) -> pa.TimestampArray:
    return pa.array(at_us, pa.int64()).cast(TIME)


@dataclass(slots=True, repr=False)
class Shop:
    """A store, a clock, and what works on the store."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: MemorySessionStore = field(default_factory=MemorySessionStore)
    counters: Counters = field(default_factory=Counters)
    stopped: threading.Event = field(default_factory=threading.Event)
    engines: list[SessionEngine] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    counting: type[Counting] = Counting
    counts: Callable[[str], Table] = counts
    due: Callable[..., pa.Table] = due
    times: Callable[..., pa.TimestampArray] = times
    now_us: int = NOW_US

    @property
    def tools(self) -> Tools:
        return Tools(self.store, self.clock, self.counters, BACKOFF, self.stopped)

    def gate(self) -> Gate:
        self.gates.append(Gate())
        return self.gates[-1]

    def add(self, *session_ids: str) -> None:
        """Have an event of each session arrive now."""
        received_at = datetime.fromtimestamp(self.clock() / 1e9, UTC)
        rows = events(
            len(session_ids),
            session_id=list(session_ids),
            received_at=received_at.replace(tzinfo=None),
        )
        self.store.add(rows)

    def runs(self, processor: Any, name: str = "counting") -> Runs:
        self.store.prepare({name: processor})
        return Runs(name, processor, (), self.tools)

    def worker(self, processor: Any, name: str = "counting") -> Worker:
        runs = self.runs(processor, name)
        turn = Turn(name, self.tools.now_us, lambda: None)
        return Worker(runs, turn, self.tools, lambda _name: None)

    def engine(self, **processors: Any) -> SessionEngine:
        engine = SessionEngine(
            self.store, processors, clock=self.clock, counters=self.counters, backoff=BACKOFF
        )
        self.engines.append(engine)
        engine.open()
        return engine

    def counted(self, name: str = "counts") -> dict[str, int]:
        rows = self.store.rows(counts(name)).to_pylist()
        return {row["session_id"]: row["events"] for row in rows}


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    for gate in made.gates:
        gate.opened.set()
    made.stopped.set()
    for engine in made.engines:
        engine.stop(WAIT_S)


@pytest.fixture(scope="session")
def make_shop() -> type[Shop]:
    """Give what makes a shop of its own for each example; its engines are to be stopped."""
    return Shop
