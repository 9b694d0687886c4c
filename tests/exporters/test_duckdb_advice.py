"""Advice comes of errors that come again, can be adopted, and is held against what came after."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.advice import Adoption, Adviser
from agentpond.pipeline.core.errors import Permanent, Retryable

from .found_support import ask, cluster, made_file, put, session
from .support import NOON, NOON_NS, column, make_store

NOON_US = NOON_NS // 1000
DAY_US = 86_400_000_000
IDS = "SELECT advice_id FROM advice"


@pytest.fixture
def store(path: Path) -> Iterator[DuckDBExporter]:
    """Give a store in which one error came in the first two sessions of four."""
    with made_file(path) as db:
        put(db, "sessions", *(session(each, day) for day, each in enumerate("abcd")))
        put(db, "error_clusters", cluster("a", count=3), cluster("b", 1, count=1))
    opened = make_store(path)
    opened.start()
    yield opened
    opened.stop()


def advise(*rows: tuple[dict[str, Any], dict[str, Any]], what: str = "*") -> list[Any]:
    """Give columns of `advice` for sessions with their clusters."""
    with made_file() as db:
        for of_session, of_cluster in rows:
            put(db, "sessions", of_session)
            put(db, "error_clusters", of_cluster)
        return ask(db, f"SELECT {what} FROM advice ORDER BY ALL")


def rates(store: DuckDBExporter) -> dict[str, Any]:
    found = store.query("SELECT * LIKE '%before', * LIKE '%after' FROM advice").to_pylist()
    return {name: value for name, value in found[0].items() if not name.startswith("turns")}


def test_an_error_that_came_in_one_session_gives_no_advice() -> None:
    assert advise((session("a"), cluster("a", count=9))) == []


def test_an_error_that_came_in_two_sessions_does() -> None:
    found = advise(
        (session("a", user_id="1"), cluster("a", cost_after_usd=0.5, turns_after=2)),
        (session("b", 1, user_id="2"), cluster("b", 1, cost_after_usd=0.25, turns_after=1)),
        what="file, line, tool_name, errors, sessions, users, cost_after_usd, turns_after",
    )

    line = "Look whether a file is there before you read it."
    assert found == [("CLAUDE.md", line, "Bash", 4, 2, 2, 0.75, 3)]


def test_all_agents_but_claude_code_read_agents_md() -> None:
    found = advise(
        (session("a", agent="codex"), cluster("a", agent="codex")),
        (session("b", agent="codex"), cluster("b", agent="codex")),
        what="agent, file",
    )

    assert found == [("codex", "AGENTS.md")]


def test_sessions_of_another_project_or_agent_are_others() -> None:
    found = advise(
        (session("a"), cluster("a")),
        (session("b", repository="lake"), cluster("b")),
        (session("c", agent="codex"), cluster("c", agent="codex")),
    )

    assert found == []


def test_without_a_repository_the_directory_is_the_project() -> None:
    found = advise(
        (session("a", repository=None, cwd="/pond"), cluster("a")),
        (session("b", repository=None, cwd="/pond"), cluster("b")),
        what="project",
    )

    assert found == [("/pond",)]


def test_sessions_that_tell_no_project_are_one_group() -> None:
    found = advise(
        (session("a", repository=None), cluster("a")),
        (session("b", repository=None), cluster("b")),
        what="project, sessions, sessions_before",
    )

    assert found == [(None, 2, 2)]


def test_what_names_no_session_counts_for_nothing() -> None:
    found = advise(
        (session("a"), cluster("a")),
        (
            session("no-session:claude_code:2026-11-20"),
            cluster("no-session:claude_code:2026-11-20"),
        ),
    )

    assert found == []


def test_an_error_without_a_line_proposes_nothing() -> None:
    found = advise(
        (session("a"), cluster("a", advice=None)), (session("b"), cluster("b", advice=None))
    )

    assert found == []


def test_the_line_is_that_of_most_sessions() -> None:
    found = advise(
        (session("a"), cluster("a", advice="x")),
        (session("b"), cluster("b", advice="y")),
        (session("c"), cluster("c", advice="y")),
        what="line",
    )

    assert found == [("y",)]


def test_the_evidence_is_the_latest_five_sessions() -> None:
    found = advise(
        *((session(each, day), cluster(each, day)) for day, each in enumerate("abcdef")),
        what="evidence, sessions",
    )

    assert found == [(["f", "e", "d", "c", "b"], 6)]


def test_the_events_that_tell_of_it_are_named() -> None:
    found = advise(
        (session("a"), cluster("a", example_event_id=UUID(int=1))),
        (session("b", 1), cluster("b", 1, example_event_id=None)),
        (session("c", 2), cluster("c", 2, example_event_id=UUID(int=3))),
        what="example_event_ids",
    )

    assert found == [([str(UUID(int=3)), str(UUID(int=1))],)]


def test_the_id_stays_the_same_when_more_sessions_come() -> None:
    two = [(session("a"), cluster("a")), (session("b"), cluster("b"))]

    before = advise(*two, what="advice_id")
    after = advise(*two, (session("c"), cluster("c", count=7)), what="advice_id")

    assert before == after == [("ae9b5cc716eb",)]


def test_before_adoption_the_rate_covers_all_sessions_hit_or_not(store: DuckDBExporter) -> None:
    assert rates(store) == {
        "sessions_before": 4,
        "errors_before": 4,
        "rate_before": 1.0,
        "sessions_after": None,
        "errors_after": None,
        "rate_after": None,
    }


def test_a_session_that_tells_of_no_errors_at_all_counts_for_no_rate() -> None:
    with made_file() as db:
        silent = session("c", 2, tool_errors=None)
        put(db, "sessions", session("a"), session("b", 1, tool_errors=None), silent)
        put(db, "error_clusters", cluster("a"), cluster("b", 1))

        told = ask(db, "SELECT sessions_before, rate_before FROM advice")

    assert told == [(2, 2.0)]


def test_once_adopted_sessions_before_and_after_are_told_apart(store: DuckDBExporter) -> None:
    store.adopt(column(store, IDS)[0], NOON_US + DAY_US)

    assert rates(store) == {
        "sessions_before": 1,
        "errors_before": 3,
        "rate_before": 3.0,
        "sessions_after": 3,
        "errors_after": 1,
        "rate_after": pytest.approx(1 / 3),
    }


def test_without_sessions_since_adoption_there_is_no_rate_after(store: DuckDBExporter) -> None:
    store.adopt(column(store, IDS)[0], NOON_US + 9 * DAY_US)

    told = rates(store)

    assert (told["sessions_after"], told["errors_after"], told["rate_after"]) == (0, 0, None)


def test_a_store_keeps_which_advice_was_adopted(store: DuckDBExporter) -> None:
    assert isinstance(store, Adviser)


def test_advice_is_adopted_from_now_on(store: DuckDBExporter) -> None:
    (advice_id,) = column(store, IDS)

    done = store.adopt(advice_id)

    told = store.query("FROM advice_adopted").to_pylist()
    assert done == Adoption(advice_id, NOON_US, None)
    assert told == [{"advice_id": advice_id, "adopted_at": NOON, "noted_at": NOON}]


def test_adopting_twice_says_since_when_and_changes_nothing(store: DuckDBExporter) -> None:
    (advice_id,) = column(store, IDS)
    store.adopt(advice_id, NOON_US - DAY_US)

    done = store.adopt(advice_id)

    assert done == Adoption(advice_id, NOON_US - DAY_US, NOON_US - DAY_US)
    assert column(store, "SELECT adopted_at FROM advice") == [NOON - timedelta(days=1)]


def test_another_time_takes_the_place_of_the_first(store: DuckDBExporter) -> None:
    (advice_id,) = column(store, IDS)
    store.adopt(advice_id)

    done = store.adopt(advice_id, NOON_US - DAY_US)

    assert done == Adoption(advice_id, NOON_US - DAY_US, NOON_US)
    assert column(store, "SELECT count(*) FROM advice_adopted") == [1]


@pytest.mark.parametrize("at_us", [NOON_NS, 10**19, -(10**30)])
def test_a_time_in_no_year_of_the_calendar_is_refused(store: DuckDBExporter, at_us: int) -> None:
    (advice_id,) = column(store, IDS)

    with pytest.raises(Permanent) as caught:
        store.adopt(advice_id, at_us)

    expected = f"adopt: {at_us} is in no year from 1 to 9999. Give Unix microseconds."
    assert (str(caught.value), caught.value.reason) == (expected, "bad_request")
    assert column(store, "SELECT count(*) FROM advice_adopted") == [0]


def test_what_was_adopted_can_be_taken_back(store: DuckDBExporter) -> None:
    (advice_id,) = column(store, IDS)
    store.adopt(advice_id)

    done = store.forget(advice_id)

    assert done == Adoption(advice_id, None, NOON_US)
    assert column(store, "SELECT adopted_at FROM advice") == [None]


def test_an_id_that_is_not_known_is_told_with_those_that_are(store: DuckDBExporter) -> None:
    with pytest.raises(Permanent) as caught:
        store.adopt("0123456789ab")

    expected = "there is no advice 0123456789ab. There is: ae9b5cc716eb."
    assert (str(caught.value), caught.value.reason) == (expected, "unknown_advice")


def test_where_there_is_no_advice_it_says_when_there_will_be(path: Path) -> None:
    empty = make_store(path)
    empty.start()

    with pytest.raises(Permanent, match="an error that has advice comes in two sessions"):
        empty.adopt("0123456789ab")
    empty.stop()


def test_what_was_not_adopted_cannot_be_taken_back(store: DuckDBExporter) -> None:
    with pytest.raises(Permanent) as caught:
        store.forget("ae9b5cc716eb")

    assert caught.value.reason == "not_adopted"


def test_what_was_adopted_can_be_taken_back_when_it_is_proposed_no_more(path: Path) -> None:
    with made_file(path) as db:
        gone = {"advice_id": "gone", "adopted_at": NOON, "noted_at": NOON}
        put(db, "advice_adopted", gone)
    store = make_store(path)
    store.start()

    done = store.forget("gone")

    store.stop()
    assert done == Adoption("gone", None, NOON_US)


def test_adoption_outlives_a_restart(store: DuckDBExporter) -> None:
    (advice_id,) = column(store, IDS)
    store.adopt(advice_id)
    store.stop()

    store.start()

    assert column(store, "SELECT adopted_at FROM advice") == [NOON]


def test_a_store_that_is_not_open_can_be_asked_again(path: Path) -> None:
    with pytest.raises(Retryable, match="is not open"):
        make_store(path).adopt("ae9b5cc716eb")
