"""Which due sessions are run on now, and in which portions."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.sessions import DUE, Cadence
from agentpond.pipeline.engine.sessions.ripe import NOBODY, Look, choose, first_chunk, without

EVERY_5_SETTLE_2 = Cadence(5.0, 2.0)
SECOND_US = 1_000_000


def ids(rows: pa.Table) -> list[str]:
    named: list[str] = rows["session_id"].to_pylist()
    return named


def look(due: pa.Table, now_us: int, **more: Any) -> Look:
    return choose(due, more.pop("waiting", NOBODY), now_us, EVERY_5_SETTLE_2, **more)


def test_a_session_that_is_quiet_is_chosen(shop: Any) -> None:
    due = shop.due({"session_id": "busy", "quiet_s": 1.9}, {"session_id": "quiet", "quiet_s": 2})

    chosen = look(due, shop.now_us)

    assert ids(chosen.chosen) == ["quiet"]
    assert chosen.fresh


def test_the_next_look_is_when_the_next_session_is_quiet(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 0.5}, {"session_id": "b", "quiet_s": 1.5})

    chosen = look(due, shop.now_us)

    assert chosen.chosen.num_rows == 0
    assert chosen.next_us == shop.now_us + SECOND_US // 2


def test_a_session_that_is_never_quiet_waits_thrice_as_long(shop: Any) -> None:
    first = look(shop.due({"session_id": "busy", "quiet_s": 0}), shop.now_us)
    later_us = shop.now_us + 6 * SECOND_US
    due = shop.due({"session_id": "busy", "quiet_s": -5.9})

    too_early = look(due, later_us - 1, waiting=first.waiting)
    now = look(due, later_us, waiting=first.waiting)

    assert too_early.next_us == later_us
    assert ids(now.chosen) == ["busy"]


def test_one_that_is_not_ready_waits_for_those_it_reads(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 9, "ready": False})

    waits = look(due, shop.now_us)
    at_last = look(due, shop.now_us + 6 * SECOND_US, waiting=waits.waiting)

    assert waits.next_us == shop.now_us + 6 * SECOND_US
    assert ids(at_last.chosen) == ["a"]


def test_fresh_ones_wait_for_the_next_run(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 9})

    chosen = look(due, shop.now_us, not_before_us=shop.now_us + SECOND_US)

    assert chosen.chosen.num_rows == 0
    assert chosen.next_us == shop.now_us + SECOND_US


def test_those_of_another_version_come_after_fresh_ones(shop: Any) -> None:
    old = {"session_id": "old", "fresh": False}
    both = shop.due({"session_id": "new", "quiet_s": 9}, old)

    first, then = look(both, shop.now_us), look(shop.due(old), shop.now_us)

    assert (ids(first.chosen), first.fresh) == (["new"], True)
    assert (ids(then.chosen), then.fresh) == (["old"], False)


def test_those_of_another_version_do_not_wait_for_the_next_run(shop: Any) -> None:
    due = shop.due({"session_id": "new", "quiet_s": 9}, {"session_id": "old", "fresh": False})

    chosen = look(due, shop.now_us, not_before_us=shop.now_us + SECOND_US)

    assert ids(chosen.chosen) == ["old"]


def test_who_was_run_on_waits_anew(shop: Any) -> None:
    first = look(shop.due({"session_id": "a"}, {"session_id": "b"}), shop.now_us)

    waiting = first.waiting.without(pa.array(["a"]))

    later_us = shop.now_us + SECOND_US
    assert waiting.of(pa.array(["a", "b"]), later_us).tolist() == [later_us, shop.now_us]


def test_a_clock_that_was_set_back_keeps_nobody_waiting(shop: Any) -> None:
    first = look(shop.due({"session_id": "a"}), shop.now_us)

    since_us = first.waiting.of(pa.array(["a"]), shop.now_us - SECOND_US)

    assert since_us.tolist() == [shop.now_us - SECOND_US]


def test_a_large_session_is_alone(shop: Any) -> None:
    due = shop.due(
        {"session_id": "a", "events": 900, "quiet_s": 1},
        {"session_id": "b", "events": 10, "quiet_s": 2},
    )

    chunk = first_chunk(due, 100)

    assert ids(chunk) == ["a"]


def test_a_portion_ascends_by_session(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 2}, {"session_id": "b", "quiet_s": 1})

    chunk = first_chunk(due, 100)

    assert ids(chunk) == ["a", "b"]


def test_ready_ones_and_those_that_never_failed_go_first_and_alone(shop: Any) -> None:
    left = shop.due(
        {"session_id": "a", "ready": False},
        {"session_id": "b", "attempts": 2},
        {"session_id": "c"},
        {"session_id": "d", "ready": False, "attempts": 1},
    )
    chunks = []

    while left.num_rows:
        chunk = first_chunk(left)
        chunks.append(ids(chunk))
        left = without(left, chunk)

    assert chunks == [["c"], ["b"], ["a"], ["d"]]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "events": st.integers(0, 60),
            "ready": st.booleans(),
            "attempts": st.integers(0, 2),
            "changed_at": st.integers(0, 5),
        }
    ),
    max_size=20,
)


@given(ROWS)
def test_each_session_is_in_one_portion(rows: list[dict[str, Any]]) -> None:
    named = [{"session_id": f"{at:02}", **row} for at, row in enumerate(rows)]
    left, seen = pa.Table.from_pylist(named, schema=DUE), []

    while left.num_rows:
        chunk = first_chunk(left, 100)
        assert chunk.num_rows == 1 or sum(chunk["events"].to_pylist()) <= 100
        seen += ids(chunk)
        left = without(left, chunk)

    assert sorted(seen) == [row["session_id"] for row in named]
