"""Which due sessions are run on now, and in which portions."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.sessions import DUE, Cadence
from agentpond.pipeline.engine.sessions.ripe import (
    NOBODY,
    Look,
    Suspects,
    choose,
    first_chunk,
    without,
)

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

    assert ids(chosen.fresh) == ["quiet"]


def test_the_next_look_is_when_the_next_session_is_quiet(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 0.5}, {"session_id": "b", "quiet_s": 1.5})

    chosen = look(due, shop.now_us)

    assert chosen.fresh.num_rows == 0
    assert chosen.next_us == shop.now_us + SECOND_US // 2


def test_a_session_that_is_never_quiet_waits_thrice_as_long(shop: Any) -> None:
    first = look(shop.due({"session_id": "busy", "quiet_s": 0}), shop.now_us)
    later_us = shop.now_us + 6 * SECOND_US
    due = shop.due({"session_id": "busy", "quiet_s": -5.9})

    too_early = look(due, later_us - 1, waiting=first.waiting)
    now = look(due, later_us, waiting=first.waiting)

    assert too_early.next_us == later_us
    assert ids(now.fresh) == ["busy"]


def test_one_that_is_not_ready_waits_for_those_it_reads(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 9, "ready": False})

    waits = look(due, shop.now_us)
    at_last = look(due, shop.now_us + 6 * SECOND_US, waiting=waits.waiting)

    assert waits.next_us == shop.now_us + 6 * SECOND_US
    assert ids(at_last.fresh) == ["a"]


def test_fresh_ones_wait_for_the_next_run(shop: Any) -> None:
    due = shop.due({"session_id": "a", "quiet_s": 9})

    chosen = look(due, shop.now_us, not_before_us=shop.now_us + SECOND_US)

    assert chosen.fresh.num_rows == 0
    assert chosen.next_us == shop.now_us + SECOND_US


def test_fresh_ones_are_told_from_those_of_another_version_and_those_that_failed(shop: Any) -> None:
    due = shop.due(
        {"session_id": "failed", "quiet_s": 9, "attempts": 1},
        {"session_id": "new", "quiet_s": 9},
        {"session_id": "old", "fresh": False},
        {"session_id": "suspect", "quiet_s": 9},
    )

    chosen = look(due, shop.now_us, suspects=Suspects(pa.array(["suspect"])))

    assert ids(chosen.fresh) == ["new"]
    assert ids(chosen.again) == ["failed", "suspect"]
    assert ids(chosen.outdated) == ["old"]


def test_only_fresh_ones_wait_for_the_next_run(shop: Any) -> None:
    due = shop.due(
        {"session_id": "failed", "quiet_s": 9, "attempts": 1},
        {"session_id": "new", "quiet_s": 9},
        {"session_id": "old", "fresh": False},
    )

    chosen = look(due, shop.now_us, not_before_us=shop.now_us + SECOND_US)

    assert (ids(chosen.fresh), ids(chosen.again)) == ([], ["failed"])
    assert ids(chosen.outdated) == ["old"]


def test_who_was_run_on_waits_anew(shop: Any) -> None:
    first = look(shop.due({"session_id": "a"}, {"session_id": "b"}), shop.now_us)

    waiting = first.waiting.without(shop.due({"session_id": "a"}))

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


def test_those_that_never_failed_and_ready_ones_go_first_and_alone(shop: Any) -> None:
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

    assert chunks == [["c"], ["a"], ["b"], ["d"]]


def test_of_those_that_failed_a_portion_has_few(shop: Any) -> None:
    rows = [{"session_id": f"{at:02}", "attempts": 1 + (at < 20)} for at in range(60)]

    chunk = first_chunk(shop.due(*rows))

    assert ids(chunk) == [f"{at:02}" for at in (*range(10), *range(20, 60))]


def test_suspects_are_tried_before_those_that_failed(shop: Any) -> None:
    suspects = Suspects(pa.array([f"{at:02}" for at in range(10, 60)]))
    due = shop.due(*({"session_id": f"{at:02}", "attempts": int(at < 10)} for at in range(60)))

    chunk = first_chunk(due, suspects=suspects)

    assert ids(chunk) == suspects.session_ids.to_pylist()


def test_a_suspect_is_cleared_when_it_was_come_to_or_is_due_no_more(shop: Any) -> None:
    suspects = Suspects(pa.array(["a", "b", "c"]))
    portion = shop.due({"session_id": "a"}, {"session_id": "b"}, {"session_id": "d"})

    after = suspects.after(portion, portion.slice(1))
    within = after.within(portion)

    assert after.session_ids.to_pylist() == ["c", "b", "d"]
    assert within.session_ids.to_pylist() == ["b", "d"]


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
