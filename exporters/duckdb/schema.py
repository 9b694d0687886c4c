"""Turn the columns that core fixes into DuckDB tables with a sentence on each column."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from ...pipeline.core.schema import COLUMNS, MAP, REAL, TABLES, TEXT, TIME, UUID, WHOLE, Column
from .sql import literal, quoted

Columns = Mapping[str, Sequence[Column]]

SQL_TYPES: Mapping[pa.DataType, str] = {
    TEXT: "VARCHAR",
    WHOLE: "BIGINT",
    pa.int32(): "INTEGER",
    REAL: "DOUBLE",
    pa.bool_(): "BOOLEAN",
    TIME: "TIMESTAMP",
    UUID: "UUID",
    MAP: "MAP(VARCHAR, VARCHAR)",
    pa.uint64(): "UBIGINT",
    pa.list_(REAL): "DOUBLE[]",
    pa.list_(WHOLE): "BIGINT[]",
    pa.list_(TEXT): "VARCHAR[]",
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that telemetry fills, without keys: those are kept by who writes.

    A PRIMARY KEY on ``events`` costs 1.4 us a row and an index in memory; see ``seen``.
    """
    for name, columns in COLUMNS.items():
        create_table(connection, name, columns, TABLES[name].key)


def create_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[Column],
    required: Sequence[str],
) -> None:
    """Create a table if it is not there."""
    lines = (
        f"{quoted(column.name)} {SQL_TYPES[column.type]}"
        f"{' NOT NULL' if column.name in required else ''}"
        for column in columns
    )
    connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({', '.join(lines)})")


def add_missing(connection: duckdb.DuckDBPyConnection, wanted: Columns = COLUMNS) -> None:
    """Add the columns that the tables lack, and put every column's meaning in its comment.

    Core's columns are only ever added to, so this needs no migration of its own. Tables that
    are not there are left to who makes them.
    """
    told = _comments(connection)
    there = {table for table, _ in told}
    for table, column in ((name, each) for name, columns in wanted.items() for each in columns):
        if table in there:
            if (table, column.name) not in told:
                _add_column(connection, table, column)
            if told.get((table, column.name)) != column.meaning:
                _comment(connection, table, column)


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str | None]:
    rows = connection.execute(
        "SELECT table_name, column_name, comment FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = current_schema()"
    ).fetchall()
    return {(table, column): comment for table, column, comment in rows}


def _add_column(connection: duckdb.DuckDBPyConnection, table: str, column: Column) -> None:
    kind = SQL_TYPES[column.type]
    connection.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column.name)} {kind}")


def _comment(connection: duckdb.DuckDBPyConnection, table: str, column: Column) -> None:
    place = f"{quoted(table)}.{quoted(column.name)}"
    connection.execute(f"COMMENT ON COLUMN {place} IS {literal(column.meaning)}")
