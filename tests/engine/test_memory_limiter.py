"""How much memory is taken decides whether requests are."""

import asyncio
import logging
import threading
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.counters import (
    MEMORY_BYTES,
    MEMORY_LIMIT_BYTES,
    REFUSED_REQUESTS,
    Counters,
)
from agentpond.pipeline.core.errors import Retryable
from agentpond.pipeline.engine.memory_limiter import (
    Limits,
    MemoryLimiter,
    Verdict,
    judge,
    release,
    taken_bytes,
)

MIB = 1 << 20
LIMITS = Limits(800 * MIB, 1000 * MIB, "limit_mib: 1000", soft_give_back_s=10, hard_give_back_s=1)

SHORT = (
    "memory is short: the service takes 850 MiB, and from 800 MiB on requests are refused "
    "(limit_mib: 1000)."
)

OPEN = Verdict(refuse=False, give_back=False)
REFUSE = Verdict(refuse=True, give_back=False)
GIVE_BACK = Verdict(refuse=True, give_back=True)


class World:
    """A limiter over a memory and a clock that are set by hand."""

    def __init__(self, mebibytes: int = 100) -> None:
        self.mebibytes = mebibytes
        self.now_s = 0.0
        self.reads = 0
        self.let_go: list[float] = []
        self.frees_mebibytes = 0
        self.error: Exception | None = None
        self.limiter = MemoryLimiter(LIMITS, 1.0, read_bytes=self._read, clock_s=lambda: self.now_s)

    def _read(self) -> int:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.mebibytes * MIB

    def _let_go(self) -> None:
        self.let_go.append(self.now_s)
        self.mebibytes -= self.frees_mebibytes

    async def check(self, at_s: float) -> None:
        self.now_s = at_s
        await self.limiter.check(self._let_go)


def test_a_service_with_nothing_to_do_takes_requests_however_much_it_takes_itself() -> None:
    world = World(mebibytes=850)

    world.limiter.is_idle = lambda: True
    world.limiter.require()
    world.limiter.is_idle = lambda: False
    with pytest.raises(Retryable):
        world.limiter.require()

    assert world.limiter.trouble == SHORT


async def test_memory_is_given_back_ever_more_rarely_where_that_frees_nothing() -> None:
    world = World(mebibytes=850)

    for second in range(1000):
        await world.check(at_s=second)

    assert world.let_go == [0, 20, 60, 140, 300, 620]


async def test_memory_is_given_back_as_often_as_before_once_that_frees_some() -> None:
    world = World(mebibytes=850)
    await world.check(at_s=0)
    world.frees_mebibytes = 20
    await world.check(at_s=20)
    await world.check(at_s=30)

    assert world.let_go == [0, 20, 30]


@pytest.mark.parametrize(
    ("mebibytes", "ago_s", "expected"),
    [
        (799, 1000, OPEN),
        (800, 9, REFUSE),
        (800, 10, GIVE_BACK),
        (999, 9, REFUSE),
        (1000, 0.5, REFUSE),
        (1000, 1, GIVE_BACK),
        (5000, 1, GIVE_BACK),
    ],
)
def test_requests_are_refused_from_the_soft_limit_on(
    mebibytes: int, ago_s: float, expected: Verdict
) -> None:
    assert judge(mebibytes * MIB, LIMITS, ago_s) == expected


@given(st.integers(0, 2000), st.integers(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_more_memory_or_a_longer_pause_never_makes_it_milder(
    mebibytes: int, more: int, ago_s: float, longer_s: float
) -> None:
    mild = judge(mebibytes * MIB, LIMITS, ago_s)

    hard = judge((mebibytes + more) * MIB, LIMITS, ago_s + longer_s)

    assert (hard.refuse, hard.give_back) >= (mild.refuse, mild.give_back)


def test_while_there_is_memory_nothing_is_refused() -> None:
    limiter = World(799).limiter

    limiter.require()

    assert limiter.trouble == ""


def test_a_refusal_names_the_numbers_and_the_setting_and_when_to_come_again() -> None:
    limiter = World(850).limiter

    with pytest.raises(Retryable) as caught:
        limiter.require()

    assert caught.value.reason == "memory_limited"
    assert 2 <= caught.value.retry_after_s <= 4
    assert str(caught.value) == f"{SHORT} Nothing of this request was kept. Send again."


def test_memory_is_not_read_for_every_request() -> None:
    world = World()

    for number in range(1000):
        world.now_s = number / 10_000
        world.limiter.require()

    assert world.reads == 5


def test_a_flood_is_noticed_before_the_next_check() -> None:
    world = World()
    world.limiter.require()
    world.mebibytes, world.now_s = 900, 0.03

    with pytest.raises(Retryable, match="900 MiB"):
        world.limiter.require()


async def test_when_memory_is_short_what_can_be_made_again_is_dropped_first() -> None:
    world = World(850)
    world.frees_mebibytes = 200

    await world.check(at_s=0)

    assert world.let_go == [0]
    assert world.limiter.trouble == ""


async def test_above_the_soft_limit_memory_is_given_back_now_and_then() -> None:
    world = World(850)
    world.frees_mebibytes = 20

    for at_s in range(21):
        await world.check(at_s)

    assert world.let_go == [0, 10, 20]


async def test_above_the_hard_limit_memory_is_given_back_more_often() -> None:
    world = World(1100)
    world.frees_mebibytes = 20

    for at_s in range(4):
        await world.check(at_s)

    assert world.let_go == [0, 1, 2, 3]


async def test_shortage_and_its_end_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agentpond.memory")
    world = World()

    for at_s, mebibytes in enumerate((100, 850, 860, 870, 300, 200)):
        world.mebibytes = mebibytes
        await world.check(at_s)

    assert [record.getMessage() for record in caplog.records] == [
        f"{SHORT} Raise the limit if this stays so.",
        "memory: 300 MiB now; requests are taken again.",
    ]


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), psutil.AccessDenied()])
async def test_memory_that_cannot_be_read_leaves_things_as_they_were(error: Exception) -> None:
    world = World(850)
    await world.check(at_s=0)
    before = world.limiter.trouble
    world.error = error

    await world.check(at_s=20)

    assert "850 MiB" in before
    assert world.limiter.trouble == before


