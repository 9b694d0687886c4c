"""Make room for what session-scope processors make, and note who makes and who reads it.

Rows are found again by who made them. Where a table has another maker than before, or has one
again, its rows are those of nobody: they go, and its maker starts from the beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from ....pipeline.core.advice import ADVICE_ADOPTED
from ....pipeline.core.batch import Table
from ....pipeline.core.errors import Permanent
from ....pipeline.core.made import MADE_COLUMNS, SESSIONS
from ....pipeline.core.schema import TABLES, Column
from ....pipeline.core.sessions import SessionProcessor
from ....pipeline.core.views import VIEWS
from ..schema import SQL_TYPES, add_missing, create_table
from ..sql import quoted, registered
from ..taken import refuse_taken
from .earlier import readers_of_earlier, watched_by
from .tables import KEPT_COLUMNS, PROCESSOR_STATE

_SCHEMA = pa.schema(
    [
        ("processor", pa.string()),
        ("version", pa.string()),
        ("upstream", pa.list_(pa.string())),
        ("tables", pa.list_(pa.string())),
    ]
)

_KEPT = {
    *(*TABLES, *KEPT_COLUMNS, *(view.name for view in VIEWS), ADVICE_ADOPTED.name),
    *("log_positions", "schema_version", PROCESSOR_STATE),
}

_FORMER = 'SELECT processor, upstream, "tables" FROM processors'

# Later than nothing: what it made stays, and it runs on all sessions once more.
_READ_ANEW = """
UPDATE processor_runs SET seen_change = 0
WHERE seen_change IS NOT NULL AND list_contains($readers, processor)
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Which processors there are: whose rows each reads, and who makes each table."""

    upstream: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    makers: Mapping[str, str] = field(default_factory=dict)
    watched: tuple[str, ...] = ()
    """The columns of `sessions` that later sessions hang on; see ``Of.EARLIER``."""
    history: Mapping[str, str] = field(default_factory=dict)
    """The maker of `sessions`, by the processors that read earlier ones."""


@dataclass(frozen=True, slots=True)
class _Former:
    """What a processor read and made when the store was last prepared."""

    upstream: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


def prepare_tables(
    writer: duckdb.DuckDBPyConnection, processors: Mapping[str, SessionProcessor]
) -> Prepared:
    """Create or widen the processors' tables, and put down the processors there are now.

    Raises:
        Permanent: a table that cannot be kept, or that is another's: a processor's, or one that
            somebody put into the file.

    """
    makers = _makers(processors)
    for table in (each for processor in processors.values() for each in processor.tables):
        if table.name not in MADE_COLUMNS:
            _make(writer, table)
    upstream = {name: _upstream(name, each, makers) for name, each in processors.items()}
    _start_anew(writer, processors, upstream)
    rows = [
        {
            "processor": name,
            "version": each.version,
            "upstream": list(upstream[name]),
            "tables": [table.name for table in each.tables],
        }
        for name, each in processors.items()
    ]
    with registered(writer, "configured", pa.Table.from_pylist(rows, schema=_SCHEMA)):
        writer.execute("DELETE FROM processors")
        writer.execute("INSERT INTO processors BY NAME SELECT * FROM configured")
    maker = makers.get(SESSIONS.name, "")
    history = dict.fromkeys(readers_of_earlier(processors, makers), maker)
    return Prepared(upstream, makers, watched_by(processors.values()), history)


def _start_anew(
    writer: duckdb.DuckDBPyConnection,
    processors: Mapping[str, SessionProcessor],
    upstream: Mapping[str, tuple[str, ...]],
) -> None:
    """Let go what processors with tables new to them have made, and have their readers read anew.

    Rows that nobody is to make any more stay as they are.
    """
    found = writer.execute(_FORMER).fetchall()
    told = {name: _Former(frozenset(read), frozenset(made)) for name, read, made in found}
    former = {name: told.get(name, _Former()) for name in processors}
    anew = processors.keys() - told.keys()
    for name, processor in processors.items():
        if {table.name for table in processor.tables} - former[name].tables:
            anew.add(name)
    for name in sorted(anew):
        writer.execute("DELETE FROM processor_runs WHERE processor = ?", [name])
        for table in processors[name].tables:
            writer.execute(f"DELETE FROM {quoted(table.name)}")  # noqa: S608 - quoted
    readers = [
        name
        for name, read in upstream.items()
        if set(read) != former[name].upstream or not anew.isdisjoint(read)
    ]
    writer.execute(_READ_ANEW, {"readers": readers})


def _makers(processors: Mapping[str, SessionProcessor]) -> Mapping[str, str]:
    makers: dict[str, str] = {}
    for name, processor in processors.items():
        for table in processor.tables:
            _refuse_taken(name, table, makers)
            makers[table.name] = name
    return makers


def _refuse_taken(processor: str, table: Table, makers: Mapping[str, str]) -> None:
    kept = table.name.lower() in _KEPT
    if kept or table.name in makers:
        owner = "the store" if kept else f"processor {makers[table.name]!r}"
        msg = (
            f"processor {processor!r} makes table {table.name!r}, which {owner} keeps. "
            f"Leave one out, or give the table another name."
        )
        raise Permanent(msg, reason="bad_table")


def _upstream(name: str, processor: SessionProcessor, makers: Mapping[str, str]) -> tuple[str, ...]:
    read = (makers.get(need.table.name) for need in processor.needs)
    return tuple(sorted({maker for maker in read if maker is not None and maker != name}))


def _make(writer: duckdb.DuckDBPyConnection, table: Table) -> None:
    if "session_id" not in table.schema.names:
        msg = f"table {table.name!r} has no column `session_id`; rows are replaced by it. Add it."
        raise Permanent(msg, reason="bad_table")
    columns = _columns(table)
    refuse_taken(writer, [table.name], {table.name: _session_of(columns)})
    create_table(writer, table.name, columns, ("session_id", *table.key))
    add_missing(writer, {table.name: columns})


def _columns(table: Table) -> Sequence[Column]:
    strange = [f"{each.name}: {each.type}" for each in table.schema if each.type not in SQL_TYPES]
    if strange:
        msg = (
            f"table {table.name!r} has columns of types that are not kept: {', '.join(strange)}. "
            f"Use one of {', '.join(str(each) for each in SQL_TYPES)}."
        )
        raise Permanent(msg, reason="bad_table")
    return [Column(each.name, each.type, _meaning(each, table)) for each in table.schema]


def _session_of(columns: Sequence[Column]) -> Column:
    return next(column for column in columns if column.name == "session_id")


def _meaning(field: pa.Field, table: Table) -> str:
    told = (field.metadata or {}).get(b"meaning", b"")
    return str(told.decode()) or f"Of the processor that makes `{table.name}`."
