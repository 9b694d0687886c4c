"""The way from a request to its acknowledgement."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.signal import Accepted, Signal
from agentpond.pipeline.engine.backlog import CHARGE_BYTES, Backlog, Limits
from agentpond.pipeline.engine.intake import Intake
from agentpond.pipeline.engine.memory_log import MemoryLog

WIDE = Limits(nbytes=1 << 30, records=1 << 30)
WAIT_S = 20.0


class World:
    """An intake with its parts."""

    def __init__(
        self, codec: Any, max_bytes: int = 1 << 24, calm_bytes: int = 1 << 30, **limits: Any
    ) -> None:
        self.codec = codec
        self.log = MemoryLog(max_bytes)
        self.backlog = Backlog(4 * CHARGE_BYTES, calm_bytes=calm_bytes, patience_s=WAIT_S)
        self.intake = Intake(self.log, codec, self.backlog, **limits)


class Entered(threading.Condition):
    """Tells when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.entered.set()
        return super().wait(timeout)


@asynccontextmanager
async def opened(codec: Any, **limits: int) -> AsyncIterator[World]:
    world = World(codec, **limits)
    world.intake.start()
    try:
        yield world
    finally:
        if codec.gate is not None:
            codec.gate.set()
        await world.intake.close()


async def closed_gate(kit: Any, world: World) -> "asyncio.Task[Accepted]":
    """Hold the worker in the codec with one request in hand."""
    world.codec.gate = threading.Event()
    world.codec.entered.clear()
    first = asyncio.create_task(world.intake.accept(kit.request(b"1")))
    await asyncio.to_thread(world.codec.entered.wait)
    return first


async def joined(world: World, *requests: Any) -> "list[asyncio.Task[Accepted]]":
    """Have requests join the group that is forming, in order."""
    tasks = [asyncio.create_task(world.intake.accept(request)) for request in requests]
    await asyncio.sleep(0)
    return tasks


