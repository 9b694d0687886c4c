"""Put a processor's rows in the place of its earlier ones, writing only sessions that differ."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ....pipeline.core.batch import Batch, Table
from ....pipeline.core.errors import Permanent
from ....pipeline.core.schema import TIME
from ....pipeline.core.sessions import Again, Run
from ..arrival import marked, scannable
from ..sql import quoted, registered
from .state import note_success, numbered

# Sessions without earlier rows need no comparing and no looking for what to delete, which
# takes a scan of the table.
_HELD = """
SELECT asked.session_id FROM processor_runs JOIN asked USING (session)
WHERE processor = $processor AND rows > 0
"""


def refuse_strangers(
    run: Run, tables: Sequence[Table], batches: Sequence[Batch], again: Again | None
) -> None:
    """Refuse rows of tables that are not the processor's, or of sessions it did not run on.

    Raises:
        Permanent: there are such rows; reason `bad_result`.

    """
    own = {table.name for table in tables}
    strange = sorted({batch.table.name for batch in batches} - own)
    if strange:
        msg = f"processor {run.processor!r} gave rows of {strange}; it makes {sorted(own)}."
        raise Permanent(msg, reason="bad_result")
    asked = run.sessions["session_id"].combine_chunks()
    told = [(each.table.name, each.records.column("session_id")) for each in batches]
    told += [("again", again.session_ids)] if again else []
    for name, sessions in told:
        known = pc.is_in(sessions, value_set=asked)
        if sessions.null_count or not pc.all(known, min_count=0).as_py():
            others = sessions.filter(pc.invert(known)).unique()[:3].to_pylist()
            msg = (
                f"processor {run.processor!r} gave rows of {name} for sessions {others}, which "
                f"are not among those it ran on. Give rows of the sessions at hand alone."
            )
            raise Permanent(msg, reason="bad_result")


def put_rows(
    writer: duckdb.DuckDBPyConnection,
    run: Run,
    tables: Sequence[Table],
    batches: Sequence[Batch],
    again: Again | None,
    change: int,
) -> int:
    """Replace the processor's rows of a run's sessions within a transaction; count them."""
    asked = numbered(writer, run.sessions.select(["session_id", "change", "position"]))
    with registered(writer, "asked", asked):
        held = writer.sql(_HELD, params={"processor": run.processor}).to_arrow_table()
    differing: list[pa.Array] = []
    given: list[pa.Array] = []
    for table in tables:
        records = [each.records for each in batches if each.table.name == table.name]
        rows = pa.Table.from_batches(records, schema=table.schema)
        given.append(_sessions(rows))
        differing.append(_put(writer, table, rows, held))
    sessions = pa.concat_arrays([pa.array([], pa.string()), *given])
    ran = _ran(asked, sessions, pa.concat_arrays([pa.array([], pa.string()), *differing]), again)
    note_success(writer, run, ran, change)
    return len(sessions)


def _put(
    writer: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, held: pa.Table
) -> pa.Array:
    """Write the sessions whose rows of a table differ from those that are there; name them."""
    earlier = held["session_id"].combine_chunks()
    sessions = _sessions(rows)
    fresh = sessions.filter(pc.invert(pc.is_in(sessions, value_set=earlier))).unique()
    if not len(earlier):
        _insert(writer, table, rows)
        return fresh
    changed = _changed(writer, table, rows, held)
    if len(changed):
        with registered(writer, "changed", pa.table({"session_id": changed})):
            writer.execute(
                f"DELETE FROM {quoted(table.name)} "  # noqa: S608 - quoted
                "WHERE session_id IN (SELECT session_id FROM changed)"
            )
    differing = pa.concat_arrays([fresh, changed])
    _insert(writer, table, rows.filter(pc.is_in(rows["session_id"], value_set=differing)))
    return differing


def _changed(
    writer: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, held: pa.Table
) -> pa.Array:
    """Name the sessions with earlier rows that had other rows than now.

    They have another number of rows, or had one that is not among the new; that is all there
    can be, as a table's key tells its rows apart. Sums of hash() would take half the time, but
    DuckDB 2.0 gives NULL, [] and [NULL] one hash; EXCEPT ALL takes seven times as long.
    """
    names = [quoted(name) for name in table.schema.names]
    same = " AND ".join(f"old.{name} IS NOT DISTINCT FROM given.{name}" for name in names)
    earlier = f"SELECT * FROM {quoted(table.name)} SEMI JOIN held USING (session_id)"  # noqa: S608 - quoted
    sql = f"""
        WITH old AS (SELECT session_id, count(*) AS n FROM ({earlier}) GROUP BY ALL),
            new AS (
                SELECT session_id, count(*) AS n FROM given SEMI JOIN held USING (session_id)
                GROUP BY ALL
            )
        SELECT session_id FROM old FULL JOIN new USING (session_id)
        WHERE old.n IS DISTINCT FROM new.n
        UNION SELECT session_id FROM ({earlier}) AS old ANTI JOIN given ON {same}
    """  # noqa: S608 - quoted
    with registered(writer, "held", held), registered(writer, "given", marked(rows)):
        return writer.sql(sql).to_arrow_table()["session_id"].combine_chunks()


def _insert(writer: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> None:
    if rows.num_rows:
        with registered(writer, "given", scannable(rows)):
            writer.execute(
                f"INSERT INTO {quoted(table.name)} BY NAME SELECT * FROM given"  # noqa: S608 - quoted
            )


def _sessions(rows: pa.Table) -> pa.StringArray:
    return pa.concat_arrays([pa.array([], pa.string()), *rows["session_id"].chunks])


def _ran(
    asked: pa.Table, sessions: pa.StringArray, differing: pa.StringArray, again: Again | None
) -> pa.Table:
    """Say of each session of a run how many rows it has, whether they differ, and when next."""
    ids = asked["session_id"].combine_chunks()
    counted = sessions.value_counts()
    rows = counted.field("counts").take(pc.index_in(ids, value_set=counted.field("values")))
    at = pa.nulls(len(ids), TIME)
    if again is not None:
        at = again.at.cast(TIME).take(pc.index_in(ids, value_set=again.session_ids))
    return (
        asked.append_column("rows", pc.fill_null(rows, 0))
        .append_column("differs", pc.is_in(ids, value_set=differing))
        .append_column("again_at", at)
    )
