"""Whatever happens, no record is lost, and the numbers add up.

The law is stated in ``agentpond.pipeline.engine.runner``; a run is a service from its start to
its stop or its death.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch, Delivery, Dropped
from agentpond.pipeline.core.component import Positioned
from agentpond.pipeline.core.counters import DROPPED, LOG_RECORDS, RECOVERED, SENT
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.engine.runner import _Halted
from agentpond.pipeline.engine.service import Service

Trouble = str


@dataclass(slots=True)
class Disk:
    """A store that outlives services; it commits rows and position together, or it dies."""

    rows: list[bytes] = field(default_factory=list)
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    died: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin a new life."""
        self.died.clear()

    def stop(self) -> None:
        """Nothing to do."""

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble == "later":
            raise Retryable("later", retry_after_s=0.0)
        if trouble == "never":
            raise Permanent("never", reason="refused")
        if trouble == "bug":
            raise ZeroDivisionError
        if trouble == "die before" or self.died.is_set():
            self._die()
        self._commit(delivery)
        if trouble == "die after":
            self._die()
        return []

    def _commit(self, delivery: Delivery) -> None:
        for batch in delivery.batches:
            self.rows += event_ids(batch.records)
        self.positions[(delivery.pipeline, delivery.log_id)] = delivery.end

    def _die(self) -> None:
        """End the pipeline's thread on the spot, as a kill does."""
        self.died.set()
        raise _Halted


class Store(Disk):
    """Tells the engine how far it is."""

    def position(self, pipeline: str, log_id: str) -> int | None:
        return self.positions.get((pipeline, log_id))


def thin(batch: Batch) -> Sequence[Batch | Dropped]:
    """Drop the first row of each batch of several, and say so."""
    if len(batch) < 2:
        return [batch]
    return [batch.with_records(batch.records[1:]), Dropped(EVENTS, 1, "noise")]


@dataclass(slots=True)
class World:
    """What outlives a run, and what was promised."""

    kit: Any
    name: str
    store: Store = field(default_factory=Store)
    plain: Disk = field(default_factory=Disk)
    promised: dict[Signal, int] = field(default_factory=dict)
    poisoned: int = 0
    function: Callable[[Batch], Sequence[Batch | Dropped]] = thin

    def service(self) -> Service:
        directory = self.kit.directory / self.name
        thinner = self.kit.processor(self.function)
        pipelines = [
            self.kit.pipeline(
                id="all", exporters=(("a", self.store),), processors=(("thin", thinner),)
            ),
            self.kit.pipeline(
                id="logs", exporters=(("b", self.plain),), signals=frozenset({Signal.LOGS})
            ),
        ]
        made: Service = self.kit.service(
            *pipelines,
            log=self.kit.log(f"{self.name}/log", segment_bytes=200),
            state_directory=directory / "state",
            drain_deadline_s=20.0,
        )
        return made

    def letters(self, component: str) -> set[bytes]:
        directory = self.kit.directory / self.name / "state" / "dead"
        paths = directory.glob(f"*+{component}+*.events.arrow")
        tables = [pa.ipc.open_file(str(path)).read_all() for path in paths]
        return {row for table in tables for row in event_ids(table)}

    def refused_records(self, pipeline: str) -> int:
        """Count the records of the requests in a pipeline's dead letters."""
        directory = self.kit.directory / self.name / "state" / "dead"
        paths = directory.glob(f"{pipeline}+codec+*.requests.arrow")
        tables = [pa.ipc.open_file(str(path)).read_all() for path in paths]
        at = {told["position"]: told["records"] for table in tables for told in table.to_pylist()}
        return sum(at.values())


def event_ids(rows: Any) -> list[bytes]:
    ids: list[bytes] = rows.column("event_id").to_pylist()
    return ids


def check(service: Service, accepted: dict[Signal, int]) -> None:
    """Hold a run's numbers against the law."""
    for pipeline in service.pipelines:
        count = service.counters
        taken = sum(accepted.get(signal, 0) for signal in pipeline.signals)
        recovered = count.total(RECOVERED, pipeline=pipeline.id)
        delivered = count.total(SENT, pipeline=pipeline.id)
        dropped = count.total(DROPPED, pipeline=pipeline.id)
        waiting = count.total(LOG_RECORDS, pipeline=pipeline.id)
        assert taken + recovered == delivered + dropped + waiting


