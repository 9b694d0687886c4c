"""One run over sessions: read, process, replace; and who fails alone."""

import logging
from asyncio import CancelledError
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.counters import (
    PROCESSOR_FAILED_SESSIONS,
    PROCESSOR_ROWS,
    PROCESSOR_RUN_SECONDS,
    PROCESSOR_SESSIONS,
)
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.sessions import Again, Sessions
from agentpond.pipeline.engine.sessions.insist import Stopped
from agentpond.pipeline.engine.sessions.runs import Done, again_at


def poison(*session_ids: str) -> Any:
    def fail(sessions: Sessions) -> None:
        bad = sorted(set(sessions.ids.to_pylist()) & set(session_ids))
        if bad:
            raise ZeroDivisionError(f"cannot\ndivide {bad[0][:1]}")

    return fail


class Failing:
    """Raises errors in the place of a store's method, one a call, and then calls it."""

    def __init__(self, call: Any, *errors: Exception) -> None:
        self._call = call
        self._errors: Iterator[Exception] = iter(errors)

    def __call__(self, *args: Any) -> Any:
        error = next(self._errors, None)
        if error is not None:
            raise error
        return self._call(*args)


def test_a_run_puts_rows_in_the_store_and_counts(shop: Any) -> None:
    shop.add("a", "a", "b")
    runs = shop.runs(shop.counting(before=lambda _sessions: shop.clock.advance(2.5)))

    done = runs.run(runs.due())

    assert done == Done(sessions=2, failed=0, rows=2)
    assert shop.counted() == {"a": 2, "b": 1}
    assert shop.counters.total(PROCESSOR_SESSIONS, processor="counting") == 2
    assert shop.counters.total(PROCESSOR_ROWS, processor="counting") == 2
    assert shop.counters.total(PROCESSOR_RUN_SECONDS, processor="counting") == 2.5
    assert runs.due().num_rows == 0


def test_who_fails_stands_alone(shop: Any) -> None:
    shop.add(*"abcdefgh")
    runs = shop.runs(shop.counting(before=poison("c", "h")))

    done = runs.run(runs.due())

    assert done == Done(sessions=8, failed=2, rows=6)
    assert sorted(shop.counted()) == ["a", "b", "d", "e", "f", "g"]
    assert shop.counters.total(PROCESSOR_FAILED_SESSIONS, processor="counting") == 2


def test_an_error_is_noted_in_one_line_with_its_type(shop: Any) -> None:
    shop.add("a")
    runs = shop.runs(shop.counting(before=poison("a")))

    runs.run(runs.due())

    state = shop.store.state("counting", "a")
    assert (state.error, state.attempts) == ("ZeroDivisionError: cannot divide a", 1)
    assert state.again_us == shop.now_us + 5_000_000
    assert runs.next_again_us() == shop.now_us + 5_000_000


def test_a_session_that_failed_is_due_again_when_its_time_comes(shop: Any) -> None:
    shop.add("a")
    processor = shop.counting(before=poison("a"))
    runs = shop.runs(processor)
    runs.run(runs.due())
    waits = runs.due().num_rows
    shop.clock.advance(5)
    processor.before = poison()

    runs.run(runs.due())

    assert waits == 0
    assert shop.counted() == {"a": 1}
    assert shop.store.state("counting", "a").attempts == 0


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a\n\tb\u2028c"), "ValueError: a b c"),
        (ValueError("bad \ud800 text"), "ValueError: bad \ufffd text"),
        (ValueError("nul\0"), "ValueError: nul\ufffd"),
        (ValueError("x" * 5000), "ValueError: " + "x" * 988),
        (ValueError(), "ValueError"),
        (Unspeakable(), "Unspeakable: it cannot be put in words"),
        (SystemExit(1), "SystemExit: 1"),
        (CancelledError("over"), "CancelledError: over"),
        (MemoryError("much"), "MemoryError: much"),
    ],
)
def test_whatever_a_processor_raises_is_a_failure_in_words_that_any_store_takes(
    shop: Any, error: BaseException, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_sessions: Sessions) -> None:
        raise error

    # pytest-xdist cannot carry what is not UTF-8 from one process to the other.
    caplog.set_level(logging.CRITICAL, "agentpond.sessions")

    shop.add("a")
    runs = shop.runs(shop.counting(before=fail))

    runs.run(runs.due())

    assert shop.store.state("counting", "a").error == told


