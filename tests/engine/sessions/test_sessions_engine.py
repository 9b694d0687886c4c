"""All processors of a store together: threads, requests, and the end."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.sessions import Cadence, Sessions
from agentpond.pipeline.engine.sessions.asked import Asked, Progress

WAIT_S = 20.0


def chain(shop: Any, **of_second: Any) -> tuple[Any, Any]:
    """Make a processor, and one that reads what it makes."""
    first, second = shop.counts("first"), shop.counts("second")
    reader = shop.counting(makes=second, reads=(first,), **of_second)
    return shop.counting(makes=first), reader


def test_what_arrives_is_processed_when_the_engine_is_told(shop: Any) -> None:
    engine = shop.engine(one=shop.counting())
    engine.start()

    shop.add("a", "a", "b")
    engine.wake()

    assert shop.store.wait_for(lambda: shop.counted() == {"a": 2, "b": 1})


def test_what_was_there_before_the_start_is_processed(shop: Any) -> None:
    shop.add("a")
    engine = shop.engine(one=shop.counting())

    engine.start()

    assert shop.store.wait_for(lambda: shop.counted() == {"a": 1})


def test_who_is_read_goes_first(shop: Any) -> None:
    first, second = chain(shop)

    engine = shop.engine(reader=second, read=first)

    assert engine.names == ("read", "reader")


def test_who_reads_is_woken_when_the_other_one_has_run(shop: Any) -> None:
    first, second = chain(shop)
    shop.add("a")
    engine = shop.engine(reader=second, read=first)

    engine.start()

    assert shop.store.wait_for(lambda: shop.counted("second") == {"a": 1})


def test_a_processor_that_hangs_holds_up_no_other(shop: Any) -> None:
    gate = shop.gate()
    hanging = shop.counting(makes=shop.counts("hanging"), before=gate)
    shop.add("a")
    engine = shop.engine(hanging=hanging, one=shop.counting())

    engine.start()

    assert gate.entered.wait(WAIT_S)
    assert shop.store.wait_for(lambda: shop.counted() == {"a": 1})


def test_a_processor_that_hangs_does_not_keep_the_engine_from_stopping(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gate = shop.gate()
    shop.add("a")
    engine = shop.engine(one=shop.counting(before=gate))
    engine.start()
    assert gate.entered.wait(WAIT_S)

    engine.stop(0.0)

    assert "processor one: it does not return; it is left behind." in caplog.text


def test_a_stop_lets_the_portion_in_hand_end(shop: Any) -> None:
    gate = shop.gate()
    shop.add("a")
    engine = shop.engine(one=shop.counting(before=gate))
    engine.start()
    assert gate.entered.wait(WAIT_S)

    engine.halt()
    gate.opened.set()
    engine.stop(WAIT_S)

    assert shop.counted() == {"a": 1}


def test_a_circle_is_refused(shop: Any) -> None:
    first, second = shop.counts("first"), shop.counts("second")
    one = shop.counting(makes=first, reads=(second,))
    other = shop.counting(makes=second, reads=(first,))

    with pytest.raises(Permanent, match="in a circle"):
        shop.engine(one=one, other=other)


def test_a_request_runs_what_is_due_in_order_and_tells_of_it(shop: Any) -> None:
    first, second = chain(shop, cadence=Cadence(every_s=1000.0, settle_s=1000.0))
    shop.add("a", "b")
    engine = shop.engine(reader=second, read=first)

    told = list(engine.process(Asked()))

    assert told == [
        Progress("read", 0, 2, 0, 0),
        Progress("read", 2, 2, 2, 0),
        Progress("reader", 0, 2, 0, 0),
        Progress("reader", 2, 2, 2, 0),
    ]
    assert second.calls == [["a", "b"]]


def test_a_request_for_everything_runs_again_on_all(shop: Any) -> None:
    processor = shop.counting()
    shop.add("a", "b")
    engine = shop.engine(one=processor)
    list(engine.process(Asked()))

    nothing = list(engine.process(Asked()))
    told = list(engine.process(Asked(everything=True)))

    assert nothing == [Progress("one", 0, 0, 0, 0)]
    assert told[-1] == Progress("one", 2, 2, 2, 0)
    assert processor.calls == [["a", "b"], ["a", "b"]]


def test_a_request_for_a_session_runs_on_it_alone(shop: Any) -> None:
    processor = shop.counting()
    shop.add("a", "b")
    engine = shop.engine(one=processor)

    list(engine.process(Asked("one", "b")))

    assert processor.calls == [["b"]]


def test_a_request_tells_of_sessions_that_failed(shop: Any) -> None:
    def fail(sessions: Sessions) -> None:
        if "b" in sessions.ids.to_pylist():
            raise ValueError("b")

    shop.add("a", "b", "c")
    engine = shop.engine(one=shop.counting(before=fail))

    told = list(engine.process(Asked()))

    assert told[-1] == Progress("one", done=3, of=3, rows=2, failed=1)


def test_a_request_tries_at_once_what_failed_before(shop: Any) -> None:
    troubles = iter([ValueError("a")])

    def fail_once(_: Sessions) -> None:
        if trouble := next(troubles, None):
            raise trouble

    shop.add("a")
    engine = shop.engine(one=shop.counting(before=fail_once))
    failed = list(engine.process(Asked()))[-1].failed

    told = list(engine.process(Asked()))

    assert (failed, told[-1]) == (1, Progress("one", done=1, of=1, rows=1, failed=0))


@pytest.mark.parametrize(
    ("asked", "reason", "words"),
    [
        (Asked(processor="two"), "unknown_processor", "no session-scope processor two. Known: one"),
        (Asked(session_id="z"), "unknown_session", "the store knows no session z"),
        (Asked(session_id=""), "unknown_session", "the store knows no session ''"),
    ],
)
def test_a_request_for_what_is_not_there_is_refused(
    shop: Any, asked: Asked, reason: str, words: str
) -> None:
    shop.add("a")
    engine = shop.engine(one=shop.counting())

    with pytest.raises(Permanent, match=words) as caught:
        list(engine.process(asked))

    assert caught.value.reason == reason


def test_a_second_request_is_refused_while_one_runs(shop: Any) -> None:
    shop.add("a")
    engine = shop.engine(one=shop.counting())
    running = engine.process(Asked())
    next(running)

    with pytest.raises(Permanent, match="already running since 10:14:40 UTC") as caught:
        list(engine.process(Asked("one")))

    assert caught.value.reason == "already_running"


def test_a_request_takes_one_processor_after_the_other(shop: Any) -> None:
    first, second = chain(shop)
    shop.add("a")
    engine = shop.engine(reader=second, read=first)
    running = engine.process(Asked())
    next(running)

    beside = list(engine.process(Asked("reader")))

    assert beside[-1] == Progress("reader", 1, 1, 1, 0)
    assert [told.processor for told in running] == ["read", "reader", "reader"]


def test_a_request_waits_for_one_that_came_in_between(shop: Any) -> None:
    first, second = chain(shop)
    shop.add("a")
    engine = shop.engine(reader=second, read=first)
    running, told = engine.process(Asked()), list[Progress]()
    next(running)
    between = engine.process(Asked("reader"))
    next(between)
    waiting = threading.Thread(target=lambda: told.extend(running), daemon=True)
    waiting.start()

    between.close()

    waiting.join(WAIT_S)
    assert told[-1] == Progress("reader", 1, 1, 1, 0)


def test_a_request_that_hangs_holds_up_no_other_processor(shop: Any) -> None:
    gate = shop.gate()
    shop.add("a")
    hanging = shop.counting(makes=shop.counts("hanging"), before=gate)
    engine = shop.engine(hanging=hanging, one=shop.counting())
    asking = threading.Thread(target=lambda: list(engine.process(Asked())), daemon=True)
    asking.start()
    assert gate.entered.wait(WAIT_S)

    engine.start()

    assert shop.store.wait_for(lambda: shop.counted() == {"a": 1})
    gate.opened.set()
    asking.join(WAIT_S)
    assert not asking.is_alive()


def test_a_portion_that_takes_minutes_is_told_of(shop: Any) -> None:
    gate = shop.gate()
    shop.add("a", "b")
    engine = shop.engine(one=shop.counting(before=gate))
    engine.start()
    assert gate.entered.wait(WAIT_S)

    at_first = engine.troubles()
    shop.clock.advance(300)
    later = engine.troubles()

    assert at_first == []
    assert later == [
        "processor one: at work on 2 sessions since 10:14:40 UTC (asked for by its own cadence)."
    ]


def test_a_request_that_is_given_up_gives_its_turn_back(shop: Any) -> None:
    shop.add("a")
    engine = shop.engine(one=shop.counting())
    given_up = engine.process(Asked())
    next(given_up)

    given_up.close()

    assert list(engine.process(Asked()))[-1].done == 1


def test_a_refused_request_gives_back_what_it_had(shop: Any) -> None:
    first, second = chain(shop)
    engine = shop.engine(reader=second, read=first)
    running = engine.process(Asked("reader"))
    next(running)

    with pytest.raises(Permanent, match="processor reader: already running"):
        list(engine.process(Asked()))

    assert list(engine.process(Asked("read"))) == [Progress("read", 0, 0, 0, 0)]


def test_a_request_ends_when_the_engine_stops(shop: Any) -> None:
    shop.add("a")
    engine = shop.engine(one=shop.counting())
    running = engine.process(Asked())
    next(running)

    engine.stop(WAIT_S)

    with pytest.raises(Retryable, match="the service is stopping"):
        next(running)


def test_the_background_goes_on_when_a_request_is_done(shop: Any) -> None:
    engine = shop.engine(one=shop.counting())
    running = engine.process(Asked())
    next(running)
    engine.start()
    shop.add("a")
    engine.wake()

    running.close()

    assert shop.store.wait_for(lambda: shop.counted() == {"a": 1})


def test_trouble_of_the_store_is_told_and_no_thread_ends(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    told = threading.Event()
    troubles: list[str] = []
    due = shop.store.due

    def locked(ask: Any) -> Any:
        if not told.is_set():
            troubles[:] = engine.troubles()
            if troubles:
                told.set()
            raise Retryable("locked", retry_after_s=0.0)
        return due(ask)

    shop.store.due = locked
    engine = shop.engine(one=shop.counting())
    engine.start()
    shop.add("a")
    engine.wake()

    done = shop.store.wait_for(lambda: shop.counted() == {"a": 1})

    assert done
    assert troubles == ["processor one: locked"]
    assert engine.troubles() == []


def test_what_is_settled_is_up_to_date(shop: Any) -> None:
    first, second = chain(shop, cadence=Cadence(every_s=1000.0, settle_s=1000.0))
    engine = shop.engine(reader=second, read=first)
    engine.start()
    shop.add("a")

    list(engine.settle())

    assert shop.counted("second") == {"a": 1}


KINDS = st.sampled_from(["add", "break", "mend", "wait", "work"])
STEPS = st.lists(st.tuples(KINDS, st.sampled_from("abcd")), max_size=30)


@given(STEPS)
@settings(deadline=None)
def test_whatever_fails_in_between_all_is_there_in_the_end(
    make_shop: Any, steps: list[tuple[str, str]]
) -> None:
    shop, broken = make_shop(), set[str]()

    def fail(sessions: Sessions) -> None:
        if broken & set(sessions.ids.to_pylist()):
            raise ValueError("broken")

    worker = shop.worker(shop.counting(before=fail))
    does: dict[str, Callable[[str], Any]] = {
        "add": shop.add,
        "break": broken.add,
        "mend": broken.discard,
        "wait": lambda _session_id: shop.clock.advance(600),
        "work": lambda _session_id: worker.step(),
    }

    for kind, session_id in [*steps, *(("mend", each) for each in "abcd")]:
        does[kind](session_id)
    shop.clock.advance(4000)
    worker.step()

    assert shop.counted() == Counter(each for kind, each in steps if kind == "add")
