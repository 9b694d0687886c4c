"""Turn a configuration, wherever it comes from, into a service that has opened nothing yet."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..pipeline.core.component import (
    Exporter,
    Factory,
    Kind,
    Processor,
    Readable,
    Receiver,
    Settings,
)
from ..pipeline.core.counters import Counters
from ..pipeline.core.errors import ConfigError, Permanent, Problem
from ..pipeline.core.sessions import SessionProcessor, SessionStore
from ..pipeline.core.signal import Signal
from ..pipeline.engine.available_memory import available_bytes
from ..pipeline.engine.contract import Log
from ..pipeline.engine.log import FileLog
from ..pipeline.engine.memory_limiter import Limits, MemoryLimiter
from ..pipeline.engine.memory_log import MemoryLog
from ..pipeline.engine.runner import Pipeline
from ..pipeline.engine.service import Service
from ..pipeline.engine.sessions.engine import SessionEngine
from ..pipeline.engine.telemetry import TelemetrySite
from ..receiver.codec import OtlpCodec
from .builtin import registry
from .check import Part, Plan, check
from .default import DEFAULT_NAME, default_text
from .document import Document
from .facts import is_session_scope
from .load import load, parse
from .model import Config, MemoryLimiterConfig, ServiceConfig, split_endpoint
from .sessions import mistakes, work_of


@dataclass(frozen=True, slots=True)
class Workshop:
    """A store, and the engine that runs session-scope processors on it."""

    store: Exporter
    engine: SessionEngine | None


Source = str | os.PathLike[str] | Mapping[str, Any] | Config


def build(
    source: Source,
    components: Iterable[Factory] = (),
    *,
    clock: Callable[[], int] = time.time_ns,
) -> Service:
    """Make a service from a file's path, a dict or a ``Config``; nothing is opened yet.

    ``components`` are the caller's own; one with the name of a built-in replaces it. ``clock``
    gives Unix time in nanoseconds. Variables (``${env:NAME}``) are for files only.

    Raises:
        ConfigError: the configuration cannot be used; it holds every problem with its place.

    """
    chosen = plan(source, components)
    for warning in chosen.warnings:
        logging.getLogger("agentpond.config").warning("%s", warning)
    return assemble(chosen, clock=clock)


def plan(source: Source, components: Iterable[Factory] = ()) -> Plan:
    """Check a configuration without building anything. Raises ConfigError."""
    return check(_document(source), registry(components))


def default_plan(components: Iterable[Factory] = ()) -> Plan:
    """Make the plan of the built-in default configuration."""
    return check(parse(default_text(), DEFAULT_NAME), registry(components))


def stores(plan: Plan) -> dict[str, Path]:
    """Name the files of the stores that a plan's pipelines fill. Raises ConfigError."""
    making = _Making(plan, Counters(), time.time_ns)
    exporters = making.exporters()
    if making.problems:
        raise ConfigError(*making.problems)
    return files_of(exporters)


def workshop(plan: Plan, store: str, path: Path) -> Workshop:
    """Build a store, with its file at a path, and the engine on it. Raises ConfigError.

    ``engine`` is None where no session-scope processor works on the store.
    """
    parts = {kind: dict(of_kind) for kind, of_kind in plan.parts.items()}
    part = parts[Kind.EXPORTER][store]
    config = part.config.model_copy(update={"path": path})
    parts[Kind.EXPORTER][store] = replace(part, config=config)
    making = _Making(replace(plan, parts=parts), Counters(), time.time_ns)
    exporters = making.exporters()
    for pipeline_id in plan.pipelines:
        making.pipeline(pipeline_id, exporters)
    engines = making.engines(exporters)
    if making.problems:
        raise ConfigError(*making.problems)
    return Workshop(exporters[store], engines.get(store))


def files_of(exporters: Mapping[str, Exporter]) -> dict[str, Path]:
    """Name the files of those exporters that can be queried."""
    return {each: e.path for each, e in exporters.items() if isinstance(e, Readable)}


def assemble(plan: Plan, *, clock: Callable[[], int] = time.time_ns) -> Service:
    """Build all parts of a plan, short of opening anything. Raises ConfigError."""
    memory = _memory(plan.service.memory_limiter)
    making = _Making(plan, Counters(), clock, memory)
    receivers: dict[str, Receiver] = making.all(Kind.RECEIVER)
    exporters = making.exporters()
    pipelines = [making.pipeline(pipeline_id, exporters) for pipeline_id in plan.pipelines]
    engines = making.engines(exporters)
    if making.problems:
        raise ConfigError(*making.problems)
    return Service(
        receivers=receivers,
        pipelines=pipelines,
        exporters=exporters,
        engines=engines,
        log=_log(plan.service),
        codec=OtlpCodec(),
        counters=making.counters,
        clock=clock,
        state_directory=plan.service.state_directory.expanduser(),
        telemetry=_telemetry(plan.service),
        drain_deadline_s=plan.service.drain_deadline.total_seconds(),
        memory=memory,
    )


def _document(source: Source) -> Document:
    if isinstance(source, Config):
        sections = {kind.value: getattr(source, kind.value) for kind in Kind}
        return Document({**sections, "service": source.service.model_dump()})
    if isinstance(source, Mapping):
        return Document(dict(source))
    return load(Path(source))


