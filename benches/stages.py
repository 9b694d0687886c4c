"""Split the CPU time of the whole walk by stage: who takes how much of a record's way.

The service runs in this process with a stop-watch around each part; what no stop-watch saw
(sockets, gRPC, the event loop, handing over) is told as the rest.
"""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from agentpond.config.build import build
from agentpond.pipeline.core.batch import Batch, Delivery, Dropped
from agentpond.pipeline.core.component import Codec, Decoded, Exporter, Placed, Processor, Taken
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Request
from agentpond.pipeline.engine.contract import Log
from agentpond.pipeline.engine.process import Pipeline
from agentpond.pipeline.engine.service import Service

from .load import Order, Ready
from .server import free_port

T = TypeVar("T")
"""What a stage gives."""


class Watch:
    """Sum the CPU time of calls by stage, whatever thread they run in."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self.cpu_s: dict[str, float] = {}
        self.calls: Counter[str] = Counter()

    def time(self, stage: str, call: Callable[[], T]) -> T:
        """Call, and add what it took of this thread's CPU."""
        begun_s = time.thread_time()
        try:
            return call()
        finally:
            took_s = time.thread_time() - begun_s
            with self._lock:
                self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + took_s
                self.calls[stage] += 1


@dataclass(frozen=True, slots=True)
class TimedCodec:
    """A codec under the stop-watch."""

    codec: Codec
    watch: Watch

    def decode(self, requests: Sequence[Request]) -> tuple[Sequence[Taken | Permanent], Decoded]:
        """Decode."""
        return self.watch.time("decode", lambda: self.codec.decode(requests))

    def normalize(self, placed: Sequence[Placed]) -> list[Batch]:
        """Normalise."""
        return self.watch.time("normalise", lambda: self.codec.normalize(placed))


@dataclass(frozen=True, slots=True)
class TimedProcessor:
    """A processor under the stop-watch."""

    name: str
    processor: Processor
    watch: Watch

    @property
    def scope(self) -> Any:
        """The processor's own."""
        return self.processor.scope

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Process; a lazy processor does its work under the watch too."""
        return self.watch.time(self.name, lambda: list(self.processor.process(batch)))


class TimedExporter:
    """An exporter under the stop-watch; all else is the exporter's own."""

    def __init__(self, name: str, exporter: Any, watch: Watch) -> None:
        """Wrap."""
        self._name = name
        self._exporter = exporter
        self._watch = watch

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Deliver."""
        return self._watch.time(self._name, lambda: self._exporter.export(delivery))

    def position(self, pipeline: str, log_id: str) -> int | None:
        """Give the exporter's own position."""
        told: int | None = self._exporter.position(pipeline, log_id)
        return told

    def start(self) -> None:
        """Open."""
        self._exporter.start()

    def stop(self) -> None:
        """Close."""
        self._exporter.stop()


class TimedLog:
    """A log under the stop-watch; all else is the log's own."""

    def __init__(self, log: Log, watch: Watch) -> None:
        """Wrap."""
        self._log = log
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        """Give what is not timed."""
        return getattr(self._log, name)

    def append(self, entries: Sequence[Any]) -> list[int]:
        """Append."""
        return self._watch.time("log append", lambda: self._log.append(entries))

    def read(self, start: int, limit_bytes: int, until: int | None = None) -> Any:
        """Read; only what did not fit the backlog is read."""
        return self._watch.time("log read", lambda: self._log.read(start, limit_bytes, until))


@dataclass(frozen=True, slots=True)
class Split:
    """Microseconds of CPU a record by stage, and how often the stage was called."""

    records: int
    total_us: float
    stages_us: dict[str, float]
    calls: dict[str, int]


def split(directory: Path, protocol: str, records: int, requests: int) -> Split:
    """Run the default pipeline in this process and split its CPU time."""
    return asyncio.run(_split(directory, protocol, records, requests))


async def _split(directory: Path, protocol: str, records: int, requests: int) -> Split:
    port, watch = free_port(), Watch()
    service = _timed(build(_config(directory, protocol, port)), watch)
    async with service:
        warm = Order(protocol, port, records, max(1, requests // 10), seed=1)
        await _send(service, warm)
        watch.cpu_s.clear()
        watch.calls.clear()
        ready = await asyncio.to_thread(Ready, Order(protocol, port, records, requests))
        begun_s = time.process_time()
        ready.begin()
        await asyncio.to_thread(ready.result)
        await service.drain()
        total_s = time.process_time() - begun_s
    sent = records * requests
    stages_us = {stage: cpu_s / sent * 1e6 for stage, cpu_s in watch.cpu_s.items()}
    return Split(sent, total_s / sent * 1e6, stages_us, dict(watch.calls))


async def _send(service: Service, order: Order) -> None:
    ready = await asyncio.to_thread(Ready, order)
    ready.begin()
    await asyncio.to_thread(ready.result)
    await service.drain()


def _timed(service: Service, watch: Watch) -> Service:
    exporters: dict[str, Exporter] = {
        name: TimedExporter(name, exporter, watch) for name, exporter in service.exporters.items()
    }
    pipelines = [_timed_pipeline(pipeline, exporters, watch) for pipeline in service.pipelines]
    return Service(
        receivers=service.receivers,
        pipelines=pipelines,
        exporters=exporters,
        log=TimedLog(service.log, watch),
        codec=TimedCodec(service.codec, watch),
        counters=service.counters,
        clock=service.clock,
        state_directory=service.state_directory,
        telemetry=None,
        drain_deadline_s=service.drain_deadline_s,
    )


def _timed_pipeline(pipeline: Pipeline, exporters: dict[str, Exporter], watch: Watch) -> Pipeline:
    return replace(
        pipeline,
        processors=tuple(
            (name, TimedProcessor(name, processor, watch))
            for name, processor in pipeline.processors
        ),
        exporters=tuple((name, exporters[name]) for name, _ in pipeline.exporters),
    )


def _config(directory: Path, protocol: str, port: int) -> dict[str, Any]:
    door = protocol.split("-", 1)[0]
    return {
        "receivers": {"otlp": {"protocols": {door: {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {"redact": {}, "noise": {}, "cost": {}},
        "exporters": {"duckdb": {"path": os.fspath(directory / "stages.duckdb")}},
        "service": {
            "state_directory": os.fspath(directory / "state"),
            "pipelines": {
                "agents": {
                    "receivers": ["otlp"],
                    "processors": ["redact", "noise", "cost"],
                    "exporters": ["duckdb"],
                }
            },
        },
    }