def test_splitting_ends_and_leaves_what_it_did_not_come_to(shop: Any) -> None:
    names = [f"{at:03}" for at in range(500)]
    shop.add(*names)
    processor = shop.counting(before=poison(*names))
    runs = shop.runs(processor)

    done = runs.run(runs.due())

    assert len(processor.calls) == 64
    assert done.failed == done.sessions
    assert done.left.num_rows == 500 - done.sessions
    assert runs.due().num_rows == done.left.num_rows


def test_each_attempt_waits_twice_as_long_and_at_most_an_hour(shop: Any) -> None:
    rows = [{"session_id": str(n), "attempts": n} for n in (0, 1, 2, 9, 10, 1_000_000)]

    at = again_at(shop.due(*rows), 0)

    seconds = [at_us // 1_000_000 for at_us in at.cast(pa.int64()).to_pylist()]
    assert seconds == [5, 10, 20, 2560, 3600, 3600]


def test_sessions_that_fail_alike_are_told_once_with_a_traceback(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shop.add("a1", "a2", "b")
    runs = shop.runs(shop.counting(before=poison("a1", "a2", "b")))

    runs.run(runs.due())

    told = [(each.getMessage(), each.exc_info is not None) for each in caplog.records]
    words = "such as {0}), to be tried again later: ZeroDivisionError: cannot divide {1}"
    assert told == [
        ("processor counting: failed on 2 sessions (" + words.format("a1", "a"), True),
        ("processor counting: failed on 1 sessions (" + words.format("b", "b"), True),
    ]


def test_the_same_error_in_the_next_portion_is_told_without_a_traceback(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runs = shop.runs(shop.counting(before=poison("a1", "a2")))

    for session_id in ("a1", "a2"):
        shop.add(session_id)
        runs.run(runs.due())

    assert [each.exc_info is not None for each in caplog.records] == [True, False]


def test_a_second_attempt_is_told_without_a_traceback(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shop.add("a")
    runs = shop.runs(shop.counting(before=poison("a")))
    runs.run(runs.due())
    shop.clock.advance(5)
    caplog.clear()

    runs.run(runs.due())

    assert [each.exc_info for each in caplog.records] == [None]


@pytest.mark.parametrize("kind", [Retryable("later"), Permanent("never", reason="x")])
def test_no_error_of_a_processor_is_waited_out(shop: Any, kind: Exception) -> None:
    def fail(_sessions: Sessions) -> None:
        raise kind

    shop.add("a")
    runs = shop.runs(shop.counting(before=fail))

    done = runs.run(runs.due())

    assert done.failed == 1


def row_twice(shop: Any) -> Batch:
    told = [{"session_id": "a", "events": 9}]
    return Batch(
        shop.counts("counts"), pa.RecordBatch.from_pylist(told, shop.counts("counts").schema)
    )


def foreign_rows(shop: Any) -> Batch:
    records = pa.RecordBatch.from_pylist([{"session_id": "z"}], schema=shop.counts("t").schema)
    return Batch(shop.counts("counts"), records)


def foreign_table(shop: Any) -> Batch:
    table = shop.counts("other")
    return Batch(table, pa.RecordBatch.from_pylist([], schema=table.schema))


def foreign_again(shop: Any) -> Again:
    return Again(pa.array(["z"]), shop.times(1))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (foreign_rows, "it gave rows of counts of session z, which is not at hand"),
        (foreign_table, "it gave rows of other, and makes: counts"),
        (row_twice, "it gave rows of counts of the same key: {'session_id': 'a'}"),
        (foreign_again, "it gave an Again of session z, which is not at hand"),
    ],
)
def test_what_is_not_its_to_give_is_a_failure(shop: Any, make: Any, told: str) -> None:
    shop.add("a")
    runs = shop.runs(shop.counting(beside=(make(shop),)))

    done = runs.run(runs.due())

    assert done.failed == 1
    assert told in shop.store.state("counting", "a").error


def test_rows_are_told_apart_by_all_columns_of_their_key(shop: Any) -> None:
    table = Table("pairs", shop.counts("pairs").schema, ("session_id", "events"))
    shop.add("a", "b")
    runs = shop.runs(shop.counting(makes=table))

    done = runs.run(runs.due())

    assert done == Done(sessions=2, failed=0, rows=2)


def test_the_earliest_time_to_look_again_counts(shop: Any) -> None:
    shop.add("a", "b")
    agains = (
        Again(pa.array(["a", "b"]), shop.times(9, 5)),
        Again(pa.array(["a"]), shop.times(7)),
        Again(pa.array(["b"]), pa.nulls(1, shop.times().type)),
    )
    runs = shop.runs(shop.counting(beside=agains))

    runs.run(runs.due())

    assert shop.store.state("counting", "a").again_us == 7
    assert shop.store.state("counting", "b").again_us == 5


@pytest.mark.parametrize("method", ["read", "replace", "due", "next_again_us", "fail"])
def test_trouble_of_the_store_is_waited_out(shop: Any, method: str) -> None:
    shop.add("a", "b")
    runs = shop.runs(shop.counting(before=poison("a")))
    call = getattr(shop.store, method)
    setattr(shop.store, method, Failing(call, Retryable("locked", retry_after_s=0.0)))

    done = runs.run(runs.due())

    assert (done.failed, done.rows) == (1, 1)
    assert runs.next_again_us() == shop.now_us + 5_000_000
    assert runs.insist.trouble == ""


@pytest.mark.parametrize("method", ["read", "replace"])
@pytest.mark.parametrize(
    "error", [Retryable("much", reason="out_of_memory"), MemoryError("much")], ids=["ours", "its"]
)
def test_want_of_memory_is_a_failure_of_the_portion(
    shop: Any, method: str, error: Exception
) -> None:
    shop.add("a", "b", "c")
    call = getattr(shop.store, method)
    setattr(shop.store, method, Failing(call, error, error))
    runs = shop.runs(shop.counting())

    done = runs.run(runs.due())

    assert done == Done(sessions=3, failed=1, rows=2)
    assert shop.store.state("counting", "a").error == f"{type(error).__name__}: much"


def test_want_of_memory_that_no_session_is_to_blame_for_is_waited_out(shop: Any) -> None:
    shop.add("a")
    runs = shop.runs(shop.counting())
    error = Retryable("much", reason="out_of_memory", retry_after_s=0.0)
    shop.store.due = Failing(shop.store.due, error)

    due = runs.due()

    assert due["session_id"].to_pylist() == ["a"]


def test_a_portion_that_the_store_refuses_is_split(shop: Any) -> None:
    shop.add("a", "b")
    replace = shop.store.replace

    def refuse(run: Any, tables: Any, batches: Sequence[Batch], again: Any) -> int:
        if "b" in run.sessions["session_id"].to_pylist():
            raise Permanent("no room for b", reason="bad_result")
        written: int = replace(run, tables, batches, again)
        return written

    shop.store.replace = refuse
    runs = shop.runs(shop.counting())

    done = runs.run(runs.due())

    assert done == Done(sessions=2, failed=1, rows=1)
    assert shop.store.state("counting", "b").error == "Permanent: no room for b"


def test_a_bug_in_the_store_where_no_session_is_to_blame_is_waited_out(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runs = shop.runs(shop.counting())
    shop.store.due = Failing(shop.store.due, KeyError("oops"))

    due = runs.due()

    assert due.num_rows == 0
    assert "processor counting: KeyError: 'oops' It is tried again." in caplog.text


def test_by_hand_trouble_of_the_store_is_told_in_the_end(shop: Any) -> None:
    runs = shop.runs(shop.counting()).by_hand()
    errors = [Retryable("locked", retry_after_s=0.0) for _ in range(9)]
    shop.store.due = Failing(shop.store.due, *errors)

    with pytest.raises(Retryable, match="locked"):
        runs.due()


def test_what_waits_leaves_when_the_engine_stops(
    shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    runs = shop.runs(shop.counting())
    shop.store.due = Failing(shop.store.due, Retryable("locked"), Retryable("locked"))
    shop.stopped.set()

    with pytest.raises(Stopped):
        runs.due()

    assert runs.insist.trouble == "processor counting: locked"
