"""Answer read-only SQL, on the live file or on one that no service holds."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from ...pipeline.core.errors import Permanent, Retryable
from .config import Config
from .database import cursor_of, open_database

# DESCRIBE, SHOW, SUMMARIZE, VALUES and FROM-first are SELECT to the parser; PIVOT without IN is
# MULTI in DuckDB 2.0.
_READING = frozenset({"SELECT", "EXPLAIN", "MULTI"})

# Functions that act when they are merely selected from. A read-only transaction does not stop
# them: on DuckDB 1.5 `FROM enable_logging(storage = 'file')` ends the whole process in spite of
# lock_configuration. `query` and its like run text that this check does not see.
_ACTING = re.compile(
    r"\b(query|json_execute_serialized_sql|force_checkpoint|checkpoint|write_log|sleep_ms"
    r"|(?:en|dis)able_(?:logging|profiling)|truncate_duckdb_logs|read_duckdb|setseed"
    r"|(?:python_)?(?:arrow|pandas)_scan(?:_dumb)?|python_map_function"
    r'|\w+_external_resource(?:_type)?)"?[\s\u200b-\u200f\u2060\ufeff]*(?:\(|/\*|--)',
    re.IGNORECASE,
)


# DuckDB's own vector: a batch of more would hold more of wide rows before anybody can count it.
_BATCH_ROWS = 2048


class Query:
    """One statement that only reads, on a cursor of its own."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Take the cursor over; nothing runs yet."""
        self._cursor = cursor
        self._sql = sql
        self._lock = threading.Lock()
        self._interrupted = False
        self._closed = False

    def run(self) -> pa.RecordBatchReader:
        """Run it; rows are read as they are taken, and taking them raises what this raises.

        Raises:
            Permanent: the statement is not one that only reads, or DuckDB refuses it; then the
                error holds DuckDB's own words.
            Retryable: it was interrupted.

        """
        with self._in_our_words():
            self._go_on()
            _refuse_acting(self._cursor, self._sql)
            # Also stops what the kind of statement does not show: nextval(), EXPLAIN ANALYZE
            # INSERT and, since 2.0, WITH x AS (INSERT ... RETURNING ...) SELECT.
            self._cursor.execute("BEGIN TRANSACTION READ ONLY")
            rows = self._cursor.sql(self._sql).to_arrow_reader(_BATCH_ROWS)
        return pa.RecordBatchReader.from_batches(rows.schema, self._batches(rows))

    def interrupt(self) -> None:
        """Have it end soon. Safe at any time.

        DuckDB forgets what it was told before a statement began, and ``run`` has several of
        them: say it again if it does not end.
        """
        with self._lock:
            self._interrupted = True
            if not self._closed:
                self._cursor.interrupt()

    def close(self) -> None:
        """Close the cursor. Safe twice; for the thread that ran the query."""
        with self._lock:
            self._closed = True
        self._cursor.close()

    def _batches(self, rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        with closing(rows), self._in_our_words():
            for batch in rows:
                self._go_on()
                yield batch

    def _go_on(self) -> None:
        if self._interrupted:
            raise Retryable("the query was interrupted. Ask again.", reason="interrupted")

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        # Arrow's C interface makes an OSError of what DuckDB says while rows are taken.
        except (duckdb.Error, ValueError, OSError) as error:
            self._go_on()
            raise Permanent(str(error), reason="bad_query") from error


def read(query: Query, *, max_rows: int | None = None) -> pa.Table:
    """Run a query and give its rows, or the first of them; fails as ``Query.run`` does."""
    rows = query.run()
    return rows.read_all() if max_rows is None else _first(rows, max_rows)


def query_file(path: Path, sql: str, *, max_rows: int | None = None) -> pa.Table:
    """Run one statement that only reads on a file that no process holds.

    Raises:
        Permanent: there is no such file, another process holds it, or the query is refused.

    """
    with (
        closing(open_database(Config(path=path), read_only=True)) as connection,
        closing(Query(cursor_of(connection), sql)) as query,
    ):
        return read(query, max_rows=max_rows)


def _refuse_acting(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = cursor.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if len(kinds) != 1:
        msg = (
            f"give one statement at a time, not {len(kinds)}. "
            f"(On DuckDB 1.5 a PIVOT needs its values: PIVOT ... ON column IN (...).)"
        )
        raise Permanent(msg, reason="bad_query")
    if kinds[0] not in _READING:
        msg = f"{kinds[0]} is not allowed: queries only read. Use SELECT, DESCRIBE, SHOW, EXPLAIN."
        raise Permanent(msg, reason="bad_query")
    if acting := _ACTING.search(sql):
        msg = f"{acting[1]}() is not allowed: queries only read tables. Leave it out."
        raise Permanent(msg, reason="bad_query")


def _first(reader: pa.RecordBatchReader, max_rows: int) -> pa.Table:
    taken: list[pa.RecordBatch] = []
    missing = max_rows
    while missing > 0:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            break
        taken.append(batch.slice(0, missing))
        missing -= len(taken[-1])
    reader.close()
    return pa.Table.from_batches(taken, schema=reader.schema)
