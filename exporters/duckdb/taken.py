"""Tell the tables that we made from those of others, and refuse names that others took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from ...pipeline.core.errors import Permanent
from ...pipeline.core.schema import Column
from .sql import quoted

_HERE = "table_catalog = current_database() AND table_schema = current_schema()"
_THERE = f"SELECT table_name, table_type FROM information_schema.tables WHERE {_HERE}"  # noqa: S608 - constant
_MEANINGS = """
SELECT table_name, column_name, comment FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = current_schema()
"""
_NOTED = 'SELECT DISTINCT unnest("tables") FROM processors'


@dataclass(frozen=True, slots=True)
class Taken:
    """A table or view that has a name, as it is written in the file."""

    name: str
    is_view: bool

    def refusal(self, reader: str) -> Permanent:
        """Say what to run, so that both can be there; ``reader`` says what we keep."""
        kind = "view" if self.is_view else "table"
        msg = (
            f"the file has a {kind} `{self.name}`, and agentpond keeps {reader} of that name. Give "
            f"the {kind} another: ALTER {kind.upper()} {quoted(self.name)} RENAME TO ...; or "
            f"choose another `path`."
        )
        return Permanent(msg, reason="name_taken")


def there(connection: duckdb.DuckDBPyConnection) -> dict[str, Taken]:
    """Name the tables and views of the file, in small letters, as DuckDB compares names."""
    found = connection.execute(_THERE).fetchall()
    return {name.lower(): Taken(name, kind == "VIEW") for name, kind in found}


def refuse_taken(
    connection: duckdb.DuckDBPyConnection,
    names: Iterable[str],
    columns: Mapping[str, Column] | None = None,
) -> None:
    """Refuse names that others took, before anything is put there or taken from there.

    Ours is what is noted as a processor's, and what says of a column, given for each table, what
    we say of it: a processor that was left out for a while finds its table again.

    Raises:
        Permanent: a table or view of such a name is not ours, reason `name_taken`.

    """
    found = there(connection)
    taken = [found[name.lower()] for name in names if name.lower() in found]
    ours = _ours(connection, found, columns or {}) if taken else frozenset()
    for each in taken:
        if each.is_view or each.name not in ours:
            raise each.refusal("a table")


def _ours(
    connection: duckdb.DuckDBPyConnection, found: Mapping[str, Taken], columns: Mapping[str, Column]
) -> frozenset[str]:
    told = {*connection.execute(_MEANINGS).fetchall()}
    alike = {name for name, c in columns.items() if (name, c.name, c.meaning) in told}
    # An older file has nowhere to note it.
    noted = connection.execute(_NOTED).fetchall() if "processors" in found else []
    return frozenset(alike | {name for (name,) in noted})
