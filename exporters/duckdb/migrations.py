"""Bring a file of any older version to the version this program writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ...pipeline.core.advice import ADVICE_ADOPTED, ADVICE_ADOPTED_COLUMNS
from ...pipeline.core.errors import Permanent
from ...pipeline.core.found import FOUND_COLUMNS, FOUND_TABLES
from ...pipeline.core.made import MADE_COLUMNS
from ...pipeline.core.schema import COLUMNS
from .schema import add_missing, create_tables
from .sessions.tables import (
    KEPT_COLUMNS,
    PROCESSOR_STATE,
    create_made_tables,
    create_session_tables,
)
from .taken import refuse_taken
from .views import create_views

_POSITIONS = """
CREATE TABLE log_positions (
    pipeline VARCHAR, log_id VARCHAR, position BIGINT NOT NULL, PRIMARY KEY (pipeline, log_id)
)
"""
# By these we know our own tables, where a version between two releases made them.
_FIRST = {
    **{name: columns[0] for name, columns in FOUND_COLUMNS.items()},
    ADVICE_ADOPTED.name: ADVICE_ADOPTED_COLUMNS[0],
}
_OF_SESSIONS = tuple(name for name in MADE_COLUMNS if name not in FOUND_TABLES)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from the version before to ``version``: SQL, or a function that is given.

    ``makes`` names what it makes, for which the file must have no table or view of others.
    """

    version: int
    step: str | Callable[[duckdb.DuckDBPyConnection], object]
    makes: Sequence[str] = ()


# In order; a step that was released is never changed. New columns of core need no step.
MIGRATIONS = (
    Migration(1, create_tables, tuple(COLUMNS)),
    Migration(2, _POSITIONS, ("log_positions",)),
    Migration(3, create_session_tables, (*KEPT_COLUMNS, *_OF_SESSIONS, PROCESSOR_STATE)),
    Migration(4, create_made_tables, (*FOUND_TABLES, ADVICE_ADOPTED.name)),
)


def migrate(
    connection: duckdb.DuckDBPyConnection,
    now_ns: int,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """Apply, in one transaction, every migration the file has not seen.

    Raises:
        Permanent: the file was written by a newer agentpond, or something in it that we did not
            make has a name that we need.

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
    ahead = [migration for migration in migrations if migration.version > found]
    # Before the first of them: what one makes is there for the next.
    refuse_taken(connection, (name for each in ahead for name in each.makes), _FIRST)
    for migration in ahead:
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
