"""Check the checks: a component that breaks a sentence of the contract is found out by name."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from pydantic import BaseModel, ConfigDict

from agentpond.pipeline.core.batch import Batch, Delivery, Dropped
from agentpond.pipeline.core.component import Accept, Factory, Kind, Query
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.pipeline.testing import (
    ContractBroken,
    FailingExporter,
    FakeClock,
    MemoryExporter,
    batch,
    check_exporter,
    check_factory,
    check_processor,
    check_receiver,
    checks,
    delivery,
    events,
    session_checks,
    settings,
)

ROOT = Path(__file__).parents[2]

Step = Callable[[Batch], Iterable[Batch | Dropped]]


class Config(BaseModel):
    """Do what a test says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Loose(BaseModel):
    """Take any option."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Changing(BaseModel):
    """Can be changed."""

    model_config = ConfigDict(extra="forbid")


class Demanding(BaseModel):
    """Wants to be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: str


class Nameless(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Nameless.__doc__ = None


@dataclass
class Does:
    """A processor that does what it is given."""

    step: Step
    scope: Any = "batch"

    def process(self, told: Batch) -> Iterable[Batch | Dropped]:
        return self.step(told)


def processor(step: Step, scope: str = "batch") -> Factory:
    return Factory(Kind.PROCESSOR, "does", Config, lambda *_: Does(step, scope))


def unstable() -> Step:
    calls = iter(range(1000))
    return lambda told: [told.with_column("sequence", pa.repeat(next(calls), len(told)))]


def loses(told: Batch) -> Iterable[Batch | Dropped]:
    return [told.with_records(told.records.slice(1))]


def without_reason(told: Batch) -> Iterable[Batch | Dropped]:
    return [Dropped(told.table, len(told), "")]


def invents(told: Batch) -> Iterable[Batch | Dropped]:
    if told.table.name != EVENTS.name:
        return [told]
    return [told.with_column("event_id", pa.repeat(b"\xff" * 16, len(told)))]


def counts(told: Batch) -> Iterable[Batch | Dropped]:
    if told.table.name != EVENTS.name:
        return [told]
    return [told.with_column("sequence", pa.repeat(len(told), len(told)))]


def makes_of_nothing(told: Batch) -> Iterable[Batch | Dropped]:
    return [told] if len(told) else [events(1)]


def refuses_others(told: Batch) -> Iterable[Batch | Dropped]:
    return [told] if told.table.name == EVENTS.name else []


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (processor(unstable()), "processor-pure"),
        (processor(loses), "processor-rows"),
        (processor(without_reason), "processor-reason"),
        (processor(invents), "processor-ids"),
        (processor(counts), "processor-order"),
        (processor(makes_of_nothing), "processor-empty"),
        (processor(refuses_others), "processor-foreign"),
        (processor(lambda told: [told], scope="row"), "processor-scope"),
        (Factory(Kind.EXPORTER, "memory", Config, lambda *_: MemoryExporter()), "factory-kind"),
    ],
)
def test_a_processor_that_breaks_the_contract_is_found_out(factory: Factory, name: str) -> None:
    with pytest.raises(ContractBroken, match=f"^{name}:"):
        check_processor(factory)


def test_a_processor_that_writes_into_its_input_is_found_out() -> None:
    def scribbles(told: Batch) -> Iterable[Batch | Dropped]:
        data = told.records.column("input_tokens").buffers()[1]
        if data is not None and len(told):
            # What a careless use of numpy or ctypes does.
            import ctypes  # noqa: PLC0415 - only this test does such a thing

            ctypes.memset(data.address, 7, data.size)
        return []

    with pytest.raises(ContractBroken, match=r"^processor-(input|pure):"):
        check_processor(processor(scribbles))


def test_a_plain_processor_passes() -> None:
    factory = processor(lambda told: [told])

    check_processor(factory)


def named(name: str, config: type[BaseModel] = Config) -> Factory:
    return Factory(Kind.PROCESSOR, name, config, lambda *_: Does(lambda told: [told]))


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (named("Not A Word"), "factory-name"),
        (Factory(Kind.PROCESSOR, "x", dict, lambda *_: None), "factory-config"),
        (named("x", Nameless), "factory-docstring"),
        (named("x", Changing), "factory-frozen"),
        (named("x", Demanding), "factory-defaults"),
        (named("x", Loose), "factory-unknown-option"),
    ],
)
def test_a_factory_that_breaks_the_contract_is_found_out(factory: Factory, name: str) -> None:
    with pytest.raises(ContractBroken, match=f"^{name}:"):
        check_factory(factory)


def test_options_without_a_default_can_be_told() -> None:
    factory = named("x", Demanding)

    check_factory(factory, {"where": "here"})


def exporter(made: Callable[[], Any]) -> Factory:
    return Factory(Kind.EXPORTER, "made", Config, lambda *_: made())


@pytest.mark.parametrize("made", [MemoryExporter, FailingExporter])
def test_the_fakes_keep_the_contract(made: Callable[[], Any]) -> None:
    factory = exporter(made)

    check_exporter(factory)


