"""Measure the parts behind the decoder one by one: log, processors, DuckDB."""

import logging
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from agentpond.config.build import default_plan
from agentpond.config.check import Part
from agentpond.exporters.duckdb.store import factory as duckdb
from agentpond.pipeline.core.batch import Batch, Delivery
from agentpond.pipeline.core.component import Exporter, Kind, Processor, Settings
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.schema import EVENTS, MAP, RESOURCES
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.pipeline.engine.contract import Log
from agentpond.pipeline.engine.frame import Entry
from agentpond.pipeline.engine.log import FileLog
from agentpond.pipeline.engine.memory_log import MemoryLog

from .decoding import events_of
from .measure import Case, report, take_turns
from .payloads import Load
from .scratch import scratch

_LOG_BYTES = 4 << 30
_SEGMENT_BYTES = 64 << 20
_DELIVERY_REQUESTS = 16
_DELIVERY_ROWS = _DELIVERY_REQUESTS * 1000
_DELIVERIES = 8


def bench_append() -> None:
    """Append groups to the log, against one plain write with fsync of the same bytes."""
    for records, group in ((1, 1), (1, 100), (1000, 1), (1000, 16)):
        with scratch() as directory:
            _bench_append(directory, records, group)


def _bench_append(directory: Path, records: int, group: int) -> None:
    bodies = Load(records).bodies(group)
    entries = [Entry(_request(body), records) for body in bodies]
    logs: dict[str, Log] = {
        "file, fsync: group": FileLog(directory / "a", _LOG_BYTES, _SEGMENT_BYTES, "group"),
        "file, fsync: none": FileLog(directory / "b", _LOG_BYTES, _SEGMENT_BYTES, "none"),
        "memory": MemoryLog(_LOG_BYTES),
    }
    size = (group * records, sum(map(len, bodies)))
    plain = os.open(directory / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    cases = [Case("plain write and fsync", *size, lambda _: _write(plain, bodies))]
    for name, log in logs.items():
        log.open()
        cases.append(Case(name, *size, _appending(log, entries)))
    timed = take_turns(cases, 15, clock="wall")
    report(f"log append, {group} requests of {records:,} a group", timed, clock="wall")
    os.close(plain)
    for log in logs.values():
        log.close()


def _appending(log: Log, entries: Sequence[Entry]) -> Callable[[int], object]:
    return lambda _: log.append(entries)


def _write(file: int, bodies: Sequence[bytes]) -> None:
    os.write(file, b"".join(bodies))
    os.fsync(file)


def _request(body: bytes) -> Request:
    return Request(Signal.LOGS, Encoding.PROTOBUF, body, time.time_ns(), "otlp")


def bench_processors() -> None:
    """Run the default pipeline's processors, against decode and normalise of the same rows."""
    bodies = Load(1000).bodies(_DELIVERY_REQUESTS)
    events = Batch(EVENTS, events_of(bodies).events)
    size = (len(events), sum(map(len, bodies)))
    cases = [Case("decode + normalise", *size, lambda _: events_of(bodies))]
    for name, part in default_plan().parts[Kind.PROCESSOR].items():
        processor = make(part)
        if processor.scope == "batch":
            cases.append(Case(name, *size, _processing(processor, events)))
    report(f"processors, {len(events):,} rows a batch", take_turns(cases, 5))


def make(part: Part) -> Any:
    """Build a component as the default configuration has it."""
    return part.factory.build(part.config, settings(Path()))


def _processing(processor: Processor, events: Batch) -> Callable[[int], object]:
    return lambda _: list(processor.process(events))


def bench_store() -> None:
    """Insert into DuckDB, against the same rows with ``attributes`` NULL."""
    load = Load(1000)
    runs = [load.bodies(_DELIVERY_REQUESTS, n * _DELIVERY_REQUESTS) for n in range(_DELIVERIES)]
    batches = [_batches(bodies) for bodies in runs]
    bare = [_without_attributes(each) for each in batches]
    size = (_DELIVERY_ROWS, sum(map(len, runs[0])))
    with scratch() as directory:
        stores = [_store(directory / name) for name in ("bare.duckdb", "whole.duckdb")]
        cases = [
            Case("attributes NULL", *size, lambda n: stores[0].export(_delivery(n, bare[n]))),
            Case("whole rows", *size, lambda n: stores[1].export(_delivery(n, batches[n]))),
        ]
        # The mean, as every other delivery pays for the checkpoint of several.
        timed = take_turns(cases, _DELIVERIES - 1, average=statistics.mean)
        report(f"DuckDB insert, {_DELIVERY_ROWS:,} rows a delivery", timed)
        for store in stores:
            store.stop()


def _batches(bodies: Sequence[bytes]) -> tuple[Batch, ...]:
    normalized = events_of(bodies)
    return Batch(EVENTS, normalized.events), Batch(RESOURCES, normalized.resources)


def _without_attributes(batches: tuple[Batch, ...]) -> tuple[Batch, ...]:
    events, resources = batches
    return events.with_column("attributes", pa.nulls(len(events), MAP)), resources


def _delivery(number: int, batches: tuple[Batch, ...]) -> Delivery:
    return Delivery("agents", "bench", number, number + 1, batches)


def _store(path: Path) -> Exporter:
    store: Exporter = duckdb.build(duckdb.config(path=path), settings(path.parent))
    store.start()
    return store


def settings(directory: Path) -> Settings:
    """Give what the program would give a component."""
    logger = logging.getLogger("agentpond.benches")
    return Settings("bench", logger, time.time_ns, directory, Counters())
