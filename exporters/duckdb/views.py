"""Put the views that look over sessions into a file, with a sentence on each of their columns."""

from collections.abc import Sequence
from hashlib import blake2b

import duckdb

from ...pipeline.core.views import VIEWS, View
from .advice import create_advice_table
from .sql import literal, quoted
from .taken import there

_MADE = "made by agentpond: "
_COMMENTS = """
SELECT lower(view_name), comment FROM duckdb_views()
WHERE database_name = current_database() AND schema_name = current_schema()
"""


def create_views(connection: duckdb.DuckDBPyConnection, views: Sequence[View] = VIEWS) -> None:
    """Make the views those of this program; what others put into the file is left alone.

    A view that reads a table which is not there is left to a later opening.

    Raises:
        Permanent: a table, or a view that we did not make, has the name of one.

    """
    create_advice_table(connection)
    found = there(connection)
    told = dict(connection.execute(_COMMENTS).fetchall())
    for view in views:
        made = (told.get(view.name) or "").startswith(_MADE)
        if view.name in found and not made:
            raise found[view.name].refusal("a view")
        stamp = _stamp(view)
        # Making all of them takes 40 ms, which every opening would wait for.
        if found.keys() >= set(view.reads) and told.get(view.name) != stamp:
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
    return f"{_MADE}{blake2b(told.encode(), digest_size=8).hexdigest()}"
