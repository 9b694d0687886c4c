"""Answer read-only SQL, on the live file or on one that no service holds."""

import re
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from ...pipeline.core.errors import Permanent
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


def read(cursor: duckdb.DuckDBPyConnection, sql: str, *, max_rows: int | None = None) -> pa.Table:
    """Run one statement that only reads, and give its rows.

    Raises:
        Permanent: the statement is not one that only reads, or DuckDB refuses it; then the
            error holds DuckDB's own words.

    """
    try:
        _refuse_acting(cursor, sql)
        # Also stops what the kind of statement does not show: nextval(), EXPLAIN ANALYZE INSERT
        # and, since 2.0, WITH x AS (INSERT ... RETURNING ...) SELECT.
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        answer = cursor.sql(sql)
        if max_rows is None:
            rows: pa.Table = answer.to_arrow_table()
            return rows
        return _first(answer.to_arrow_reader(max(1, min(max_rows, 100_000))), max_rows)
    except (duckdb.Error, ValueError) as error:
        raise Permanent(str(error), reason="bad_query") from error


def query_file(path: Path, sql: str, *, max_rows: int | None = None) -> pa.Table:
    """Run one statement that only reads on a file that no process holds.

    Raises:
        Permanent: there is no such file, another process holds it, or the query is refused.

    """
    with (
        closing(open_database(Config(path=path), read_only=True)) as connection,
        closing(cursor_of(connection)) as cursor,
    ):
        return read(cursor, sql, max_rows=max_rows)


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