async def run(world: World, steps: Sequence[tuple[str, Any]], end: str) -> None:
    """Live one run: accept and meet trouble, then stop or die."""
    service = world.service()
    accepted: dict[Signal, int] = {}
    await service.start()
    for step, told in steps:
        if step == "trouble":
            exporter, trouble = told
            (world.store if exporter == "a" else world.plain).troubles.append(trouble)
        elif step == "drain" and not _dead(world):
            await _settled(world, service)
            if not _dead(world):
                check(service, accepted)
        elif step == "accept":
            signal, records, poison = told
            body = b"%d %s%s" % (records, world.name.encode(), poison)
            answer = await service.accept(world.kit.request(body, signal))
            accepted[signal] = accepted.get(signal, 0) + answer.records
            good = 0 if poison else answer.records
            world.promised[signal] = world.promised.get(signal, 0) + good
            world.poisoned += answer.records - good
    if end == "die":
        world.store.died.set()
        world.plain.died.set()
        await kill(service)
    else:
        await _settled(world, service)
        dead = _dead(world)
        await service.stop()
        if not dead:
            check(service, accepted)


def _dead(world: World) -> bool:
    return world.store.died.is_set() or world.plain.died.is_set()


async def _settled(world: World, service: Service) -> None:
    """Wait until all is delivered, or a pipeline died."""
    runners = service._runners
    end = service.log.end
    watch = service._watch
    assert watch is not None
    for runner in runners:
        runner.hurry(end)
    await watch.until(lambda: all(r.cursor >= end or not r.running for r in runners))
    assert _dead(world) or all(r.cursor >= end for r in runners)


async def kill(service: Service) -> None:
    """Leave everything as it lies; only what the system does for a dead process is done."""
    for runner in service._runners:
        runner._halted.set()
        runner.finish()
        await asyncio.to_thread(runner.join, 20.0)
    await service._intake.close()
    service.log.close()


records = st.tuples(
    st.sampled_from([Signal.LOGS, Signal.TRACES]),
    st.integers(0, 5),
    st.sampled_from([b"", b"", b"", b" poison"]),
)
troubles = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from(["later", "never", "bug", "die before", "die after"]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), records),
        st.tuples(st.just("accept"), records),
        st.tuples(st.just("trouble"), troubles),
        st.tuples(st.just("drain"), st.none()),
    ),
    max_size=12,
)
lives = st.lists(st.tuples(steps, st.sampled_from(["stop", "die"])), min_size=1, max_size=4)


async def live(world: World, told: Sequence[tuple[Sequence[tuple[str, Any]], str]]) -> None:
    for run_steps, end in told:
        await run(world, run_steps, end)
    world.store.troubles.clear()
    world.plain.troubles.clear()
    await run(world, [], "stop")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lives)
def test_no_record_is_lost_and_the_numbers_add_up(kit: Any, told: Any) -> None:
    world = World(kit, f"world-{len(list(kit.directory.iterdir()))}")

    asyncio.run(live(world, told))

    promised_logs = world.promised.get(Signal.LOGS, 0)
    assert len(set(world.plain.rows) | world.letters("b")) == promised_logs


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lives)
def test_a_store_that_keeps_positions_has_each_record_exactly_once(kit: Any, told: Any) -> None:
    name = f"world-{len(list(kit.directory.iterdir()))}"
    world = World(kit, name, function=lambda batch: [batch])

    asyncio.run(live(world, told))

    assert isinstance(world.store, Positioned)
    assert len(world.store.rows) == len(set(world.store.rows))
    assert len(set(world.store.rows) | world.letters("a")) == sum(world.promised.values())
    assert world.refused_records("all") == world.poisoned


async def test_two_exporters_of_a_pipeline_are_balanced_each(kit: Any) -> None:
    steady, failing = kit.exporter(), kit.exporter(errors=[kit.permanent(), kit.retryable()])
    async with kit.service(kit.pipeline(steady, failing)) as service:
        for _ in range(3):
            await service.accept(kit.request(b"5"))
            await service.drain()

        sent = service.counters.by_label(SENT, "exporter")
        dropped = service.counters.by_label(DROPPED, "component")
        assert sent == {"a": 15, "b": 10}
        assert dropped == {"b": 5}


async def test_what_an_exporter_had_before_is_counted_as_already(kit: Any) -> None:
    log = kit.log()
    log.open()
    positions = [log.append([kit.entry(b"3")])[0] for _ in range(3)]
    log_id = log.log_id
    log.close()
    ahead = kit.store(positions={("agents", log_id): positions[2]})
    behind = kit.exporter()

    async with kit.service(kit.pipeline(ahead, behind)) as service:
        await service.drain()

        (runner,) = service._runners
        assert service.counters.by_label(SENT, "exporter") == {"a": 3, "b": 9}
        assert service.counters.total(RECOVERED) == 9
        assert (runner.already("a"), runner.already("b")) == (6, 0)
        assert ahead.stretches[0][0] == positions[2]
