"""Decoded groups on their way to the pipelines."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from agentpond.pipeline.engine.backlog import CHARGE_BYTES, Backlog, Group, Limits, group

T = TypeVar("T")

ROOMY = 100 * CHARGE_BYTES
WIDE = Limits(nbytes=1 << 30, records=1 << 30)


def groups(kit: Any, *bodies: bytes) -> list[Group]:
    made: list[Group] = []
    for body in bodies:
        entry = kit.entry(body)
        _, decoded = kit.codec().decode([entry.request])
        made.append(group([entry], [made[-1].end if made else 0], decoded))
    return made


def test_groups_follow_one_another(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer(offered)

    assert backlog.take(0, WIDE, None) == offered
    assert backlog.take(offered[1].start, WIDE, None) == offered[1:]


def test_what_was_let_go_is_gone_and_what_comes_later_is_kept(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    first, second = groups(kit, b"1", b"1")
    backlog.join("agents", 0)
    backlog.offer([first])

    backlog.let_go()

    assert (backlog.take(0, WIDE, None), backlog.nbytes) == ([], 0)
    backlog.offer([second])
    assert backlog.next_start(0) == second.start
    backlog.passed("agents", second.end)
    assert backlog.nbytes == 0


def test_nothing_is_taken_where_no_group_begins(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    backlog.offer(groups(kit, b"1"))

    assert backlog.take(3, WIDE, None) == []


def test_a_gap_ends_what_is_taken(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer([offered[0], offered[2]])

    assert backlog.take(0, WIDE, None) == offered[:1]
    assert backlog.next_start(offered[1].start) == offered[2].start
    assert backlog.next_start(offered[2].start) is None


def test_until_is_not_crossed(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer(offered)

    assert backlog.take(0, WIDE, offered[1].end) == offered[:2]
    assert backlog.take(0, WIDE, offered[0].end - 1) == []


def test_limits_bound_what_is_taken_but_for_the_first(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer(offered)

    assert backlog.take(0, Limits(nbytes=1000, records=6), None) == offered[:2]
    assert backlog.take(0, Limits(nbytes=0, records=0), None) == offered[:1]


def test_a_group_goes_when_all_have_passed_it(kit: Any) -> None:
    backlog = Backlog(ROOMY)
    offered = groups(kit, b"1", b"1")
    backlog.join("one", 0)
    backlog.join("two", 0)
    backlog.offer(offered)

    backlog.passed("one", offered[1].end)
    held = backlog.take(0, WIDE, None)
    backlog.passed("two", offered[0].end)

    assert held == offered
    assert backlog.take(0, WIDE, None) == []
    assert backlog.take(offered[1].start, WIDE, None) == offered[1:]
    assert backlog.nbytes == CHARGE_BYTES


def test_when_it_is_full_the_oldest_stay(kit: Any) -> None:
    backlog = Backlog(2 * CHARGE_BYTES)
    offered = groups(kit, b"1", b"1", b"1")

    backlog.offer(offered)

    assert backlog.take(0, WIDE, None) == offered[:2]
    assert backlog.nbytes == 2 * CHARGE_BYTES


def test_a_group_is_charged_for_more_than_its_codec_says(kit: Any) -> None:
    backlog = Backlog(3 * CHARGE_BYTES)

    for offered in groups(kit, *[b"1"] * 10):
        backlog.offer([offered])

    assert len(backlog.take(0, WIDE, None)) == 3


def test_a_group_has_an_age(kit: Any) -> None:
    now_s = [10.0]
    backlog = Backlog(ROOMY, clock_s=lambda: now_s[0])
    backlog.offer(groups(kit, b"1", b"1"))
    now_s[0] = 10.5

    assert backlog.age_s(0) == 0.5
    assert backlog.age_s(1) is None
    assert backlog.age_s(1000) is None


def test_there_is_no_waiting_where_there_is_room(kit: Any) -> None:
    backlog = Backlog(ROOMY, calm_bytes=2 * CHARGE_BYTES, patience_s=20.0)
    backlog.join("slow", 0)
    backlog.offer(groups(kit, b"1", b"1"))

    backlog.wait_for_room()

    assert backlog.nbytes == 2 * CHARGE_BYTES


def test_waiting_for_room_ends_when_enough_has_been_passed(kit: Any) -> None:
    backlog = Backlog(ROOMY, calm_bytes=CHARGE_BYTES, patience_s=20.0)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.join("slow", 0)
    backlog.offer(offered)
    waiting = threading.Thread(target=backlog.wait_for_room)

    waiting.start()
    backlog.passed("slow", offered[0].end)
    backlog.passed("slow", offered[1].end)

    waiting.join(10.0)
    assert not waiting.is_alive()


def test_nobody_waits_twice_for_pipelines_that_do_not_move(kit: Any) -> None:
    waits: list[float | None] = []
    backlog = Backlog(ROOMY, calm_bytes=CHARGE_BYTES, patience_s=7.0)
    backlog._changed = impatient(waits)
    offered = groups(kit, b"1", b"1", b"1", b"1")
    backlog.join("slow", 0)
    backlog.offer(offered)

    backlog.wait_for_room()
    backlog.wait_for_room()
    backlog.passed("slow", offered[0].end)
    backlog.wait_for_room()

    assert waits == [7.0, 7.0]


def impatient(waits: list[float | None]) -> threading.Condition:
    """Give a condition whose time is always up."""

    class Impatient(threading.Condition):
        def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
            waits.append(timeout)
            return predicate()

    return Impatient()
