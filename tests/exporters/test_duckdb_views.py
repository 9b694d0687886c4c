"""The views over sessions add up, and say of each number what it covers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from agentpond.exporters.duckdb import query_file
from agentpond.exporters.duckdb.migrations import MIGRATIONS, migrate
from agentpond.exporters.duckdb.schema import SQL_TYPES
from agentpond.exporters.duckdb.views import create_views
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.views import VIEWS, View

from .found_support import ask, cluster, made_file, put, session
from .support import NOON, NOON_NS, make_store

Db = duckdb.DuckDBPyConnection


@pytest.fixture
def db() -> Iterator[Db]:
    with made_file() as connection:
        yield connection


def performance(session_id: str, **more: Any) -> dict[str, Any]:
    whose = {"session_id": session_id, "agent": "codex", "provider": "openai", "model": "gpt-5"}
    return {**whose, **more}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_its_columns_in_order_with_type_and_meaning(db: Db, view: View) -> None:
    told = ask(
        db,
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        f"WHERE table_name = '{view.name}' ORDER BY column_index",
    )

    assert told == [(c.name, SQL_TYPES[c.type], c.meaning) for c in view.columns]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_of_nothing_has_no_rows(db: Db, view: View) -> None:
    assert ask(db, f"FROM {view.name}") == []


def test_a_view_is_made_anew_where_its_query_is_another(db: Db) -> None:
    other = replace(VIEWS[0], sql="SELECT 1 AS fingerprint", columns=VIEWS[0].columns[:1])

    create_views(db, [other])

    assert ask(db, f"FROM {other.name}") == [(1,)]


def test_a_view_that_is_as_it_should_be_is_not_written_again(db: Db) -> None:
    db.execute("COMMENT ON COLUMN advice.line IS 'mine'")

    create_views(db)

    told = ask(db, "SELECT comment FROM duckdb_columns() WHERE column_name = 'line'")
    assert told == [("mine",)]


def test_a_file_without_the_tables_gets_no_views() -> None:
    with duckdb.connect() as connection:
        migrate(connection, NOON_NS, MIGRATIONS[:1])

        there = ask(connection, "SELECT view_name FROM duckdb_views() WHERE NOT internal")

    assert there == []


def test_a_table_of_the_name_of_a_view_is_told_with_what_to_do(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE advice (mine INTEGER)")

    with pytest.raises(Permanent, match='ALTER TABLE "advice" RENAME TO') as caught:
        make_store(path).start()

    tables = query_file(path, "SELECT count(*) AS n FROM duckdb_tables()").to_pydict()
    assert (caught.value.reason, tables) == ("name_taken", {"n": [1]})


@pytest.mark.parametrize("name", ["advice", "Advice"])
def test_a_view_that_is_not_ours_is_left_and_told_with_what_to_do(path: Path, name: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW {name} AS SELECT 42 AS mine")

    with pytest.raises(Permanent, match=f'ALTER VIEW "{name}" RENAME TO') as caught:
        make_store(path).start()

    told = query_file(path, "FROM advice").to_pydict()
    assert (caught.value.reason, told) == ("name_taken", {"mine": [42]})


def test_a_view_of_such_a_name_in_another_schema_is_no_matter(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA mine; CREATE VIEW mine.advice AS SELECT 42 AS mine")
    store = make_store(path)

    store.start()

    told = store.query("FROM mine.advice").to_pydict(), store.query("FROM advice").num_rows
    store.stop()
    assert told == ({"mine": [42]}, 0)


def test_errors_are_added_up_over_sessions(db: Db) -> None:
    put(
        db,
        "error_clusters",
        cluster("a", count=2, resolved=1, cost_after_usd=0.5, turns_after=1),
        cluster("b", 1, count=3, resolved=2, cost_after_usd=0.25, turns_after=2, agent="codex"),
    )

    told = ask(
        db,
        'SELECT agents, "count", sessions, resolved, cost_after_usd, turns_after, first_at, '
        "last_at FROM error_clusters_all",
    )

    last = NOON + timedelta(days=1, minutes=5)
    assert told == [(["claude_code", "codex"], 5, 2, 3, 0.75, 3, NOON, last)]


def test_what_names_no_session_counts_its_errors_and_no_session(db: Db) -> None:
    put(db, "error_clusters", cluster("a"), cluster("no-session:codex:2026-11-20"))

    told = ask(db, 'SELECT "count", sessions FROM error_clusters_all')

    assert told == [(4, 1)]


def test_a_user_is_counted_once_by_mail_address_or_id(db: Db) -> None:
    put(db, "error_clusters", *(cluster(each) for each in "abcd"))
    put(db, "sessions", session("a", user_email="ada@x.org", user_id="1"))
    put(db, "sessions", session("b", user_email="ada@x.org"), session("c", user_id="2"))

    told = ask(db, "SELECT users FROM error_clusters_all")

    assert told == [(2,)]


def test_users_that_nobody_told_are_null(db: Db) -> None:
    put(db, "error_clusters", cluster("a"))

    assert ask(db, "SELECT users FROM error_clusters_all") == [(None,)]


def test_the_example_is_of_the_session_that_had_the_error_last(db: Db) -> None:
    event = UUID(int=7)
    put(
        db,
        "error_clusters",
        cluster("a", 0, example="cat: /a: No such file"),
        cluster("b", 2, example="cat: /b: No such file", example_event_id=event),
        cluster("c", 3, example=None),
    )

    told = ask(db, "SELECT example, example_session_id, example_event_id FROM error_clusters_all")

    assert told == [("cat: /b: No such file", "b", str(event))]


def test_of_different_words_those_of_most_sessions_stand(db: Db) -> None:
    put(
        db,
        "error_clusters",
        cluster("a", tool_name="Bash", advice="x"),
        cluster("b", tool_name="Read", advice="y"),
        cluster("c", tool_name="Read", advice=None),
    )

    told = ask(db, "SELECT tool_name, advice FROM error_clusters_all")

    assert told == [("Read", "x")]


def test_the_coverage_of_sessions_weighs_as_their_turns(db: Db) -> None:
    put(
        db,
        "error_clusters",
        cluster("a", cost_after_coverage=1.0, turns_after=3),
        cluster("b", cost_after_coverage=0.0, turns_after=1),
        cluster("c", cost_after_coverage=None, turns_after=9),
    )

    told = ask(db, "SELECT cost_after_coverage FROM error_clusters_all")

    assert told == [(0.75,)]


def test_costs_that_nobody_can_tell_are_null(db: Db) -> None:
    put(db, "error_clusters", cluster("a"), cluster("b"))

    told = ask(db, "SELECT cost_after_usd, cost_after_coverage, resolved FROM error_clusters_all")

    assert told == [(None, None, None)]


def test_shares_are_made_of_sums_and_not_averaged(db: Db) -> None:
    put(
        db,
        "agent_performance",
        performance("a", api_calls=9, api_errors=0, tool_calls=1, tool_errors=1, edits=1)
        | {"edits_rejected": 1, "cost_usd": 8.0, "turns": 1, "tool_successes": 0},
        performance("b", api_calls=1, api_errors=0, tool_calls=9, tool_errors=0, edits=9)
        | {"edits_rejected": 0, "cost_usd": 1.0, "turns": 9, "tool_successes": 9},
    )

    told = ask(
        db,
        "SELECT error_rate, rejected_share, cost_per_turn_usd, tool_success_rate "
        "FROM agent_performance_all",
    )

    assert told == [(0.05, 0.1, 0.9, 0.9)]


def test_what_a_session_does_not_tell_is_left_out_of_both_sides_of_a_share(db: Db) -> None:
    put(
        db,
        "agent_performance",
        performance("a", api_calls=10, api_errors=1, turns=2, cost_usd=1.0)
        | {"tool_calls": 10, "tool_errors": 1},
        performance("b", api_calls=90, api_errors=None, turns=8, cost_usd=None)
        | {"tool_calls": 10, "tool_errors": 10},
    )

    told = ask(db, "SELECT api_calls, error_rate, cost_per_turn_usd FROM agent_performance_all")

    assert told == [(100, 0.1, 0.5)]


def test_what_nothing_tells_stays_null(db: Db) -> None:
    put(db, "agent_performance", performance("a"))

    told = ask(
        db,
        "SELECT api_calls, cost_usd, cost_coverage, cost_per_turn_usd, tool_success_rate, "
        "error_rate, rejected_share, api_call_p50_ms FROM agent_performance_all",
    )

    assert told == [(None,) * 8]


def test_percentiles_are_those_of_all_durations(db: Db) -> None:
    put(
        db,
        "agent_performance",
        performance("a", api_call_ms=[1.0, 2.0, 3.0], api_call_p50_ms=2.0),
        performance("b", api_call_ms=[100.0], api_call_p50_ms=100.0),
        performance("c", api_call_ms=None),
    )

    told = ask(db, "SELECT api_call_p50_ms, api_call_p95_ms FROM agent_performance_all")

    assert told == [(2.5, pytest.approx(85.45))]


def test_the_cost_coverage_is_that_of_the_calls_in_the_ledger(db: Db) -> None:
    put(db, "agent_performance", performance("a", model="unknown", cost_coverage=0.5))
    put(db, "agent_performance", performance("b", model="unknown", cost_coverage=1.0))
    priced = {"agent": "codex", "cost_usd": 1.0, "cost_status": "computed"}
    unpriced = {"agent": "codex", "cost_status": "unpriced"}
    put(db, "api_calls", {"session_id": "a", "api_call_id": "1", **priced})
    put(db, "api_calls", {"session_id": "a", "api_call_id": "2", **unpriced})
    put(db, "api_calls", {"session_id": "b", "api_call_id": "3", **priced})
    put(db, "api_calls", {"session_id": "b", "api_call_id": "4", **priced})

    told = ask(db, "SELECT cost_coverage FROM agent_performance_all")

    assert told == [(0.75,)]


def test_each_model_of_each_agent_has_a_row_also_without_a_provider(db: Db) -> None:
    put(
        db,
        "agent_performance",
        performance("a", turns=1),
        performance("b", turns=2, provider=None),
        performance("c", turns=4, provider=None),
        performance("d", turns=8, agent="claude_code"),
    )

    told = ask(
        db, "SELECT agent, provider, sessions, turns FROM agent_performance_all ORDER BY ALL"
    )

    assert told == [
        ("claude_code", "openai", 1, 8),
        ("codex", "openai", 1, 1),
        ("codex", None, 2, 6),
    ]
