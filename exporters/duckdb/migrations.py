"""Bring a file of any older version to the version this program writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ...pipeline.core.errors import Permanent
from ...pipeline.core.made import MADE_COLUMNS
from ...pipeline.core.schema import COLUMNS
from .schema import add_missing, create_tables
from .sessions.tables import KEPT_COLUMNS, create_made_tables, create_session_tables
from .views import create_views

_POSITIONS = """
CREATE TABLE log_positions (
    pipeline VARCHAR, log_id VARCHAR, position BIGINT NOT NULL, PRIMARY KEY (pipeline, log_id)
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from the version before to ``version``: SQL, or a function that is given."""

    version: int
    step: str | Callable[[duckdb.DuckDBPyConnection], object]


# In order; a step that was released is never changed. New columns of core need no step.
MIGRATIONS = (
    Migration(1, create_tables),
    Migration(2, _POSITIONS),
    Migration(3, create_session_tables),
    Migration(4, create_made_tables),
)


def migrate(
    connection: duckdb.DuckDBPyConnection,
    now_ns: int,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """Apply, in one transaction, every migration the file has not seen.

    Raises:
        Permanent: the file was written by a newer agentpond, or has a table of a view's name.

    """
    connection.execute("BEGIN")
    try:
        _apply(connection, now_ns, migrations)
        connection.execute("COMMIT")
    except (duckdb.Error, Permanent):
        connection.execute("ROLLBACK")
        raise


def _apply(
    connection: duckdb.DuckDBPyConnection, now_ns: int, migrations: Sequence[Migration]
) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER, applied_at TIMESTAMP)"
    )
    found = file_version(connection)
    newest = migrations[-1].version
    if found > newest:
        msg = (
            f"the file has schema version {found}, and this agentpond knows versions up to "
            f"{newest}. Use the newer agentpond that wrote it, or choose another `path`."
        )
        raise Permanent(msg, reason="newer_schema")
    applied_at = datetime.fromtimestamp(now_ns / 1e9, UTC).replace(tzinfo=None)
    for migration in migrations:
        if migration.version > found:
            _take(connection, migration)
            connection.execute(
                "INSERT INTO schema_version VALUES (?, ?)", [migration.version, applied_at]
            )
    add_missing(connection, {**COLUMNS, **KEPT_COLUMNS, **MADE_COLUMNS})
    create_views(connection)


def _take(connection: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    if isinstance(migration.step, str):
        connection.execute(migration.step)
    else:
        migration.step(connection)


def file_version(connection: duckdb.DuckDBPyConnection) -> int:
    """Give the version the file is at; 0 if it is new."""
    found = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchall()
    return int(found[0][0])
