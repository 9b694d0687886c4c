"""Queries read the tables and nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from agentpond.exporters.duckdb import DuckDBExporter, query_file
from agentpond.pipeline.core.errors import Permanent, Retryable

from .support import column, deliver, event

READING = (
    "SELECT count(*) FROM events",
    "FROM events",
    "TABLE events",
    "WITH e AS (FROM events) SELECT agent FROM e; -- and a comment",
    "VALUES (1)",
    "DESCRIBE events",
    "SHOW TABLES",
    "SUMMARIZE events",
    "EXPLAIN SELECT 1",
    "PIVOT events ON signal IN ('logs') USING count(*)",
    "SELECT query_source FROM events",
    "SELECT checkpoint FROM (SELECT 1 AS checkpoint)",
)

REFUSED = (
    "INSERT INTO events (event_id) VALUES (uuid())",
    "DELETE FROM events",
    "UPDATE events SET agent = 'x'",
    "DROP TABLE events",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE TABLE memory.main.x AS SELECT 1",
    "COPY events TO 'stolen.csv'",
    "COPY (SELECT 1) TO 'stolen.parquet'",
    "EXPORT DATABASE 'stolen'",
    "ATTACH 'other.duckdb'",
    "DETACH agentpond",
    "USE memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "CHECKPOINT",
    "SET threads = 8",
    "RESET memory_limit",
    "SET enable_external_access = true",
    "BEGIN",
    "COMMIT",
    "SELECT 1; DROP TABLE events",
    "",
    "SELEC 1",
    "EXPLAIN ANALYZE DELETE FROM events",
    "WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT getenv('HOME')",
    "SELECT * FROM duckdb_secrets()",
    "FROM enable_logging(storage = 'file')",
    "FROM \"enable_logging\" (storage = 'file')",
    "FROM Enable_Profiling/**/()",
    "FROM query('FROM enable_' || 'logging()')",
    "FROM force_checkpoint()",
    "SELECT * FROM rows_of_this_program",
)


@pytest.mark.parametrize("sql", READING)
def test_what_only_reads_is_answered(store: DuckDBExporter, sql: str) -> None:
    store.export(deliver(0, [event(1)]))

    told = store.query(sql)

    assert told.num_rows >= 1


@pytest.mark.parametrize("sql", REFUSED)
def test_what_does_more_than_read_is_refused(
    store: DuckDBExporter, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store.export(deliver(0, [event(1)]))
    rows_of_this_program = store.query("VALUES (1)")
    files = sorted(tmp_path.iterdir())

    with pytest.raises(Permanent) as caught:
        store.query(sql)

    assert caught.value.reason == "bad_query"
    assert (sorted(tmp_path.iterdir()), column(store, "SELECT count(*) FROM events")) == (
        files,
        [1],
    )
    assert rows_of_this_program.num_rows == 1


@pytest.mark.parametrize("sql", REFUSED)
def test_a_file_is_as_safe_as_the_live_store(store: DuckDBExporter, path: Path, sql: str) -> None:
    store.stop()

    with pytest.raises(Permanent) as caught:
        query_file(path, sql)

    assert caught.value.reason == "bad_query"


def test_the_error_holds_duckdbs_own_words(store: DuckDBExporter) -> None:
    with pytest.raises(Permanent, match='column "modle" not found'):
        store.query("SELECT modle FROM events")


def test_max_rows_cuts_the_answer(store: DuckDBExporter) -> None:
    told = store.query("SELECT * FROM range(1_000_000) AS t(n)", max_rows=3)

    assert told.to_pydict() == {"n": [0, 1, 2]}


def test_max_rows_leaves_a_short_answer_whole(store: DuckDBExporter) -> None:
    told = store.query("SELECT * FROM range(2) AS t(n)", max_rows=3)

    assert told.to_pydict() == {"n": [0, 1]}


def test_no_rows_still_tell_their_columns(store: DuckDBExporter) -> None:
    told = store.query("SELECT event_id, cost_usd FROM events", max_rows=0)

    assert told.column_names == ["event_id", "cost_usd"]


def test_queries_before_start_are_refused(store: DuckDBExporter) -> None:
    store.stop()

    with pytest.raises(Retryable) as caught:
        store.query("SELECT 1")

    assert caught.value.reason == "not_started"


def test_a_query_at_work_is_interrupted(store: DuckDBExporter) -> None:
    query = store.open_query("SELECT count(*) FROM range(1_000_000_000_000) WHERE range % 7 = 3")
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(query.run)
        while not wait([ended], timeout=0.01).done:
            query.interrupt()

    with pytest.raises(Retryable) as caught:
        ended.result()

    query.close()
    assert caught.value.reason == "interrupted"


def test_a_query_is_interrupted_between_rows(store: DuckDBExporter) -> None:
    with closing(store.open_query("SELECT * FROM range(1_000_000_000)")) as query:
        rows = query.run()
        first = rows.read_next_batch()
        query.interrupt()

        with pytest.raises(Retryable) as caught:
            rows.read_next_batch()

    assert (first.num_rows, caught.value.reason) == (2048, "interrupted")


def test_a_query_interrupted_before_it_ran_does_not_run(store: DuckDBExporter) -> None:
    with closing(store.open_query("SELECT 1")) as query:
        query.interrupt()

        with pytest.raises(Retryable) as caught:
            query.run()

    assert caught.value.reason == "interrupted"


def test_interrupting_and_closing_what_is_closed_is_safe(store: DuckDBExporter) -> None:
    query = store.open_query("SELECT 1")
    query.close()

    query.close()
    query.interrupt()

    assert column(store, "SELECT 1") == [1]


def test_what_fails_in_the_middle_of_the_rows_is_told_in_duckdbs_words(
    store: DuckDBExporter,
) -> None:
    sql = "SELECT CASE range WHEN 9999 THEN 'x' ELSE '1' END::INTEGER FROM range(20_000)"

    with pytest.raises(Permanent, match="Could not convert string 'x'") as caught:
        store.query(sql)

    assert caught.value.reason == "bad_query"


def test_a_reader_does_not_wait_for_an_open_transaction(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))
    opened = store._open
    assert opened is not None
    opened.writer.execute("BEGIN")
    opened.writer.execute("DELETE FROM events")
    told: list[int] = []

    reader = threading.Thread(
        target=lambda: told.extend(column(store, "SELECT count(*) FROM events"))
    )
    reader.start()
    reader.join(timeout=30)

    opened.writer.execute("ROLLBACK")
    assert told == [1]


def test_readers_see_whole_deliveries_while_a_writer_is_at_work(store: DuckDBExporter) -> None:
    done = threading.Event()

    def write() -> None:
        for start in range(20):
            numbers = range(start * 100, start * 100 + 100)
            store.export(deliver(start, [event(number) for number in numbers]))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        seen.extend(column(store, "SELECT count(*) FROM events"))
    writer.join()

    assert ([count % 100 for count in seen], seen) == ([0] * len(seen), sorted(seen))


def test_a_file_without_service_can_be_read(store: DuckDBExporter, path: Path) -> None:
    store.export(deliver(0, [event(1, agent="codex")]))
    store.stop()

    told = query_file(path, "SELECT agent FROM events")

    assert told.to_pydict() == {"agent": ["codex"]}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"nowhere\.duckdb does not exist") as caught:
        query_file(tmp_path / "nowhere.duckdb", "SELECT 1")

    assert caught.value.reason == "no_database"