class _Making:
    """Build components of one plan, gathering what they complain of."""

    def __init__(
        self,
        plan: Plan,
        counters: Counters,
        clock: Callable[[], int],
        memory: MemoryLimiter | None = None,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._memory = memory
        self.counters = counters
        self.problems: list[Problem] = []
        self.sessions: dict[str, SessionProcessor] = {}

    def all(self, kind: Kind) -> dict[str, Any]:
        """Build every component of a kind."""
        return {each: self._one(part) for each, part in self._plan.parts[kind].items()}

    def exporters(self) -> dict[str, Exporter]:
        """Build every exporter; no two of them may keep the same file."""
        built: dict[str, Exporter] = self.all(Kind.EXPORTER)
        keepers: dict[Path, str] = {}
        for each, path in files_of(built).items():
            other = keepers.setdefault(path.resolve(), each)
            if other != each:
                at = (Kind.EXPORTER.value, each, "path")
                message = f"{path} is the file of {Kind.EXPORTER.value}.{other} too."
                hint = f"Choose another `path`, or name `{other}` in both pipelines."
                self.problems.append(self._plan.document.problem(at, message, hint))
        return built

    def pipeline(self, pipeline_id: str, exporters: Mapping[str, Exporter]) -> Pipeline:
        """Put a pipeline together; each has processors of its own, exporters are shared."""
        config = self._plan.pipelines[pipeline_id]
        parts = self._plan.parts[Kind.PROCESSOR]
        processors: list[tuple[str, Processor]] = []
        for each in config.processors:
            processor: Any = self.sessions.get(each) or self._one(parts[each])
            if is_session_scope(processor):
                self._keep(each, processor)
            else:
                processors.append((each, processor))
        return Pipeline(
            id=pipeline_id,
            receivers=frozenset(config.receivers),
            signals=_signals(pipeline_id),
            processors=tuple(processors),
            exporters=tuple((each, exporters[each]) for each in config.exporters),
        )

    def engines(self, exporters: Mapping[str, Exporter]) -> dict[str, SessionEngine]:
        """Make the engine of each store that session-scope processors work on."""
        work = work_of(self._plan, self.sessions, exporters)
        if not self.problems:
            # What could not be built is not judged a second time.
            self.problems += mistakes(self._plan, self.sessions, work)
        if self.problems:
            return {}
        return {
            each: SessionEngine(store, work[each], clock=self._clock, counters=self.counters)
            for each, store in exporters.items()
            if each in work and isinstance(store, SessionStore)
        }

    def _keep(self, processor_id: str, processor: Any) -> None:
        """Keep a session-scope processor; pipelines that name it share it."""
        if isinstance(processor, SessionProcessor):
            self.sessions[processor_id] = processor
            return
        place = (Kind.PROCESSOR.value, processor_id)
        message = "cannot run: its scope is `session`, and it is no SessionProcessor."
        hint = "docs/contract.md says what such a processor must have."
        self.problems.append(self._plan.document.problem(place, message, hint, at_key=True))

    def _one(self, part: Part) -> Any:
        kind = part.factory.kind
        settings = Settings(
            id=part.id,
            logger=logging.getLogger(f"agentpond.{kind.value}.{part.id}"),
            clock=self._clock,
            state_directory=self._plan.service.state_directory.expanduser(),
            counters=self.counters,
        )
        if self._memory is not None:
            settings = replace(settings, require_memory=self._memory.require)
        try:
            return part.factory.build(part.config, settings)
        except ConfigError as error:
            self.problems += error.problems
        except (Permanent, ValueError, OSError) as error:
            place = (kind.value, part.id)
            problem = self._plan.document.problem(place, f"cannot be built: {error}", at_key=True)
            if problem not in self.problems:
                self.problems.append(problem)
        return None


def _signals(pipeline_id: str) -> frozenset[Signal]:
    """Tell from a pipeline's id what it takes, as a Collector does."""
    word = pipeline_id.split("/", 1)[0]
    return frozenset(Signal) if word not in set(Signal) else frozenset({Signal(word)})


def _log(service: ServiceConfig) -> Log:
    if service.log.kind == "memory":
        return MemoryLog(service.log.max_bytes)
    return FileLog(
        service.log_directory, service.log.max_bytes, service.log.segment_bytes, service.log.fsync
    )


def _memory(config: MemoryLimiterConfig | None) -> MemoryLimiter | None:
    if config is None:
        return None
    limits = memory_limits(config, available_bytes())
    return MemoryLimiter(limits, config.check_interval.total_seconds())


def memory_limits(config: MemoryLimiterConfig, total_bytes: int) -> Limits:
    """Work out the limits on memory where there is so much of it in all."""
    if config.limit_mib:
        setting = f"limit_mib: {config.limit_mib}"
        hard_bytes, spike_bytes = config.limit_mib << 20, config.spike_limit_mib << 20
    else:
        setting = f"limit_percentage: {config.limit_percentage}, of {total_bytes >> 20} MiB"
        hard_bytes = total_bytes * config.limit_percentage // 100
        spike_bytes = total_bytes * config.spike_limit_percentage // 100
    return Limits(
        # The Collector's default for both: a fifth of the limit.
        soft_bytes=hard_bytes - (spike_bytes or hard_bytes // 5),
        hard_bytes=hard_bytes,
        setting=f"service.memory_limiter.{setting}",
        soft_give_back_s=config.min_gc_interval_when_soft_limited.total_seconds(),
        hard_give_back_s=config.min_gc_interval_when_hard_limited.total_seconds(),
    )


def _telemetry(service: ServiceConfig) -> TelemetrySite | None:
    if service.telemetry is None:
        return None
    host, port = split_endpoint(service.telemetry.endpoint)
    return TelemetrySite(host, port)
