"""Put the views that look over sessions into a file, with a sentence on each of their columns."""

from collections.abc import Sequence
from hashlib import blake2b

import duckdb

from ...pipeline.core.errors import Permanent
from ...pipeline.core.views import VIEWS, View
from .advice import create_advice_table
from .sql import literal, quoted

_TABLES = """
SELECT table_name, table_type FROM information_schema.tables
WHERE table_catalog = current_database() AND table_schema = current_schema()
"""
_COMMENTS = """
SELECT view_name, comment FROM duckdb_views() WHERE database_name = current_database()
"""


def create_views(connection: duckdb.DuckDBPyConnection, views: Sequence[View] = VIEWS) -> None:
    """Make the views those of this program; what others put into the file is left alone.

    A view that reads a table which is not there is left to a later opening.

    Raises:
        Permanent: a table has the name of a view.

    """
    create_advice_table(connection)
    kinds = dict(connection.execute(_TABLES).fetchall())
    told = dict(connection.execute(_COMMENTS).fetchall())
    for view in views:
        if kinds.get(view.name, "VIEW") != "VIEW":
            raise _taken(view)
        stamp = _stamp(view)
        # Making all of them takes 40 ms, which every opening would wait for.
        if kinds.keys() >= set(view.reads) and told.get(view.name) != stamp:
            _create(connection, view, stamp)


def _create(connection: duckdb.DuckDBPyConnection, view: View, stamp: str) -> None:
    name = quoted(view.name)
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS {view.sql}")
    for column in view.columns:
        place = f"{name}.{quoted(column.name)}"
        connection.execute(f"COMMENT ON COLUMN {place} IS {literal(column.meaning)}")
    connection.execute(f"COMMENT ON VIEW {name} IS {literal(stamp)}")


def _stamp(view: View) -> str:
    """Write a comment that is another one where the view's query or a sentence is."""
    told = view.sql + "".join(column.name + column.meaning for column in view.columns)
    return f"made by agentpond: {blake2b(told.encode(), digest_size=8).hexdigest()}"


def _taken(view: View) -> Permanent:
    msg = (
        f"the file has a table `{view.name}`, and agentpond keeps a view of that name. Give the "
        f"table another: ALTER TABLE {quoted(view.name)} RENAME TO ...; or choose another `path`."
    )
    return Permanent(msg, reason="name_taken")
