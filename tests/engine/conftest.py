"""Give the engine's tests a codec, processors and exporters that say what they do."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch, Delivery, Dropped
from agentpond.pipeline.core.component import Accept, Placed, Taken
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.pipeline.engine.contract import Log
from agentpond.pipeline.engine.log import Entry, FileLog
from agentpond.pipeline.engine.memory_log import MemoryLog
from agentpond.pipeline.engine.process import Pipeline
from agentpond.pipeline.engine.retry import Backoff
from agentpond.pipeline.engine.service import Service

WAIT_S = 20.0
ALL = frozenset(Signal)


def request(body: bytes = b"1", signal: Signal = Signal.LOGS, receiver: str = "otlp") -> Request:
    return Request(signal, Encoding.PROTOBUF, body, 1_700_000_000_000_000_000, receiver)


def entry(body: bytes = b"1", signal: Signal = Signal.LOGS, receiver: str = "otlp") -> Entry:
    return Entry(request(body, signal, receiver), records=3)


def events(signals: Sequence[Signal], ids: Sequence[bytes], position: int) -> Batch:
    known: dict[str, pa.Array[Any]] = {
        "event_id": pa.array(ids, pa.binary(16)),
        "signal": pa.array([signal.value for signal in signals], pa.string()),
        "position": pa.array(np.full(len(ids), position), pa.int64()),
    }
    columns: list[pa.Array[Any]] = [
        known.get(field.name, pa.nulls(len(ids), field.type)) for field in EVENTS.schema
    ]
    return Batch(EVENTS, pa.RecordBatch.from_arrays(columns, schema=EVENTS.schema))


@dataclass(frozen=True, slots=True)
class FakeDecoded:
    requests: tuple[Request, ...]
    nbytes: int


@dataclass(slots=True)
class FakeCodec:
    """A body is the number of its records; ``bad`` does not decode, ``bug`` is a bug.

    One that ends in ``poison`` decodes, and breaks whatever it is normalised with.
    """

    decoded: list[int] = field(default_factory=list)
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    decode_error: Exception | None = None
    normalize_error: Exception | None = None
    refuse: bytes = b"bad"
    shortfall: int = 0

    def decode(
        self, requests: Sequence[Request]
    ) -> tuple[Sequence[Taken | Permanent], FakeDecoded]:
        self.decoded.append(len(requests))
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(WAIT_S)
        if self.decode_error is not None:
            raise self.decode_error
        verdicts = [self._judge(request.body) for request in requests]
        taken = tuple(r for r, v in zip(requests, verdicts, strict=True) if isinstance(v, Taken))
        return verdicts, FakeDecoded(taken, sum(len(r.body) for r in taken))

    def _judge(self, body: bytes) -> Taken | Permanent:
        if body.startswith(b"bug"):
            raise ValueError("the codec has a bug")
        if body.startswith(self.refuse):
            return Permanent("bad body", reason="invalid_protobuf")
        return Taken(int(body.split(b" ")[0]))

    def normalize(self, placed: Sequence[Placed]) -> list[Batch]:
        if self.normalize_error is not None:
            raise self.normalize_error
        return [self._batch(each) for each in placed]

    def _batch(self, placed: Placed) -> Batch:
        signals: list[Signal] = []
        ids: list[bytes] = []
        assert isinstance(placed.decoded, FakeDecoded)
        for request, position in zip(placed.decoded.requests, placed.positions, strict=True):
            if request.body.endswith(b"poison"):
                raise ZeroDivisionError
            count = int(request.body.split(b" ")[0]) - self.shortfall
            signals += [request.signal] * count
            key = f"{position}".encode() + request.body
            ids += [hashlib.blake2b(key + b"%d" % n, digest_size=16).digest() for n in range(count)]
        return events(signals, ids, placed.positions[0])


@dataclass(slots=True)
class FakeExporter:
    """Keeps deliveries; raises what it is given to raise first."""

    errors: list[Exception] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    drops: int = 0
    calls: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.calls.append("start")

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(WAIT_S)
        if self.errors:
            raise self.errors.pop(0)
        self.deliveries.append(delivery)
        return [Dropped(EVENTS, self.drops, "duplicate")] if self.drops else []

    def stop(self) -> None:
        self.calls.append("stop")

    @property
    def rows(self) -> int:
        return sum(delivery.rows(EVENTS) for delivery in self.deliveries)

    @property
    def stretches(self) -> list[tuple[int, int]]:
        return [(delivery.start, delivery.end) for delivery in self.deliveries]


@dataclass(slots=True)
class FakeStore(FakeExporter):
    """Keeps the position with the rows, and outlives the service."""

    positions: dict[tuple[str, str], int] = field(default_factory=dict)

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        dropped = FakeExporter.export(self, delivery)
        self.positions[(delivery.pipeline, delivery.log_id)] = delivery.end
        return dropped

    def position(self, pipeline: str, log_id: str) -> int | None:
        return self.positions.get((pipeline, log_id))


@dataclass(slots=True)
class FakeReceiver:
    """Writes down when it is started and stopped."""

    calls: list[str] = field(default_factory=list)
    accept: Accept | None = None
    error: Exception | None = None

    async def start(self, accept: Accept) -> None:
        self.calls.append("start")
        if self.error is not None:
            raise self.error
        self.accept = accept

    async def stop(self) -> None:
        self.calls.append("stop")

    def http_app(self, accept: Accept) -> Accept:
        return accept

    def add_to_grpc(self, server: list[Accept], accept: Accept) -> None:
        server.append(accept)


@dataclass(frozen=True, slots=True)
class FakeProcessor:
    """Does to each batch what its function does."""

    function: Callable[[Batch], Iterable[Batch | Dropped]]
    scope: str = "batch"

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        return self.function(batch)


@dataclass(slots=True, repr=False)
class Kit:
    """Everything the tests build with, over one temporary directory."""

    directory: Path
    request: Callable[..., Request] = request
    entry: Callable[..., Entry] = entry
    events: Callable[..., Batch] = events
    codec: type[FakeCodec] = FakeCodec
    exporter: type[FakeExporter] = FakeExporter
    store: type[FakeStore] = FakeStore
    receiver: type[FakeReceiver] = FakeReceiver
    processor: type[FakeProcessor] = FakeProcessor
    retryable: Callable[[], Retryable] = lambda: Retryable("later", retry_after_s=0.0)
    permanent: Callable[[], Permanent] = lambda: Permanent("never", reason="refused")
    opened: list[Log] = field(default_factory=list)

    def log(self, name: str = "log", **changed: Any) -> FileLog:
        defaults: dict[str, Any] = {
            "max_bytes": 1 << 24,
            "segment_bytes": 1 << 20,
            "fsync": "none",
        }
        log = FileLog(self.directory / name, **(defaults | changed))
        self.opened.append(log)
        return log

    def pipeline(self, *exporters: Any, **changed: Any) -> Pipeline:
        names = ("a", "b", "c")
        settings: dict[str, Any] = {
            "id": "agents",
            "receivers": frozenset({"otlp"}),
            "signals": ALL,
            "processors": (),
            "exporters": tuple(zip(names, exporters, strict=False)),
        }
        return Pipeline(**(settings | changed))

    def service(self, *pipelines: Pipeline, **changed: Any) -> Service:
        exporters = {name: part for each in pipelines for name, part in each.exporters}
        settings: dict[str, Any] = {
            "receivers": {},
            "pipelines": pipelines,
            "exporters": exporters,
            "codec": FakeCodec(),
            "counters": Counters(),
            "clock": lambda: 1_700_000_000_000_000_000,
            "state_directory": self.directory / "state",
            "telemetry": None,
            "drain_deadline_s": WAIT_S,
            "backoff": Backoff(start_s=0.001, max_s=0.002),
        }
        settings |= changed
        if "log" not in settings:
            settings["log"] = self.log()
        return Service(**settings)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    made = Kit(tmp_path)
    yield made
    for log in made.opened:
        log.close()


@pytest.fixture(params=["file", "memory"])
def any_log(request: pytest.FixtureRequest, kit: Kit) -> Log:
    log: Log = MemoryLog(1 << 24) if request.param == "memory" else kit.log()
    log.open()
    return log
