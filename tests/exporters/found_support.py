"""Put rows into the made tables by hand, as if processors had made them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from agentpond.exporters.duckdb.migrations import migrate

from .support import NOON, NOON_NS, Row

DAY = timedelta(days=1)


@contextmanager
def made_file(path: Path | str = ":memory:") -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a file with all tables and views."""
    with duckdb.connect(str(path)) as connection:
        migrate(connection, NOON_NS)
        yield connection


def put(connection: duckdb.DuckDBPyConnection, table: str, *rows: Row) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def session(session_id: str, day: int = 0, **more: Any) -> Row:
    """Make a row of `sessions` that begins some days after the first."""
    at = NOON + day * DAY
    whose = {"session_id": session_id, "agent": "claude_code", "repository": "pond"}
    told = {"started_at": at, "last_seen_at": at + timedelta(hours=1), "tool_errors": 0}
    return {**whose, **told, **more}


def cluster(session_id: str, day: int = 0, **more: Any) -> Row:
    """Make a row of `error_clusters` of such a session."""
    at = NOON + day * DAY
    told = {
        "session_id": session_id,
        "agent": "claude_code",
        "fingerprint": "f1",
        "template": "cat: <path>: No such file or directory",
        "category": "missing_file",
        "source": "tool",
        "tool_name": "Bash",
        "count": 2,
        "first_at": at,
        "last_at": at + timedelta(minutes=5),
        "advice": "Look whether a file is there before you read it.",
    }
    return {**told, **more}


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()
