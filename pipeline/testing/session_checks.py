"""Check that a session-scope processor keeps the contract of `docs/contract.md`.

What it says of itself is looked at first, then what it makes of sessions: all at once, each
alone, and without any rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.batch import Batch, Table
from ..core.made import SESSIONS
from ..core.schema import EVENTS, TABLES, TEXT
from ..core.sessions import Again, Cadence, Need, Of, SessionProcessor, Sessions, attribute_of
from .sessions import sessions_of
from .verdict import must

Made = Mapping[str, pa.Table]


def check_session_processor(
    processor: SessionProcessor, given: Iterable[Batch], made: Made
) -> None:
    """Check `session-*` on some events, and rows of tables that other processors make."""
    protocol = isinstance(processor, SessionProcessor)
    must("session-protocol", protocol, "it lacks version, cadence, needs, tables or process")
    version = processor.version
    must("session-version", isinstance(version, str) and version != "", f"version is {version!r}")
    _check_cadence(processor.cadence)
    _check_needs(processor.needs, [table.name for table in processor.tables])
    _check_tables(processor.tables)
    for events in given:
        sessions = sessions_of(processor.needs, events, made)
        _check_pure(processor, sessions)
        _check_own(processor, sessions)
        _check_again(processor, sessions)
        _check_alone(processor, sessions, events, made)
    _check_empty(processor)


def _check_cadence(cadence: Cadence) -> None:
    told = cadence.every_s >= 0 and cadence.settle_s >= 0
    must("session-cadence", told, f"{cadence} goes back in time")


def _check_needs(needs: Sequence[Need], made: Sequence[str]) -> None:
    names = [need.name for need in needs]
    must("session-needs", len(names) == len(set(names)), f"needs {names} are not told apart")
    own = [need for need in needs if need.table.name == EVENTS.name and need.of is Of.SESSIONS]
    must("session-needs", bool(own), "no need is of events, of the sessions at hand")
    for need in needs:
        strange = [name for name in need.columns if not _is_column(need.table, name)]
        must("session-needs", not strange, f"{need.table.name} has no columns {strange}")
        whose = need.of is not Of.SESSIONS or "session_id" in need.columns
        must("session-needs", whose, f"of {need.name} it does not ask for session_id")
        kind = SESSIONS.name if need.of is Of.EARLIER else EVENTS.name
        may = need.of is Of.SESSIONS or need.table.name == kind
        must("session-needs", may, f"only {kind} can be {need.of.value}")
        others = need.of is not Of.EARLIER or need.table.name not in made
        must("session-needs", others, f"whoever makes {kind} is not told when earlier ones change")


def _is_column(table: Table, name: str) -> bool:
    attribute = table.name == EVENTS.name and attribute_of(name)
    return bool(attribute) or name in table.schema.names


def _check_tables(tables: Sequence[Table]) -> None:
    must("session-tables", len(tables) > 0, "it makes no table")
    for table in tables:
        must("session-tables", table.name not in TABLES, f"{table.name} is what receivers fill")
        named = "session_id" in table.schema.names
        whose = named and table.schema.field("session_id").type.equals(TEXT)
        must("session-tables", whose, f"{table.name} has no text column session_id")
        keyed = "session_id" in table.key and set(table.key) <= set(table.schema.names)
        must("session-tables", keyed, f"the key of {table.name} is {table.key}")


def _check_pure(processor: SessionProcessor, sessions: Sessions) -> None:
    before = {name: _copy(rows) for name, rows in sessions.rows.items()}
    first, second = _tables(processor, sessions), _tables(processor, sessions)
    must("session-pure", first == second, "two calls with the same sessions gave two results")
    same = all(rows.equals(before[name]) for name, rows in sessions.rows.items())
    must("session-input", same, "the rows that were given are others afterwards")


def _check_own(processor: SessionProcessor, sessions: Sessions) -> None:
    own = {table.name: table for table in processor.tables}
    for each in processor.process(sessions):
        if isinstance(each, Again):
            continue
        name = each.table.name
        must("session-own", own.get(name) == each.table, f"{name} is no table of its own")
        ids = each.records.column("session_id")
        strange = len(each) - pc.is_in(ids, value_set=sessions.ids).true_count
        must("session-at-hand", strange == 0, f"{strange} rows of {name} are of other sessions")
    for name, rows in _tables(processor, sessions).items():
        twice = len(rows) - len(rows.group_by(list(own[name].key)).aggregate([]))
        must("session-key", twice == 0, f"{twice} rows of {name} have the key of another row")


def _check_again(processor: SessionProcessor, sessions: Sessions) -> None:
    now = pa.scalar(sessions.as_of_us, pa.int64()).cast(pa.timestamp("us"))
    for each in processor.process(sessions):
        if not isinstance(each, Again):
            continue
        known = pc.all(pc.is_in(each.session_ids, value_set=sessions.ids), min_count=0).as_py()
        must("session-again", known, "it asks for sessions that are not at hand")
        later = pc.all(pc.fill_null(pc.greater(each.at, now), False), min_count=0).as_py()
        must("session-again", later, "it asks to be run again at a time that has passed")


def _check_alone(
    processor: SessionProcessor, sessions: Sessions, events: Batch, made: Made
) -> None:
    company = _tables(processor, sessions)
    for session_id in sessions.ids.to_pylist():
        single = sessions_of(processor.needs, events, made, ids=[session_id])
        for name, rows in _tables(processor, single).items():
            own = company[name].filter(pc.equal(company[name]["session_id"], session_id))
            seen = f"the rows of {session_id!r} in {name} depend on which others are at hand"
            must("session-alone", own.combine_chunks().equals(rows), seen)


def _check_empty(processor: SessionProcessor) -> None:
    rows = {
        need.name: pa.RecordBatch.from_pylist([], schema=need.schema) for need in processor.needs
    }
    for ids in ([], ["nobody"]):
        empty = Sessions(pa.array(ids, pa.string()), rows, 1_795_200_000_000_000)
        count = sum(len(table) for table in _tables(processor, empty).values())
        must("session-empty", count == 0, f"{count} rows came of none")


def _tables(processor: SessionProcessor, sessions: Sessions) -> dict[str, pa.Table]:
    """Give what a processor makes of sessions, by table, in order of the table's key."""
    made: dict[str, list[pa.RecordBatch]] = {table.name: [] for table in processor.tables}
    for each in processor.process(sessions):
        if not isinstance(each, Again):
            made.setdefault(each.table.name, []).append(each.records)
    keys = {table.name: table for table in processor.tables}
    return {name: _in_order(parts, keys.get(name)) for name, parts in made.items()}


def _in_order(parts: list[pa.RecordBatch], table: Table | None) -> pa.Table:
    if table is None:
        return pa.Table.from_batches(parts).combine_chunks()
    rows = pa.Table.from_batches(parts, table.schema)
    order: Any = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in table.key])
    return rows.take(order).combine_chunks()


def _copy(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Copy rows down to the bytes, so that a change of the original shows."""
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, rows.schema) as writer:
        writer.write_batch(rows)
    return pa.ipc.open_stream(stream.getvalue()).read_next_batch()
