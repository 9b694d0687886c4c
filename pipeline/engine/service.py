"""Put receivers, log, pipelines and exporters together, and carry requests from end to end.

Started in the order log, exporters, pipelines and session-scope processors, intake, telemetry,
receivers; stopped in the other. No signal handlers, no state outside the instance: several
services live in one process.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..core.component import Codec, Exporter, Readable, Receiver
from ..core.counters import ACCEPTED, LOG_BYTES, REFUSED_RECORDS, REFUSED_REQUESTS, Counters
from ..core.errors import Permanent, Retryable
from ..core.later import spread
from ..core.signal import Accepted, Request
from .backlog import Backlog
from .contract import Log
from .cursors import Cursors
from .dead_letters import DeadLetters
from .intake import WAITING_BYTES, Intake
from .memory_limiter import MemoryLimiter
from .mounting import mountable
from .process import Pipeline
from .retry import Backoff
from .runner import GATHER_S, Runner, Tools
from .running_out import leave, run_out
from .sessions.asked import Asked, Progress
from .sessions.engine import SessionEngine
from .sessions.engines import Engines
from .sidecar import remove_sidecar, write_sidecar
from .telemetry import TelemetrySite, View
from .watch import Watch

logger = logging.getLogger("agentpond.service")

EMBEDDED = "embedded"
"""The transport under which requests given to ``Service.accept`` are counted."""

_BACKLOG_BYTES = 128 << 20

# The rest is for what runs at any time (100 MiB), DuckDB, and requests that are being read.
_SHARE_OF_MEMORY = 8

_JOIN_S = 5.0


@dataclass(slots=True, eq=False)
class Service:
    """A receiver for the telemetry of coding agents, built and ready to run.

    ``async with service:`` starts and stops it in the running event loop.
    """

    receivers: Mapping[str, Receiver]
    pipelines: Sequence[Pipeline]
    exporters: Mapping[str, Exporter]
    log: Log
    codec: Codec
    counters: Counters
    clock: Callable[[], int]
    state_directory: Path
    telemetry: TelemetrySite | None
    drain_deadline_s: float
    backoff: Backoff = field(default_factory=Backoff)
    gather_s: float = GATHER_S
    memory: MemoryLimiter | None = None
    engines: Mapping[str, SessionEngine] = field(default_factory=dict)
    """What runs session-scope processors, by the ids of the exporters they work on."""
    _sessions: Engines = field(init=False, repr=False)
    _backlog: Backlog = field(init=False, repr=False)
    _intake: Intake = field(init=False, repr=False)
    _runners: list[Runner] = field(init=False, repr=False, default_factory=list)
    _watch: Watch | None = field(init=False, repr=False, default=None)
    _open: AsyncExitStack | None = field(init=False, repr=False, default=None)
    _state: str = field(init=False, repr=False, default="not started")
    _hurried: bool = field(init=False, repr=False, default=False)
    _accepting: set[asyncio.Task[Accepted]] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        """Make the parts that no one else needs to know of."""
        most = (
            math.inf if self.memory is None else self.memory.limits.hard_bytes // _SHARE_OF_MEMORY
        )
        self._sessions = Engines(self.engines)
        self._backlog = Backlog(int(min(_BACKLOG_BYTES, most)))
        waiting_bytes = int(min(WAITING_BYTES, most))
        self._intake = Intake(self.log, self.codec, self._backlog, waiting_bytes=waiting_bytes)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def ready(self) -> bool:
        """Whether it takes requests and every pipeline goes on."""
        return not self.troubles()

    @property
    def accepted_records(self) -> int:
        """Records that were made durable since the start, through whatever door."""
        return self._intake.accepted_records

    def troubles(self) -> list[str]:
        """Say in sentences what keeps the service from being ready."""
        if self._state != "running":
            return [f"the service is {self._state}."]
        stuck = [runner.trouble for runner in self._runners if runner.trouble]
        ended = [
            f"pipeline {runner.pipeline.id}: its thread ended."
            for runner in self._runners
            if not runner.running
        ]
        refusals = [self._intake.trouble, "" if self.memory is None else self.memory.trouble]
        return [trouble for trouble in refusals if trouble] + stuck + ended

    async def start(self) -> None:
        """Open all parts; if one fails, close those that were open.

        Raises:
            Retryable: a part cannot start at the moment.
            Permanent: a part cannot start, or the service was started before.

        """
        if self._state != "not started":
            raise Permanent(
                f"the service is {self._state} and starts only once. Build a new one.",
                reason="started_twice",
            )
        self._state = "starting"
        async with AsyncExitStack() as opened:
            opened.callback(partial(setattr, self, "_state", "stopped"))
            await self._start_parts(opened)
            self._open = opened.pop_all()
        self._state = "running"

    async def stop(self) -> None:
        """Close all parts in order; pipelines get until the deadline to come to the log's end.

        What is left then stays in the log. Safe without start, and twice.
        """
        opened, self._open = self._open, None
        if opened is None:
            return
        self._state = "stopping"
        await opened.aclose()

    def hurry(self) -> None:
        """Have ``stop`` wait for no pipeline; what is not delivered stays in the log.

        To be called from the event loop, before or during the stop.
        """
        self._hurried = True
        if self._state == "stopping":
            self._halt_runners()

    async def accept(self, request: Request) -> Accepted:
        """Take a request from the host itself; return when it is durable.

        A host that is cancelled meanwhile may find it taken all the same; it is counted then.

        Raises:
            Retryable: it was not taken, and may be given again.
            Permanent: it will never be taken.

        """
        task = asyncio.create_task(self._accept_embedded(request))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        return await asyncio.shield(task)

    async def _accept_embedded(self, request: Request) -> Accepted:
        where = {"receiver": request.receiver, "transport": EMBEDDED}
        try:
            accepted = await self._take(request)
        except (Retryable, Permanent) as error:
            self.counters.add(REFUSED_REQUESTS, 1, reason=error.reason, **where)
            raise
        self.counters.add(ACCEPTED, accepted.records, signal=request.signal.value, **where)
        if accepted.rejected:
            signal = request.signal.value
            self.counters.add(REFUSED_RECORDS, accepted.rejected, signal=signal, **where)
        return accepted

    def http_app(self, receiver_id: str | None = None) -> Any:
        """Give a receiver's HTTP rim, to mount in the host's own aiohttp server.

        It may be mounted before the start: until then it answers "try later".
        """
        return mountable(self.receivers, receiver_id).http_app(self._take)

    def add_to_grpc(self, server: Any, receiver_id: str | None = None) -> None:
        """Add a receiver's gRPC rim to the host's own ``grpc.aio`` server."""
        mountable(self.receivers, receiver_id).add_to_grpc(server, self._take)

    async def drain(self) -> None:
        """Return when every pipeline has come to where the log ends now."""
        if self._watch is None:
            return
        end = self.log.end
        for runner in self._runners:
            runner.hurry(end)
        await self._watch.until(lambda: all(runner.cursor >= end for runner in self._runners))

    async def settle(self) -> None:
        """Drain, and return when every session-scope processor is up to date, quiet or not.

        Raises:
            Permanent: a processor hangs, or someone else's run of it does not end.
            Retryable: a store cannot at the moment, or the service is stopping.

        """
        await self.drain()
        await self._sessions.settle()

    async def process(
        self,
        processor: str | None = None,
        session_id: str | None = None,
        *,
        everything: bool = False,
        store: str | None = None,
    ) -> tuple[Progress, ...]:
        """Run session-scope processors on what is due, or on everything; say how far each came.

        Raises:
            Permanent: `already_running`, `unknown_processor` or `unknown_session`.
            Retryable: the store cannot at the moment, or the service is stopping.

        """
        return await self._sessions.process(Asked(processor, session_id, everything), store)

    def session_engine(self, store: str | None = None) -> SessionEngine:
        """Give what runs the processors of a store; without a name, of the only one."""
        return self._sessions.of(store)

    async def _start_parts(self, opened: AsyncExitStack) -> None:
        await asyncio.to_thread(self.log.open)
        opened.callback(self.log.close)
        self.counters.observe(LOG_BYTES, lambda: self.log.nbytes)
        for exporter in self.exporters.values():
            opened.push_async_callback(asyncio.to_thread, exporter.stop)
            await asyncio.to_thread(exporter.start)
        opened.push_async_callback(self._stop_sessions)
        await self._sessions.open()
        opened.push_async_callback(self._stop_runners)
        await self._start_runners()
        self._sessions.start()
        self._intake.start()
        opened.push_async_callback(self._intake.close)
        if self.memory is not None:
            await self._start_memory(self.memory, opened)
        if self.telemetry is not None:
            await self._start_telemetry(self.telemetry, opened)
        for name, receiver in self.receivers.items():
            opened.push_async_callback(receiver.stop)
            await receiver.start(self._take)
            logger.debug("receiver %s started", name)

    async def _start_runners(self) -> None:
        self._watch = Watch()
        directory = self.state_directory
        tools = Tools(
            log=self.log,
            codec=self.codec,
            backlog=self._backlog,
            counters=self.counters,
            cursors=Cursors(directory / "cursors"),
            dead_letters=DeadLetters(directory / "dead"),
            backoff=self.backoff,
            gather_s=self.gather_s,
            moved=self._moved,
            rested=partial(self._moved, idle=True),
        )
        runners = [Runner(pipeline, tools) for pipeline in self.pipelines]
        for runner in runners:
            await asyncio.to_thread(runner.prepare)
        self._runners = runners
        for runner in runners:
            runner.start()

    async def _stop_sessions(self) -> None:
        await self._sessions.stop(_JOIN_S if self._hurried else self.drain_deadline_s)

    async def _stop_runners(self) -> None:
        # What they did not come to is due at the next start.
        self._sessions.halt()
        watch = self._watch or Watch()
        await run_out(self._runners, watch, self.drain_deadline_s, lambda: self._hurried)
        self._halt_runners()
        await leave(self._runners, _JOIN_S)

    def _halt_runners(self) -> None:
        for runner in self._runners:
            runner.halt()
        if self._watch is not None:
            self._watch.moved()

    async def _start_memory(self, memory: MemoryLimiter, opened: AsyncExitStack) -> None:
        memory.observe(self.counters)
        memory.is_idle = self._is_idle
        # Before the doors open: a limit that is below what is taken already must be seen.
        await memory.check(self._backlog.let_go)
        watching = asyncio.create_task(memory.watch(self._backlog.let_go))
        opened.push_async_callback(_cancel, watching)

    def _is_idle(self) -> bool:
        """Tell whether no request waits and every pipeline is at the log's end."""
        end = self.log.end
        return self._intake.is_idle and all(runner.cursor >= end for runner in self._runners)

    async def _start_telemetry(self, site: TelemetrySite, opened: AsyncExitStack) -> None:
        stores = {
            name: exporter
            for name, exporter in self.exporters.items()
            if isinstance(exporter, Readable)
        }
        opened.push_async_callback(site.stop)
        view = View(self.counters, self.troubles, stores, self.engines, self._sessions.troubles)
        await site.start(view)
        started_at = datetime.fromtimestamp(self.clock() / 1e9, UTC).isoformat()
        for name, store in stores.items():
            opened.callback(remove_sidecar, store.path)
            write_sidecar(store.path, site.url, site.token, started_at, name)
            logger.debug("query %s at %s", store.path, site.url)

    def _moved(self, *, idle: bool = False) -> None:
        """Forget what all pipelines are past, and wake who waits for them."""
        behind = min((runner.cursor for runner in self._runners), default=0)
        self.log.forget(behind, idle=idle)
        self._sessions.wake()
        if self._watch is not None:
            self._watch.moved()

    async def _take(self, request: Request) -> Accepted:
        if self.memory is not None:
            self.memory.require()
        try:
            return await self._take_now(request)
        except Retryable as error:
            # Many are told the same at the same moment, and would come back at the same moment.
            raise spread(error) from error

    async def _take_now(self, request: Request) -> Accepted:
        kind = (request.receiver, request.signal)
        if not any(pipeline.takes(kind) for pipeline in self.pipelines):
            known = sorted({name for pipeline in self.pipelines for name in pipeline.receivers})
            raise Permanent(
                f"no pipeline takes {request.signal.value} from receiver {request.receiver!r}. "
                f"Name it under service.pipelines. Pipelines take from: {', '.join(known)}.",
                reason="no_pipeline",
            )
        return await self._intake.accept(request)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
