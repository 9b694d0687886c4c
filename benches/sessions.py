"""Measure the session-scope processors: a million events in 5,000 sessions, and one more event."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentpond.config.build import build, default_plan
from agentpond.exporters.duckdb.store import DuckDBExporter
from agentpond.pipeline.core.component import Kind
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.pipeline.engine.service import Service
from agentpond.pipeline.engine.sessions.asked import Asked
from agentpond.pipeline.engine.sessions.engine import SessionEngine

from .crowd import Crowd, template
from .measure import verdict
from .parts import make, settings
from .payloads import Load
from .scratch import scratch

_SHORT = ("claude_code/tools/grpc",)
_LONG = ("claude_code/tools/grpc", "claude_code/slow/grpc")
_CODEX = ("codex/tool_failures/grpc", "codex/fix_bug_tools/grpc")
_SESSIONS = (_SHORT, _LONG, _SHORT, _LONG, _CODEX)
_COPIES = 1_000
_COPIES_A_DELIVERY = 40
_EVENTS_A_SECOND = 100_000
_SHOWN_WITHIN_S = 3.0
_LIVE_EVENTS = 9
_LOOK_S = 0.05
_STOP_S = 10.0
_BEHIND = "SELECT count(*) AS n FROM processor_state WHERE status <> 'processed'"
_MADE = """
SELECT (SELECT count(*) FROM api_calls) + (SELECT count(*) FROM tool_calls)
    + (SELECT count(*) FROM turns) + (SELECT count(*) FROM sessions)
    + (SELECT count(*) FROM error_clusters) + (SELECT count(*) FROM correlations)
    + (SELECT count(*) FROM insights) + (SELECT count(*) FROM agent_performance) AS n
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What one piece of work took; ``rows`` are those it made."""

    name: str
    wall_s: float
    cpu_s: float
    rows: int


def bench_sessions() -> None:
    """Run all processors on a million events; then wait for new events of live sessions."""
    crowd = Crowd(template(*_SESSIONS), _COPIES, _COPIES_A_DELIVERY)
    with scratch() as directory:
        print(f"\n{crowd.events:,} events in {crowd.sessions:,} sessions, one after the other")
        print(f"  {'':26}{'events/s':>12}{'us/event':>10}{'CPU us/event':>14}{'rows':>12}")
        _tell(crowd, _load(crowd, directory))
        _tell_whole(crowd, _side_by_side(directory))
        again = [_tell(crowd, took) for took in _process(directory, Asked(everything=True))]
        _tell_all(crowd, "all, one by one", again)
        asyncio.run(_live(crowd, directory))


def _load(crowd: Crowd, directory: Path) -> Took:
    store = open_store(directory)
    deliveries = list(crowd.deliveries())
    clock = _Clock()
    for delivery in deliveries:
        store.export(delivery)
    took = clock.took("insert, for comparison", crowd.events)
    store.stop()
    return took


def _side_by_side(directory: Path) -> Took:
    """Let each processor run in its own thread, as a service does, until nothing is due."""
    store = open_store(directory)
    engine = engine_on(store)
    clock = _Clock()
    engine.start()
    while _rows_of(store, _BEHIND):
        time.sleep(_LOOK_S)
    took = clock.took("all, side by side", _rows_of(store, _MADE))
    engine.stop(_STOP_S)
    store.stop()
    return took


def _rows_of(store: DuckDBExporter, sql: str) -> int:
    return int(store.query(sql)["n"][0].as_py())


def _process(directory: Path, asked: Asked) -> Iterator[Took]:
    store = open_store(directory)
    engine = engine_on(store)
    for name in engine.names:
        clock = _Clock()
        rows = [told.rows for told in engine.process(Asked(name, None, asked.everything))]
        yield clock.took(name, rows[-1])
    store.stop()


def engine_on(store: DuckDBExporter) -> SessionEngine:
    """Make an engine of the default processors; open it."""
    built = {each: make(part) for each, part in default_plan().parts[Kind.PROCESSOR].items()}
    processors = {each: made for each, made in built.items() if made.scope == "session"}
    engine = SessionEngine(store, processors, clock=time.time_ns, counters=Counters())
    engine.open()
    return engine


def open_store(directory: Path) -> DuckDBExporter:
    """Open a store in a directory, with the default options."""
    config = default_plan().parts[Kind.EXPORTER]["duckdb"].config
    store = DuckDBExporter(
        config.model_copy(update={"path": directory / "bench.duckdb"}), settings(directory)
    )
    store.start()
    return store


class _Clock:
    def __init__(self) -> None:
        self._begun = (time.perf_counter(), time.process_time())

    def took(self, name: str, rows: int) -> Took:
        now = (time.perf_counter(), time.process_time())
        return Took(name, now[0] - self._begun[0], now[1] - self._begun[1], rows)


def _tell(crowd: Crowd, took: Took) -> Took:
    rate, wall_us = crowd.events / took.wall_s, took.wall_s / crowd.events * 1e6
    cpu_us = took.cpu_s / crowd.events * 1e6
    print(f"  {took.name:26}{rate:>12,.0f}{wall_us:>10.2f}{cpu_us:>14.2f}{took.rows:>12,}")
    return took


def _tell_all(crowd: Crowd, name: str, parts: list[Took]) -> None:
    wall_s, cpu_s = sum(part.wall_s for part in parts), sum(part.cpu_s for part in parts)
    _tell(crowd, Took(name, wall_s, cpu_s, sum(part.rows for part in parts)))


def _tell_whole(crowd: Crowd, took: Took) -> None:
    _tell(crowd, took)
    met = verdict(crowd.events / took.wall_s / _EVENTS_A_SECOND, 1.0)
    print(f"  {_EVENTS_A_SECOND:,} events/s{met}")


async def _live(crowd: Crowd, directory: Path) -> None:
    """Give a service new events of sessions of the crowd, one at a time, at its defaults."""
    async with build(_config(directory)) as service:
        await service.settle()
        waits = [
            await _until_shown(service, crowd.session(number % 3, crowd.copies - 1), number)
            for number in range(_LIVE_EVENTS)
        ]
    worst_s = max(waits)
    told = ", ".join(f"{wait_s:.2f}" for wait_s in sorted(waits))
    print(f"  a new event shows in `sessions` after {told} s")
    print(
        f"  the slowest of {len(waits)}: {worst_s:.2f} s{verdict(_SHOWN_WITHIN_S / worst_s, 1.0)}"
    )


async def _until_shown(service: Service, session_id: str, number: int) -> float:
    """Accept one record of a session and look until the session counts it."""
    message = ExportLogsServiceRequest.FromString(Load(1, seed=1).body(number))
    for attribute in message.resource_logs[0].scope_logs[0].log_records[0].attributes:
        if attribute.key == "session.id":
            attribute.value.string_value = session_id
    body = message.SerializeToString()
    request = Request(Signal.LOGS, Encoding.PROTOBUF, body, time.time_ns(), "otlp")
    before = _events(service, session_id)
    begun_s = time.perf_counter()
    await service.accept(request)
    while _events(service, session_id) <= before:  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(_LOOK_S)
    return time.perf_counter() - begun_s


def _events(service: Service, session_id: str) -> int:
    store: Any = service.exporters["duckdb"]
    sql = f"SELECT events FROM sessions WHERE session_id = '{session_id}'"  # noqa: S608 - our own
    return int(store.query(sql)["events"][0].as_py())


def _config(directory: Path) -> dict[str, Any]:
    names = list(default_plan().pipelines["agents"].processors)
    anywhere = {"endpoint": "127.0.0.1:0"}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": anywhere, "http": anywhere}}},
        "processors": {name: {} for name in names},
        "exporters": {"duckdb": {"path": str(directory / "bench.duckdb")}},
        "service": {
            "state_directory": str(directory / "state"),
            "log": {"directory": str(directory / "log")},
            "telemetry": {"endpoint": "127.0.0.1:0"},
            "pipelines": {
                "agents": {"receivers": ["otlp"], "processors": names, "exporters": ["duckdb"]}
            },
        },
    }