async def test_it_looks_until_it_is_cancelled() -> None:
    looked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read() -> int:
        loop.call_soon(looked.set)
        return 0

    limiter = MemoryLimiter(LIMITS, 0.001, read_bytes=read)
    watching = asyncio.create_task(limiter.watch(lambda: None))

    await asyncio.wait_for(looked.wait(), 20)

    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


def test_the_numbers_are_shown() -> None:
    counters = Counters()

    World(123).limiter.observe(counters)

    assert counters.total(MEMORY_BYTES) == 123 * MIB
    assert counters.by_label(MEMORY_LIMIT_BYTES, "limit") == {"soft": 800 * MIB, "hard": 1000 * MIB}


def test_free_memory_goes_back_to_the_system() -> None:
    blocks = [bytearray(100_000) for _ in range(1000)]
    full = taken_bytes()
    # The last one stays, so that the heap cannot shrink by itself.
    del blocks[:-1]

    release()

    assert taken_bytes() < full - 80 * MIB


async def test_a_service_that_is_short_of_memory_refuses_and_is_not_ready(kit: Any) -> None:
    world, exporter = World(), kit.exporter(gate=threading.Event())
    service = kit.service(kit.pipeline(exporter), memory=world.limiter, gather_s=0.0)
    async with service:
        await service.accept(kit.request(b"1"))
        world.mebibytes = 850
        await world.check(at_s=10)
        with pytest.raises(Retryable) as caught:
            await service.accept(kit.request())
        troubles = service.troubles()
        world.mebibytes = 100
        await world.check(at_s=30)

        accepted = await service.accept(kit.request(b"5"))
        exporter.gate.set()

        assert (caught.value.reason, accepted.records) == ("memory_limited", 5)
        assert troubles == [SHORT]
        assert service.counters.by_label(REFUSED_REQUESTS, "reason") == {"memory_limited": 1}


async def test_a_service_that_is_short_of_memory_and_idle_takes_a_request(kit: Any) -> None:
    world = World(850)
    async with kit.service(kit.pipeline(kit.exporter()), memory=world.limiter) as service:
        first = await service.accept(kit.request(b"1"))
        await service.drain()
        second = await service.accept(kit.request(b"2"))

        assert (first.records, second.records) == (1, 2)


async def test_decoded_groups_are_dropped_for_memory_and_read_from_the_log(kit: Any) -> None:
    world, codec, exporter = World(), kit.codec(), kit.exporter(gate=threading.Event())
    service = kit.service(kit.pipeline(exporter), codec=codec, memory=world.limiter, gather_s=0.0)
    async with service:
        await service.accept(kit.request(b"1"))
        await asyncio.to_thread(exporter.entered.wait)
        await service.accept(kit.request(b"2"))
        world.mebibytes = 850
        await world.limiter.check(service._backlog.let_go)
        held_bytes = service._backlog.nbytes
        exporter.gate.set()

        await service.drain()

        assert held_bytes == 0
        assert exporter.rows == 3
        # The second request was decoded for its answer, and once more from the log.
        assert codec.decoded == [1, 1, 1]


def test_little_memory_leaves_little_for_what_waits(kit: Any) -> None:
    unlimited = kit.service(kit.pipeline(kit.exporter()))
    limited = kit.service(kit.pipeline(kit.exporter()), memory=World().limiter)

    assert unlimited._backlog._max_bytes == 128 * MIB
    assert limited._backlog._max_bytes == 125 * MIB
    assert limited._intake._max_waiting_bytes == 64 * MIB