class Forgetful(MemoryExporter):
    """Says of every position that it is none."""

    def position(self, pipeline: str, log_id: str) -> int | None:  # noqa: ARG002
        return None


class Doubling:
    """A store that can be read and keeps what comes twice, twice."""

    def __init__(self) -> None:
        self._rows = 0
        self.path = Path()

    def start(self) -> None:
        pass

    def export(self, told: Delivery) -> Sequence[Dropped]:
        self._rows += told.rows(EVENTS)
        return ()

    def stop(self) -> None:
        pass

    def query(self, sql: str, *, max_rows: int | None = None) -> pa.Table:  # noqa: ARG002
        return pa.table({"n": [self._rows]})

    def open_query(self, sql: str) -> Query:
        raise Retryable(sql)


@pytest.mark.parametrize(
    ("made", "name"), [(Forgetful, "exporter-position"), (Doubling, "exporter-twice")]
)
def test_an_exporter_that_breaks_the_contract_is_found_out(
    made: Callable[[], Any], name: str
) -> None:
    with pytest.raises(ContractBroken, match=f"^{name}:"):
        check_exporter(exporter(made))


@dataclass
class Door:
    """A receiver whose sender calls it by hand."""

    manner: Literal["good", "hasty", "grumpy", "careless"]
    taken: Accept | None = None

    async def start(self, accept: Accept) -> None:
        self.taken = accept

    async def stop(self) -> None:
        self.taken = None

    async def send(self) -> bool:
        if self.taken is None:
            return False
        try:
            await self.taken(Request(Signal.LOGS, Encoding.JSON, b"{}", 0, "door"))
        except Retryable:
            return self.manner == "careless"
        except Permanent:
            return False
        return self.manner != "grumpy"


async def send(door: Door) -> bool:
    return await door.send()


def receiver(manner: Any) -> Factory:
    return Factory(Kind.RECEIVER, "door", Config, lambda *_: Door(manner))


async def test_a_receiver_that_waits_and_tells_the_truth_passes() -> None:
    factory = receiver("good")

    await check_receiver(factory, send=send)


@pytest.mark.parametrize(
    ("manner", "name"), [("grumpy", "receiver-success"), ("careless", "receiver-retryable")]
)
async def test_a_receiver_that_breaks_the_contract_is_found_out(manner: str, name: str) -> None:
    with pytest.raises(ContractBroken, match=f"^{name}:"):
        await check_receiver(receiver(manner), send=send)


def test_the_failing_exporter_fails_as_often_as_told_and_then_delivers() -> None:
    exporting = FailingExporter([Retryable("busy")])

    with pytest.raises(Retryable):
        exporting.export(delivery(events(2)))
    exporting.export(delivery(events(2)))

    assert (exporting.attempts, exporting.memory.rows(EVENTS)) == (2, 2)


def test_the_memory_exporter_keeps_a_stretch_of_the_log_once() -> None:
    memory = MemoryExporter()

    for end in (5, 5, 3, 8):
        memory.export(delivery(events(1), end=end))

    assert (memory.rows(EVENTS), memory.position("agents", "log")) == (2, 8)


def test_waiting_for_a_delivery_that_does_not_come_ends() -> None:
    memory = MemoryExporter()

    came = memory.wait_for(1, timeout_s=0)

    assert came is False


def test_the_fake_clock_stands_still_until_it_is_advanced() -> None:
    clock = FakeClock(1_000)

    clock.advance(1.5)

    assert clock() == 1_500_001_000


@pytest.mark.parametrize(
    ("columns", "said"),
    [({"no_such": 1}, "no columns"), ({"agent": ["a", "b"]}, "2 values for 3 rows")],
)
def test_a_builder_refuses_what_does_not_fit(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        batch(EVENTS, 3, **columns)


def test_a_builder_takes_one_list_for_a_list_column() -> None:
    told = events(2, bounds=[1.0, 2.0])

    assert told.records.column("bounds").to_pylist() == [[1.0, 2.0], [1.0, 2.0]]


def test_settings_are_the_components_own() -> None:
    given = settings("redact/strict", clock=FakeClock(5))

    assert (given.id, given.clock(), given.logger.name) == (
        *("redact/strict", 5, "agentpond.testing.redact/strict"),
    )


def test_every_must_of_the_contract_names_a_check_that_exists() -> None:
    contract = (ROOT / "docs" / "contract.md").read_text()
    source = "".join(Path(str(module.__file__)).read_text() for module in (checks, session_checks))
    kinds = "factory|processor|session|exporter|receiver"

    named_there = set(re.findall(rf"`((?:{kinds})-[a-z-]+)`", contract))

    assert named_there == set(re.findall(r"(?:\"|# )([a-z]+-[a-z-]+)(?:\"|:)", source))


def test_every_sentence_with_a_must_names_its_check() -> None:
    contract = (ROOT / "docs" / "contract.md").read_text()
    sentences = re.findall(r"^- .*MUST.*$", contract, re.MULTILINE)

    nameless = [each for each in sentences if "`Batch` refuses" not in each]

    assert [each for each in nameless if not re.search(r"`[a-z]+-[a-z-]+`$", each)] == []