async def test_a_request_is_in_the_log_when_it_is_accepted(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        accepted = await world.intake.accept(kit.request(b"5"))

        assert accepted == Accepted(position=0, records=5)
        assert world.log.read(0, 100).requests == (kit.request(b"5"),)
        assert world.intake.accepted_records == 5


async def test_a_request_alone_waits_for_no_others(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        for _ in range(3):
            await world.intake.accept(kit.request())

        assert world.codec.decoded == [1, 1, 1]


async def test_those_who_come_while_a_group_is_written_form_the_next(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        first = await closed_gate(kit, world)
        others = await joined(world, *[kit.request()] * 7)
        world.codec.gate.set()

        await asyncio.gather(first, *others)

        assert world.codec.decoded == [1, 7]


async def test_a_group_is_bounded(kit: Any) -> None:
    async with opened(kit.codec(), group_bytes=75) as world:
        first = await closed_gate(kit, world)
        others = await joined(world, *[kit.request(b"1   ")] * 5)
        world.codec.gate.set()

        await asyncio.gather(first, *others)

        assert world.codec.decoded == [1, 2, 2, 1]


async def test_a_body_that_does_not_decode_leaves_its_neighbours_alone(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        first = await closed_gate(kit, world)
        bodies = (b"2", b"bad", b"3")
        others = await joined(world, *[kit.request(body) for body in bodies])
        world.codec.gate.set()

        answers = await asyncio.gather(first, *others, return_exceptions=True)

        assert isinstance(answers[2], Permanent)
        assert answers[2].reason == "invalid_protobuf"
        assert [a.records for a in answers if isinstance(a, Accepted)] == [1, 2, 3]
        assert world.log.records_after(0) == 6


async def test_a_bug_in_the_codec_leaves_neighbours_alone_too(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(kit.codec()) as world:
        first = await closed_gate(kit, world)
        bodies = (b"2", b"bug", b"3")
        others = await joined(world, *[kit.request(body) for body in bodies])
        world.codec.gate.set()

        answers = await asyncio.gather(first, *others, return_exceptions=True)

        assert isinstance(answers[2], Retryable)
        assert answers[2].reason == "bug"
        assert [a.records for a in answers if isinstance(a, Accepted)] == [1, 2, 3]
        assert "the codec has a bug" in caplog.text


async def test_a_want_of_memory_is_told_as_busy(kit: Any) -> None:
    async with opened(kit.codec(decode_error=MemoryError("no memory"))) as world:
        with pytest.raises(Retryable, match="no memory to decode") as caught:
            await world.intake.accept(kit.request())

        assert caught.value.reason == "busy"


async def test_a_request_that_never_fits_the_log_is_refused_for_good(kit: Any) -> None:
    async with opened(kit.codec(), max_bytes=100) as world:
        with pytest.raises(Permanent, match=r"raise service\.log\.max_bytes") as caught:
            await world.intake.accept(kit.request(b"1" + b" " * 68))

        assert caught.value.reason == "too_large"
        assert world.codec.decoded == []
        assert await world.intake.accept(kit.request(b"1" + b" " * 67))


async def test_requests_that_fit_one_by_one_are_no_group_that_never_fits(kit: Any) -> None:
    async with opened(kit.codec(refuse=b"1"), max_bytes=100) as world:
        first = await closed_gate(kit, world)
        others = await joined(world, *[kit.request(b"2")] * 5)
        world.codec.gate.set()

        answers = await asyncio.gather(first, *others, return_exceptions=True)

        reasons = [getattr(answer, "reason", "") for answer in answers[1:]]
        assert reasons == ["", "", "", "log_full", "log_full"]


async def test_tiny_groups_that_nobody_takes_do_not_pile_up(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        for _ in range(10):
            await world.intake.accept(kit.request())

        assert len(world.backlog.take(0, WIDE, None)) == 4


async def test_the_next_group_waits_while_too_much_is_not_delivered(kit: Any) -> None:
    waiting = Entered()
    async with opened(kit.codec(), calm_bytes=CHARGE_BYTES) as world:
        world.backlog._changed = waiting
        world.backlog.join("slow", 0)
        for _ in range(2):
            await world.intake.accept(kit.request())
        third = asyncio.create_task(world.intake.accept(kit.request()))
        await asyncio.to_thread(waiting.entered.wait, WAIT_S)
        before = list(world.codec.decoded)

        world.backlog.passed("slow", world.log.end)

        assert (await third).records == 1
        assert before == [1, 1]


async def test_requests_of_several_receivers_are_answered_in_their_own_order(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        first = await closed_gate(kit, world)
        told = ((b"2", "a"), (b"3", "b"), (b"4", "a"), (b"5", "b"))
        others = await joined(world, *[kit.request(b, receiver=r) for b, r in told])
        world.codec.gate.set()

        await first
        answers = await asyncio.gather(*others)

        bodies = [world.log.read(a.position, 1).requests[0].body for a in answers]
        assert bodies == [b"2", b"3", b"4", b"5"]
        groups = world.backlog.take(0, WIDE, None)
        assert [group.records() for group in groups] == [1, 6, 8]
        assert groups[-1].end == world.log.end


async def test_a_full_log_is_told_to_a_group_that_is_not_even_decoded(kit: Any) -> None:
    async with opened(kit.codec(), max_bytes=200) as world:
        first = await closed_gate(kit, world)
        others = await joined(
            world, kit.request(b"1" + b" " * 99), kit.request(), kit.request(b"bad")
        )
        world.codec.gate.set()

        answers = await asyncio.gather(first, *others, return_exceptions=True)

        assert [getattr(answer, "reason", "") for answer in answers] == [
            "",
            "log_full",
            "log_full",
            "log_full",
        ]
        assert world.codec.decoded == [1]
        assert world.intake.accepted_records == 1


async def test_too_much_that_waits_is_refused(kit: Any) -> None:
    async with opened(kit.codec(), waiting_bytes=80) as world:
        first = await closed_gate(kit, world)
        others = await joined(world, kit.request(b"1" + b" " * 8))

        with pytest.raises(Retryable, match="the limit is 80") as caught:
            await world.intake.accept(kit.request())
        world.codec.gate.set()
        await asyncio.gather(first, *others)

        assert caught.value.reason == "busy"
        assert await world.intake.accept(kit.request())


async def test_a_request_larger_than_the_bound_is_let_in_alone(kit: Any) -> None:
    async with opened(kit.codec(), waiting_bytes=2) as world:
        assert await world.intake.accept(kit.request(b"1" + b" " * 50))


async def test_a_client_that_goes_away_harms_nobody(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        first = await closed_gate(kit, world)
        gone, stays = await joined(world, kit.request(b"2"), kit.request(b"3"))
        gone.cancel()
        world.codec.gate.set()

        assert (await first).records == 1
        assert (await stays).records == 3
        assert world.log.records_after(0) == 6


async def test_closing_finishes_what_is_in_hand_and_refuses_the_rest(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        first = await closed_gate(kit, world)
        others = await joined(world, kit.request())
        closing = asyncio.create_task(world.intake.close())
        await asyncio.sleep(0)

        with pytest.raises(Retryable) as caught:
            await world.intake.accept(kit.request())
        world.codec.gate.set()
        await closing

        assert caught.value.reason == "stopping"
        assert (await first).records == 1
        assert (await others[0]).records == 1


async def test_before_the_start_a_request_is_told_to_come_again(kit: Any) -> None:
    world = World(kit.codec())

    with pytest.raises(Retryable) as caught:
        await world.intake.accept(kit.request())
    await world.intake.close()

    assert caught.value.reason == "not_started"


def test_an_answer_after_its_loop_is_closed_is_left_alone(kit: Any) -> None:
    world = World(kit.codec())
    world.intake.start()
    loop = asyncio.new_event_loop()
    left = loop.create_task(world.intake.accept(kit.request()))
    world.codec.gate = threading.Event()
    loop.run_until_complete(asyncio.sleep(0))
    left.cancel()
    loop.run_until_complete(asyncio.gather(left, return_exceptions=True))
    loop.close()
    world.codec.gate.set()

    asyncio.run(world.intake.close())

    assert world.log.records_after(0) == 1


async def test_requests_from_two_event_loops_are_both_answered(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        elsewhere = asyncio.to_thread(lambda: asyncio.run(world.intake.accept(kit.request(b"2"))))

        here, there = await asyncio.gather(world.intake.accept(kit.request(b"3")), elsewhere)

        assert (here.records, there.records) == (3, 2)


async def test_groups_ride_along_for_the_pipelines(kit: Any) -> None:
    async with opened(kit.codec()) as world:
        await world.intake.accept(kit.request(b"4", Signal.TRACES))

        (group,) = world.backlog.take(0, WIDE, None)

        assert (group.start, group.end) == (0, world.log.end)
        assert group.counts == {("otlp", Signal.TRACES): 4}


class FullLog(MemoryLog):
    """A log that is as full as it is told to be."""

    is_full = False

    def require_room(self, given_bytes: int) -> None:
        super().require_room(self.capacity_bytes + 1 if self.is_full else given_bytes)


async def test_a_log_that_refuses_is_told_once_until_it_takes_requests_for_a_while(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agentpond.intake")
    log, now_s = FullLog(1 << 20), [0.0]
    intake = Intake(log, kit.codec(), Backlog(0), clock_s=lambda: now_s[0])
    intake.start()

    async def give(at_s: float, *, is_full: bool) -> bool:
        now_s[0], log.is_full = at_s, is_full
        with suppress(Retryable):
            await intake.accept(kit.request())
        return bool(intake.trouble)

    fulls = ((0, False), (1, True), (2, True), (3, False), (4, True), (11, False), (12, True))
    troubles = [await give(at_s, is_full=is_full) for at_s, is_full in fulls]
    await intake.close()

    assert troubles == [is_full for _, is_full in fulls]
    assert [record.getMessage()[:25] for record in caplog.records] == [
        "requests are refused: log",
        "requests are taken again.",
        "requests are refused: log",
    ]


async def test_a_refusal_is_no_trouble_any_more_when_nobody_came_again(kit: Any) -> None:
    log, now_s = FullLog(1 << 20), [0.0]
    log.is_full = True
    intake = Intake(log, kit.codec(), Backlog(0), clock_s=lambda: now_s[0])
    intake.start()
    with pytest.raises(Retryable):
        await intake.accept(kit.request())
    before = intake.trouble

    now_s[0] = 10.0

    assert "is full" in before
    assert intake.trouble == ""
    await intake.close()
