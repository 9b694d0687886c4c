"""Session-scope processors as parts of a service."""

import asyncio
from typing import Any

import pytest

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.sessions import Cadence
from agentpond.pipeline.engine.sessions.asked import Progress

WAIT_S = 20.0
KEY = "no-session:unknown:unknown"
SELDOM = Cadence(every_s=1000.0, settle_s=1000.0)


def service(kit: Any, shop: Any, processor: Any) -> Any:
    """Make a service whose store is in memory, with one processor."""
    engine = shop.engine(one=processor)
    return kit.service(kit.pipeline(shop.store), engines={"a": engine})


async def test_what_is_delivered_is_processed(kit: Any, shop: Any) -> None:
    async with service(kit, shop, shop.counting()) as running:
        await running.accept(kit.request(b"5"))
        done = await asyncio.to_thread(
            shop.store.wait_for, lambda: shop.counted() == {KEY: 5}, WAIT_S
        )

    assert done


async def test_what_is_settled_waits_for_no_cadence(kit: Any, shop: Any) -> None:
    async with service(kit, shop, shop.counting(cadence=SELDOM)) as running:
        await running.accept(kit.request(b"5"))
        await running.settle()

        assert shop.counted() == {KEY: 5}


async def test_a_host_can_have_processors_run(kit: Any, shop: Any) -> None:
    processor = shop.counting(cadence=SELDOM)
    async with service(kit, shop, processor) as running:
        await running.accept(kit.request(b"5"))
        await running.settle()

        told = await running.process("one", KEY, everything=True)

    assert told == (Progress("one", 1, 1, 1, 0),)
    assert running.session_engine("a").names == ("one",)


async def test_what_a_host_asks_in_vain_is_told(kit: Any, shop: Any) -> None:
    async with service(kit, shop, shop.counting()) as running:
        with pytest.raises(Permanent, match="no session-scope processor two"):
            await running.process("two")


async def test_without_processors_there_is_nothing_to_ask(kit: Any) -> None:
    async with kit.service(kit.pipeline(kit.exporter())) as running:
        await running.settle()
        with pytest.raises(Permanent, match="none has session-scope processors"):
            running.session_engine()


async def test_a_bug_in_the_engine_comes_out_where_it_was_asked(kit: Any, shop: Any) -> None:
    async with service(kit, shop, shop.counting()) as running:
        running.engines["a"].settle = lambda: iter([1 // 0 for _ in "a"])
        with pytest.raises(ZeroDivisionError):
            await running.settle()


async def test_a_processor_that_hangs_keeps_the_service_neither_unready_nor_running(
    kit: Any, shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gate = shop.gate()
    running = service(kit, shop, shop.counting(before=gate))
    running.drain_deadline_s = 0.01
    async with running:
        await running.accept(kit.request(b"5"))
        assert await asyncio.to_thread(gate.entered.wait, WAIT_S)
        await running.drain()
        ready = running.ready

    assert ready
    assert "processor one: it does not return; it is left behind." in caplog.text


async def test_what_was_not_processed_is_at_the_next_start(kit: Any, shop: Any) -> None:
    first = service(kit, shop, shop.counting(cadence=SELDOM))
    async with first:
        await first.accept(kit.request(b"5"))
        await first.drain()
    before = shop.counted()

    async with service(kit, shop, shop.counting(cadence=SELDOM)) as again:
        await again.settle()

    assert (before, shop.counted()) == ({}, {KEY: 5})
