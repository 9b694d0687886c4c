"""Run a processor, and see to it that what it gives is its to give before anybody stores it."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...core.batch import Batch, Table
from ...core.errors import Permanent
from ...core.schema import TIME
from ...core.sessions import Again, SessionProcessor, Sessions


def given_by(
    name: str, processor: SessionProcessor, sessions: Sessions
) -> tuple[list[Batch], Again | None]:
    """Run the processor. Raises Permanent if what it gives is not its to give."""
    batches: list[Batch] = []
    agains: list[Again] = []
    for made in processor.process(sessions):
        if isinstance(made, Again):
            _require_known(name, made.session_ids, sessions, "an Again")
            agains.append(made)
        else:
            _require_own(name, made, processor)
            ids = made.records.column("session_id")
            _require_known(name, ids, sessions, f"rows of {made.table.name}")
            batches.append(made)
    for table in processor.tables:
        _require_unique(name, table, [each.records for each in batches if each.table == table])
    return batches, _together(agains)


def _require_own(name: str, made: Batch, processor: SessionProcessor) -> None:
    if made.table not in processor.tables:
        known = ", ".join(table.name for table in processor.tables)
        raise Permanent(
            f"processor {name}: it gave rows of {made.table.name}, and makes: {known}. Name in "
            f"`tables` what it makes.",
            reason="bad_result",
        )


def _require_known(name: str, ids: pa.StringArray, sessions: Sessions, what: str) -> None:
    strange = ids.filter(pc.invert(pc.is_in(ids, value_set=sessions.ids)))
    if len(strange):
        raise Permanent(
            f"processor {name}: it gave {what} of session {strange[0]}, which is not at hand. "
            f"Give rows of Sessions.ids alone.",
            reason="bad_result",
        )


def _require_unique(name: str, table: Table, rows: Sequence[pa.RecordBatch]) -> None:
    if not rows or not table.key:
        return
    keys = pa.Table.from_batches(rows).select(table.key)
    # Mostly the last column alone tells rows apart, at a third of the cost of looking at all.
    if len(keys[table.key[-1]].unique()) == keys.num_rows:
        return
    counted = keys.group_by(list(table.key), use_threads=False).aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], 1))
    if twice.num_rows:
        (first,) = twice.slice(0, 1).select(table.key).to_pylist()
        raise Permanent(
            f"processor {name}: it gave rows of {table.name} of the same key: {first}. Give one "
            f"row of each {', '.join(table.key)}.",
            reason="bad_result",
        )


def _together(agains: Iterable[Again]) -> Again | None:
    """Make one of several; a session that is in several comes at the earliest time."""
    parts = list(_told(agains))
    if not parts:
        return None
    rows = pa.concat_tables(parts).group_by("session_id", use_threads=False)
    first = rows.aggregate([("at", "min")]).sort_by("session_id").combine_chunks()
    return Again(first["session_id"].combine_chunks(), first["at_min"].combine_chunks())


def _told(agains: Iterable[Again]) -> Iterator[pa.Table]:
    for again in agains:
        told = pa.table({"session_id": again.session_ids, "at": again.at.cast(TIME)})
        told = told.filter(told["at"].is_valid())
        if told.num_rows:
            yield told
