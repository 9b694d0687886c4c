"""Decoded groups on their way to the pipelines."""

from typing import Any

from agentpond.pipeline.engine.backlog import Backlog, Group, Limits, group

WIDE = Limits(nbytes=1 << 30, records=1 << 30)


def groups(kit: Any, *bodies: bytes) -> list[Group]:
    made: list[Group] = []
    for body in bodies:
        entry = kit.entry(body)
        _, decoded = kit.codec().decode([entry.request])
        made.append(group([entry], [made[-1].end if made else 0], decoded))
    return made


def test_groups_follow_one_another(kit: Any) -> None:
    backlog = Backlog(1000)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer(offered)

    assert backlog.take(0, WIDE, None) == offered
    assert backlog.take(offered[1].start, WIDE, None) == offered[1:]


def test_nothing_is_taken_where_no_group_begins(kit: Any) -> None:
    backlog = Backlog(1000)
    backlog.offer(groups(kit, b"1"))

    assert backlog.take(3, WIDE, None) == []


def test_a_gap_ends_what_is_taken(kit: Any) -> None:
    backlog = Backlog(1000)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer([offered[0], offered[2]])

    assert backlog.take(0, WIDE, None) == offered[:1]
    assert backlog.next_start(offered[1].start) == offered[2].start
    assert backlog.next_start(offered[2].start) is None


def test_until_is_not_crossed(kit: Any) -> None:
    backlog = Backlog(1000)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer(offered)

    assert backlog.take(0, WIDE, offered[1].end) == offered[:2]
    assert backlog.take(0, WIDE, offered[0].end - 1) == []


def test_limits_bound_what_is_taken_but_for_the_first(kit: Any) -> None:
    backlog = Backlog(1000)
    offered = groups(kit, b"1", b"1", b"1")
    backlog.offer(offered)

    assert backlog.take(0, Limits(nbytes=1000, records=6), None) == offered[:2]
    assert backlog.take(0, Limits(nbytes=0, records=0), None) == offered[:1]


def test_a_group_goes_when_all_have_passed_it(kit: Any) -> None:
    backlog = Backlog(1000)
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
    assert backlog.nbytes == 1


def test_when_it_is_full_the_oldest_stay(kit: Any) -> None:
    backlog = Backlog(2)
    offered = groups(kit, b"1", b"1", b"1")

    backlog.offer(offered)

    assert backlog.take(0, WIDE, None) == offered[:2]
    assert backlog.nbytes == 2
