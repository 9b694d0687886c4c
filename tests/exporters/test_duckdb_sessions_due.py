"""Which sessions a processor is to run on, and what `processor_state` says of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.sessions import DUE, SessionStore

from .sessions_support import (
    NOON_US,
    THREE,
    Maker,
    again,
    ask,
    call,
    due,
    fail,
    put,
    run_on,
    succeed,
)
from .support import NOON, deliver, event, later, make_store


@pytest.fixture
def ready(store: DuckDBExporter) -> DuckDBExporter:
    """Give a store with three processors and an event of each of two sessions."""
    store.prepare(THREE)
    store.export(deliver(0, [event(1, session_id="a", agent="codex", position=7)]))
    store.export(deliver(1, [event(2, session_id="b", agent="codex", position=8)]))
    return store


def test_the_exporter_is_a_session_store(store: DuckDBExporter) -> None:
    told = isinstance(store, SessionStore)

    assert told


def test_a_session_never_seen_is_due_with_all_that_is_known_of_it(ready: DuckDBExporter) -> None:
    told = ready.due(ask())

    assert told.schema == DUE
    assert told.to_pylist()[0] == {
        "session_id": "a",
        "change": 1,
        "position": 7,
        "changed_at": NOON,
        "events": 1,
        "attempts": 0,
        "fresh": True,
        "ready": True,
    }


def test_a_session_that_was_seen_is_not_due(ready: DuckDBExporter) -> None:
    put(ready, call("a"))

    told = due(ready)

    assert told == []


def test_a_session_with_a_new_event_is_due_again(ready: DuckDBExporter) -> None:
    put(ready, call("a"))

    ready.export(deliver(2, [event(3, session_id="b", position=9)]))

    assert due(ready) == ["b"]


def test_a_copy_of_an_event_makes_nothing_due(ready: DuckDBExporter) -> None:
    put(ready, call("a"))

    ready.export(deliver(2, [event(2, session_id="b", position=9)]))

    assert due(ready) == []


def test_what_came_during_a_run_is_due_after_it(ready: DuckDBExporter) -> None:
    run = run_on(ready)
    ready.export(deliver(2, [event(3, session_id="b", position=9)]))

    ready.replace(run, THREE["ledger"].tables, [])

    assert due(ready) == ["b"]


def test_another_version_is_due_on_everything_but_nothing_is_fresh(ready: DuckDBExporter) -> None:
    put(ready, call("a"))

    told = ready.due(ask(version="2"))

    assert told.select(["session_id", "fresh"]).to_pydict() == {
        "session_id": ["a", "b"],
        "fresh": [False, False],
    }


def test_an_event_of_a_session_makes_the_units_beside_it_due(ready: DuckDBExporter) -> None:
    unit = event(3, agent="codex", time=later(hours=-12))
    other = event(4, agent="claude_code", time=later(hours=-12))
    ready.export(deliver(2, [unit, other]))
    put(ready)

    ready.export(deliver(3, [event(5, agent="codex", session_id="a", time=later(hours=-12.5))]))

    assert due(ready) == ["a", "no-session:codex:2026-11-20"]


def test_no_unit_is_made_for_what_has_a_session(ready: DuckDBExporter) -> None:
    ready.export(deliver(2, [event(5, agent="codex", session_id="a", time=NOON)]))

    told = due(ready)

    assert told == ["a", "b"]


def test_rows_of_upstream_that_changed_make_their_readers_due(ready: DuckDBExporter) -> None:
    put(ready)
    succeed(ready, "turns")

    put(ready, call("b"), everything=True)

    assert due(ready, "turns") == ["b"]


def test_rows_of_upstream_that_stayed_the_same_make_nobody_due(ready: DuckDBExporter) -> None:
    put(ready, call("a"))
    succeed(ready, "turns")

    put(ready, call("a"), everything=True)

    assert due(ready, "turns") == []


def test_a_session_is_ready_when_upstream_has_seen_it(ready: DuckDBExporter) -> None:
    before = ready.due(ask("turns"))["ready"].to_pylist()
    put(ready)

    after = ready.due(ask("turns"))["ready"].to_pylist()

    assert (before, after) == ([False, False], [True, True])


def test_a_session_is_not_ready_before_the_upstream_of_its_upstream(ready: DuckDBExporter) -> None:
    put(ready)
    succeed(ready, "turns")
    put(ready, call("a"), everything=True)

    told = ready.due(ask("sessions"))["ready"].to_pylist()

    assert told == [False, True]


def test_upstream_that_failed_does_not_hold_up_its_readers(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US + 1000)

    told = ready.due(ask("turns"))["ready"].to_pylist()

    assert told == [True, True]


def test_upstream_that_is_not_configured_is_not_waited_for(ready: DuckDBExporter) -> None:
    ready.prepare({"turns": THREE["turns"]})

    told = ready.due(ask("turns"))["ready"].to_pylist()

    assert told == [True, True]


def test_a_failed_session_is_due_when_its_time_comes(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US + 1000)

    early, late = due(ready, now_us=NOON_US + 999), due(ready, now_us=NOON_US + 1000)

    assert (early, late) == ([], ["a", "b"])


def test_a_failed_session_is_due_at_once_for_who_asks_for_it(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US + 1000)

    told = due(ready, failed=True), due(ready, everything=True), due(ready, version="2")

    assert told == (["a", "b"], ["a", "b"], ["a", "b"])


HOUR_US = 3_600_000_000


def test_a_failed_session_is_held_back_for_an_hour_at_most(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US + 30 * 24 * HOUR_US)

    told = due(ready), ready.next_again_us("ledger")

    assert told == (["a", "b"], NOON_US)


def test_a_failed_session_is_held_back_for_all_of_an_hour(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US + HOUR_US)

    told = due(ready), ready.next_again_us("ledger")

    assert told == ([], NOON_US + HOUR_US)


def test_a_time_that_is_far_away_is_waited_for(ready: DuckDBExporter) -> None:
    run = replace(run_on(ready), started_at_us=NOON_US)
    ready.replace(run, THREE["ledger"].tables, [], again("b", NOON_US + 30 * 24 * HOUR_US))

    told = due(ready), ready.next_again_us("ledger")

    assert told == ([], NOON_US + 30 * 24 * HOUR_US)


def test_a_time_that_a_clock_running_ahead_asked_for_is_not_waited_for(
    ready: DuckDBExporter,
) -> None:
    run = replace(run_on(ready), started_at_us=NOON_US + 24 * HOUR_US)
    ready.replace(run, THREE["ledger"].tables, [], again("b", NOON_US + 25 * HOUR_US))

    told = due(ready), ready.next_again_us("ledger")

    assert told == (["b"], NOON_US)


def test_that_upstream_succeeds_at_last_is_news_also_without_rows(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US)
    succeed(ready, "turns")

    put(ready)

    assert due(ready, "turns") == ["a", "b"]


def test_attempts_are_counted_until_one_succeeds(ready: DuckDBExporter) -> None:
    fail(ready, "ledger", NOON_US)
    fail(ready, "ledger", NOON_US)
    failed = ready.due(ask())["attempts"].to_pylist()
    put(ready)

    told = ready.due(ask(everything=True))["attempts"].to_pylist()

    assert (failed, told) == ([2, 2], [0, 0])


def test_a_session_is_looked_at_again_when_its_processor_asked_for_it(
    ready: DuckDBExporter,
) -> None:
    run = run_on(ready)
    ready.replace(run, THREE["ledger"].tables, [], again("b", NOON_US + 1000))

    told = due(ready), ready.next_again_us("ledger"), due(ready, now_us=NOON_US + 1000)

    assert told == ([], NOON_US + 1000, ["b"])


def test_who_asked_for_nothing_has_no_next_time(ready: DuckDBExporter) -> None:
    put(ready)

    told = ready.next_again_us("ledger")

    assert told is None


def test_the_number_of_changes_grows_with_deliveries_and_rows(ready: DuckDBExporter) -> None:
    before = ready.change

    put(ready)

    assert (before, ready.change) == (2, 3)


def test_the_number_of_changes_goes_on_after_a_restart(ready: DuckDBExporter, path: Path) -> None:
    put(ready, call("a"))
    ready.stop()

    opened = make_store(path)
    opened.start()

    told = opened.change
    opened.stop()
    assert told == 3


def test_the_state_tells_what_every_processor_has_seen(ready: DuckDBExporter) -> None:
    put(ready, call("a"), call("b"), call("b", 2))
    fail(ready, "turns", NOON_US)
    ready.export(deliver(2, [event(3, session_id="b", position=9)]))
    sql = """
        SELECT processor, session_id, processor_version, seen_through, status, "rows", error
        FROM processor_state WHERE processor <> 'sessions' OR session_id = 'a' ORDER BY ALL
    """

    told = [tuple(row.values()) for row in ready.query(sql).to_pylist()]

    assert told == [
        ("ledger", "a", "1", 7, "processed", 1, None),
        ("ledger", "b", "1", 8, "pending", 2, None),
        ("sessions", "a", None, None, "pending", 0, None),
        ("turns", "a", "1", None, "failed", 0, "no luck"),
        ("turns", "b", "1", None, "failed", 0, "no luck"),
    ]


def test_the_state_says_pending_while_rows_of_upstream_are_unread(ready: DuckDBExporter) -> None:
    put(ready)
    succeed(ready, "turns")
    put(ready, call("a"), everything=True)

    told = ready.query(
        "SELECT session_id FROM processor_state WHERE processor = 'turns' AND status = 'pending'"
    )

    assert told["session_id"].to_pylist() == ["a"]


def test_a_processor_that_is_not_configured_any_more_has_no_state(ready: DuckDBExporter) -> None:
    put(ready)

    ready.prepare({"other": Maker(())})

    told = ready.query("SELECT DISTINCT processor FROM processor_state")
    assert told["processor"].to_pylist() == ["other"]
