"""When one processor looks, and what it runs on then."""

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.counters import PROCESSOR_DUE_SESSIONS, PROCESSOR_FAILED_SESSIONS
from agentpond.pipeline.core.sessions import Again, Cadence
from agentpond.pipeline.engine.sessions.turn import Patience

USUAL = Cadence(every_s=5.0, settle_s=2.0)
SECOND_US = 1_000_000


def looked(shop: Any, processor: Any) -> Any:
    """Make a worker that has looked once, at an empty store."""
    worker = shop.worker(processor)
    worker.step()
    return worker


def now_us(shop: Any) -> int:
    told: int = shop.tools.now_us()
    return told


def test_it_looks_at_the_start(shop: Any) -> None:
    worker = shop.worker(shop.counting())

    assert worker.look_at_us(shop.now_us) == 0


def test_when_nothing_changed_it_asks_the_store_nothing(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL))

    worker.wake()

    assert worker.look_at_us(shop.now_us) is None


def test_a_change_is_looked_at_a_moment_later(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL))
    shop.add("a")

    first = worker.look_at_us(shop.now_us)
    shop.add("a")
    later = worker.look_at_us(shop.now_us + 1)

    assert first == shop.now_us + SECOND_US // 2
    assert later == first


def test_a_session_is_run_on_as_soon_as_it_is_quiet(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL))
    shop.add("a")
    shop.clock.advance(0.5)
    worker.step()
    waits, ripe_us = shop.counted(), worker.look_at_us(now_us(shop))
    shop.clock.advance(1.5)

    worker.step()

    assert (waits, ripe_us) == ({}, shop.now_us + 2 * SECOND_US)
    assert shop.counted() == {"a": 1}


def test_a_run_that_takes_long_is_followed_by_the_next_after_every(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL, before=lambda _: shop.clock.advance(1)))
    shop.add("a")
    shop.clock.advance(2)
    worker.step()
    shop.add("b")
    shop.clock.advance(3.9)
    worker.step()
    too_early, next_us = shop.counted(), worker.look_at_us(now_us(shop))
    shop.clock.advance(0.1)

    worker.step()

    assert (too_early, next_us) == ({"a": 1}, shop.now_us + 7 * SECOND_US)
    assert shop.counted() == {"a": 1, "b": 1}


def test_a_run_that_takes_little_is_followed_after_ten_times_that(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL, before=lambda _: shop.clock.advance(0.1)))
    shop.add("a")
    shop.clock.advance(2)
    worker.step()
    shop.add("b")
    shop.clock.advance(2)

    worker.step()

    assert shop.counted() == {"a": 1, "b": 1}


def test_it_comes_back_when_a_processor_asked_for_it(shop: Any) -> None:
    processor = shop.counting()
    worker = shop.worker(processor)
    shop.add("a")
    shop.clock.advance(1)
    at_us = shop.now_us + 300 * SECOND_US
    processor.beside = (Again(pa.array(["a"]), shop.times(at_us)),)
    worker.step()
    processor.beside = ()
    worker.step()

    next_us = worker.look_at_us(now_us(shop))
    shop.clock.advance(300)
    worker.step()

    assert next_us == at_us
    assert processor.calls == [["a"], ["a"]]


def test_another_version_runs_portion_by_portion_behind_what_is_fresh(shop: Any) -> None:
    processor = shop.counting()
    worker = shop.worker(processor)
    shop.add("a", "b")
    worker.step()
    processor.version = "2"
    shop.add("b")

    worker.step()
    worker.step()

    assert processor.calls == [["a", "b"], ["b"], ["a"]]
    assert shop.store.state("counting", "a").version == "2"


def test_it_runs_on_nothing_while_a_request_has_the_turn(shop: Any) -> None:
    worker = shop.worker(shop.counting())
    shop.add("a")

    with worker._turn.held("process", Patience()):
        worker.step()
        during = shop.counted()
    worker.step()

    assert (during, shop.counted()) == ({}, {"a": 1})


