"""Write names and texts as SQL, run statements in a transaction, show Arrow rows to DuckDB."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa


def quoted(name: str) -> str:
    """Write a name so that it is nothing but a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text so that it is nothing but a text."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def transaction(writer: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what is done inside, or nothing of it."""
    writer.execute("BEGIN")
    try:
        yield
        writer.execute("COMMIT")
    except BaseException:
        # A commit that failed has rolled back already.
        with suppress(duckdb.Error):
            writer.execute("ROLLBACK")
        raise


@contextmanager
def registered(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | pa.RecordBatch
) -> Iterator[None]:
    """Let SQL on this connection read Arrow rows under a name, without copying them."""
    connection.register(name, rows)
    try:
        yield
    finally:
        with suppress(duckdb.Error):
            connection.unregister(name)
