"""A file of any older version becomes one of today; a newer one is left alone."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from agentpond.exporters.duckdb import DuckDBExporter, query_file
from agentpond.exporters.duckdb.migrations import MIGRATIONS, Migration, file_version, migrate
from agentpond.exporters.duckdb.schema import add_missing
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.found import FOUND_TABLES
from agentpond.pipeline.core.made import MADE_TABLES
from agentpond.pipeline.core.schema import COLUMNS, TABLES, Column

from .support import NOON, NOON_NS, column, deliver, event, later, make_store


@pytest.fixture
def older(path: Path) -> Path:
    """Make a file as the first version left it, with a row in it."""
    with duckdb.connect(str(path)) as connection:
        migrate(connection, NOON_NS, MIGRATIONS[:1])
        connection.execute("INSERT INTO events (event_id) VALUES (uuid())")
    return path


def test_a_new_file_has_all_tables_with_all_columns(store: DuckDBExporter) -> None:
    sql = "SELECT column_name FROM duckdb_columns() WHERE table_name = '{}' ORDER BY column_index"

    told = {name: column(store, sql.format(name)) for name in TABLES}

    assert told == {name: [c.name for c in columns] for name, columns in COLUMNS.items()}


def test_every_column_says_what_it_means(store: DuckDBExporter) -> None:
    sql = "SELECT comment FROM duckdb_columns() WHERE table_name = 'events' AND column_name = '{}'"

    told = column(store, sql.format("ttft_ms"))

    assert told == ["Milliseconds to the first token."]


def test_the_file_tells_its_versions_and_when_they_came(store: DuckDBExporter) -> None:
    told = store.query("SELECT * FROM schema_version").to_pydict()

    assert told == {"version": [1, 2, 3, 4], "applied_at": [NOON] * 4}


def test_an_older_file_is_brought_up_to_date_and_keeps_its_rows(older: Path) -> None:
    store = make_store(older)

    store.start()
    store.export(deliver(0, [event(1)]))

    told = (column(store, "SELECT count(*) FROM events"), store.position("agents", "log-1"))
    store.stop()
    assert told == ([2], 1)


def test_opening_again_migrates_nothing(path: Path) -> None:
    for _ in range(2):
        store = make_store(path)
        store.start()
        store.stop()

    told = query_file(path, "SELECT count(*) AS n FROM schema_version").to_pydict()

    assert told == {"n": [4]}


def test_a_newer_file_is_refused_and_left_as_it_is(path: Path) -> None:
    newer = (*MIGRATIONS, Migration(99, "CREATE TABLE of_tomorrow (x INTEGER)"))
    with duckdb.connect(str(path)) as connection:
        migrate(connection, NOON_NS, newer)

    with pytest.raises(Permanent, match="schema version 99") as caught:
        make_store(path).start()

    told = query_file(path, "SELECT max(version) AS v FROM schema_version").to_pydict()
    assert (caught.value.reason, told) == ("newer_schema", {"v": [99]})


def test_a_migration_that_fails_leaves_the_file_as_it_was(older: Path) -> None:
    broken = (*MIGRATIONS, Migration(99, "CREATE TABLE half (x INTEGER); SELECT error('no')"))

    with duckdb.connect(str(older)) as connection:
        with pytest.raises(duckdb.Error):
            migrate(connection, NOON_NS, broken)

        assert file_version(connection) == 1


def test_a_column_that_core_gained_is_added_to_the_table(older: Path) -> None:
    gained = Column("mood", pa.string(), "How the agent's user feels.")

    with duckdb.connect(str(older)) as connection:
        add_missing(connection, {"events": [gained]})
        told = connection.execute(
            "SELECT data_type, comment FROM duckdb_columns() WHERE column_name = 'mood'"
        ).fetchall()

    assert told == [("VARCHAR", "How the agent's user feels.")]


def test_events_that_were_there_before_sessions_were_noted_are_noted(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        migrate(connection, NOON_NS, MIGRATIONS[:2])
        connection.execute(
            "INSERT INTO events (event_id, session_id, agent, received_at, time, position) VALUES "
            "(uuid(), 'a', 'codex', '2026-11-20 10:00', NULL, 1), "
            "(uuid(), 'a', 'codex', '2026-11-20 11:00', NULL, 4), "
            "(uuid(), NULL, 'codex', '2026-11-20 10:00', '2026-11-19 10:00', 2)"
        )
    store = make_store(path)

    store.start()

    told = store.query(
        "SELECT session_id, agent, change, changed_at, position, events FROM session_changes "
        "ORDER BY ALL"
    )
    change = store.change
    store.stop()
    assert change == 1
    assert [tuple(row.values()) for row in told.to_pylist()] == [
        ("a", "codex", 1, later(hours=-1), 4, 2),
        ("no-session:codex:2026-11-19", "codex", 1, later(hours=-2), 2, 1),
    ]


def test_a_file_without_the_tables_of_what_is_found_gets_them_and_keeps_its_rows(
    path: Path,
) -> None:
    with duckdb.connect(str(path)) as connection:
        migrate(connection, NOON_NS, MIGRATIONS[:3])
        for name in FOUND_TABLES:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("INSERT INTO turns (session_id, turn_id) VALUES ('a', 'a/1')")
    store = make_store(path)

    store.start()

    found = column(store, "SELECT DISTINCT table_name FROM duckdb_columns()")
    told = (FOUND_TABLES.keys() - set(found), column(store, "SELECT turn_id FROM turns"))
    store.stop()
    assert told == (set(), ["a/1"])


@pytest.mark.parametrize(
    ("version", "name"),
    [(0, "events"), (0, "Sessions"), (2, "turns"), (3, "reviews"), (3, "advice_adopted")],
)
def test_a_table_that_is_not_ours_is_left_and_told_with_what_to_run(
    path: Path, version: int, name: str
) -> None:
    with duckdb.connect(str(path)) as connection:
        if version:
            migrate(connection, NOON_NS, MIGRATIONS[:version])
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.execute(f"CREATE TABLE {name} AS SELECT 'a' AS session_id, 'mine' AS note")

    with pytest.raises(Permanent) as caught:
        make_store(path).start()

    told = query_file(path, f"FROM {name}").to_pydict()
    assert caught.value.reason == "name_taken"
    assert f'Give the table another: ALTER TABLE "{name}" RENAME TO ...;' in str(caught.value)
    assert told == {"session_id": ["a"], "note": ["mine"]}


def test_a_view_in_the_place_of_a_table_is_told_too(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW reviews AS SELECT 42 AS mine")

    with pytest.raises(Permanent, match='ALTER VIEW "reviews" RENAME TO') as caught:
        make_store(path).start()

    assert caught.value.reason == "name_taken"


def test_a_table_that_was_renamed_as_told_is_in_the_way_no_more(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE reviews AS SELECT 'mine' AS note")
        connection.execute('ALTER TABLE "reviews" RENAME TO my_reviews')
    store = make_store(path)

    store.start()

    told = column(store, "SELECT note FROM my_reviews"), column(store, "SELECT 1 FROM reviews")
    store.stop()
    assert told == (["mine"], [])


def test_a_table_that_a_processor_is_noted_to_make_is_ours(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        migrate(connection, NOON_NS, MIGRATIONS[:3])
        connection.execute("DROP TABLE insights; CREATE TABLE insights (session_id VARCHAR)")
        connection.execute("INSERT INTO processors (processor, tables) VALUES ('x', ['insights'])")
    store = make_store(path)

    store.start()

    told = column(store, "SELECT insight_id FROM insights")
    store.stop()
    assert told == []


def test_the_made_tables_have_all_their_columns(store: DuckDBExporter) -> None:
    sql = "SELECT column_name FROM duckdb_columns() WHERE table_name = '{}' ORDER BY column_index"

    told = {name: column(store, sql.format(name)) for name in MADE_TABLES}

    assert told == {name: table.schema.names for name, table in MADE_TABLES.items()}