def test_what_failed_before_does_not_split_what_did_not(shop: Any) -> None:
    def fail(sessions: Any) -> None:
        if "bad" in sessions.ids.to_pylist():
            raise ValueError("bad")

    processor = shop.counting(before=fail)
    worker = shop.worker(processor)
    shop.add("bad")
    worker.step()
    shop.clock.advance(5)
    shop.add("good", "better")

    worker.step()

    assert processor.calls == [["bad"], ["better", "good"], ["bad"]]


def test_the_sessions_that_are_due_can_be_seen(shop: Any) -> None:
    worker = shop.worker(shop.counting(cadence=USUAL))
    shop.add("a", "b")
    worker.step()
    worker.start()

    due = shop.counters.total(PROCESSOR_DUE_SESSIONS, processor="counting")
    shop.stopped.set()
    worker.wake()

    assert due == 2
    assert worker.join(20)


def test_a_clock_that_was_set_back_does_not_stop_it(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL))
    shop.add("a")
    shop.clock.advance(6)
    worker.step()
    worker.step()
    shop.clock.advance(-3600)
    shop.add("b")

    next_us = worker.look_at_us(now_us(shop))
    shop.clock.advance(5)
    due_us = worker.look_at_us(now_us(shop))
    worker.step()

    assert next_us == due_us == now_us(shop)
    assert shop.counted() == {"a": 1, "b": 1}


def test_what_was_planned_before_the_clock_was_set_back_is_planned_anew(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL))
    shop.add("a")
    worker.step()
    planned_us = worker.look_at_us(now_us(shop))
    shop.clock.advance(-3600)
    at_once_us = worker.look_at_us(now_us(shop))
    worker.step()
    anew_us = worker.look_at_us(now_us(shop))
    shop.clock.advance(6)

    worker.step()

    assert (planned_us, at_once_us) == (shop.now_us + 2 * SECOND_US, 0)
    assert anew_us == now_us(shop)
    assert shop.counted() == {"a": 1}


def failed(shop: Any) -> float:
    count: float = shop.counters.total(PROCESSOR_FAILED_SESSIONS, processor="counting")
    return count


def fails_on_bad(sessions: Any) -> None:
    if any(each.startswith("bad") for each in sessions.ids.to_pylist()):
        raise ValueError("bad")


def test_thousands_that_fail_hide_no_session_that_is_new(shop: Any) -> None:
    processor = shop.counting(before=fails_on_bad)
    worker = shop.worker(processor)
    shop.add(*(f"bad{at}" for at in range(3000)))
    worker.step()
    shop.add("good")

    worker.step()

    assert shop.counted() == {"good": 1}
    assert len(processor.calls) <= 3 * 64 + 1


def test_who_was_among_many_that_fail_is_tried_few_at_a_time(shop: Any) -> None:
    processor = shop.counting(before=fails_on_bad)
    worker = shop.worker(processor)
    shop.add(*(f"bad{at}" for at in range(200)), *(f"good{at}" for at in range(200)))
    worker.step()
    first = len(processor.calls)

    worker.step()

    assert len(processor.calls[0]) == 400
    assert max(len(call) for call in processor.calls[first:]) == 50


def test_what_was_left_does_not_wait_for_the_next_run(shop: Any) -> None:
    worker = looked(shop, shop.counting(cadence=USUAL, before=fails_on_bad))
    shop.add(*(f"bad{at}" for at in range(200)))
    shop.clock.advance(3)
    worker.step()
    noted = failed(shop)

    worker.step()

    assert 0 < noted < failed(shop)


@given(st.lists(st.booleans(), min_size=1, max_size=150))
@settings(deadline=None, max_examples=25)
def test_in_the_end_those_that_fail_are_noted_and_no_others(
    make_shop: Any, bad: list[bool]
) -> None:
    shop = make_shop()
    names = [f"{'bad' if each else 'good'}{at}" for at, each in enumerate(bad)]
    worker = shop.worker(shop.counting(before=fails_on_bad))
    shop.add(*names)

    for _ in range(12):
        worker.step()

    failed = {name for name in names if shop.store.state("counting", name).attempts}
    assert failed == {name for name in names if name.startswith("bad")}
    assert set(shop.counted()) == set(names) - failed
