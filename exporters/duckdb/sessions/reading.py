"""Read all that processors need of some sessions, as of one moment, in the order core fixes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....pipeline.core.schema import EVENTS
from ....pipeline.core.sessions import BESIDE_DAYS, SESSIONLESS, Need, Of, Sessions
from ..sql import registered
from .earlier import select_earlier
from .order import Numbers, order_of_events, order_of_keys, places_of
from .selecting import (
    KEY,
    STARTS,
    select_beside,
    select_made,
    select_named,
    select_of_traces,
    select_sessionless,
    select_sessions,
    select_traced,
    select_traces,
)

_HOUR_US = 3_600_000_000
_MOST_HOURS = BESIDE_DAYS * 24
_LAST_HOUR = 70_000_000
"""In the year 9955: Python's times end with 9999."""

# `events` is stored in order of received_at, so DuckDB leaves out most of it by these bounds.
_SPAN = f"""
SELECT min(first_received_at), max(last_received_at)
FROM session_changes SEMI JOIN asked USING (session_id)
WHERE $every OR starts_with(session_id, '{SESSIONLESS}:')
"""  # noqa: S608 - of a constant
# An agent may call a session anything, also a day that no clock shows.
_HOURS = rf"""
WITH parts AS (
    SELECT regexp_extract(
        session_id, '^{SESSIONLESS}:(.*):(\d{{4}}-\d\d-\d\d)$', ['agent', 'day']
    ) AS part, epoch_us(last_received_at) // {_HOUR_US} AS heard
    FROM asked LEFT JOIN session_changes USING (session_id)
    WHERE starts_with(session_id, '{SESSIONLESS}:')
), days AS (
    SELECT part.agent, epoch_us(TRY_CAST(part.day AS TIMESTAMP)) // {_HOUR_US} AS began, heard
    FROM parts
)
SELECT DISTINCT agent, unnest(range(
    began - 1, least(greatest(began + 25, coalesce(heard + 2, 0)), began + {_MOST_HOURS})
)) AS hour FROM days
WHERE began BETWEEN 0 AND {_LAST_HOUR}
"""  # noqa: S608 - of a constant
_UNMADE = """
SELECT wanted."table", asked.session_id FROM asked, wanted
WHERE NOT EXISTS (
    FROM processor_runs AS run JOIN session_changes AS known ON run.session = known.number
    WHERE run.processor = wanted.maker AND known.session_id = asked.session_id
        AND run.seen_change IS NOT NULL
)
"""

_Span = dict[str, datetime]


def read_sessions(
    cursor: duckdb.DuckDBPyConnection,
    ids: pa.StringArray,
    needs: Sequence[Need],
    as_of_us: int,
    makers: Mapping[str, str],
) -> Sessions:
    """Read what is needed of some sessions; all in the transaction the cursor is in.

    ``makers`` are the processors that make tables, by table.
    """
    ids = ids.unique().sort()
    places = pa.array(np.arange(len(ids), dtype=np.int32))
    with registered(cursor, "asked", pa.table({"session_id": ids, "place": places})):
        reader = _Reader(cursor, ids)
        rows = {need.name: reader.read(need) for need in needs}
        made = sorted({need.table.name for need in needs} - {EVENTS.name})
        return Sessions(ids, rows, as_of_us, reader.unmade(made, makers) if made else {})


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads by a cursor on which ``ids`` are registered as ``asked``."""

    cursor: duckdb.DuckDBPyConnection
    ids: pa.StringArray

    def read(self, need: Need) -> pa.RecordBatch:
        if need.of is Of.EARLIER:
            return self._earlier(need)
        if need.table.name != EVENTS.name:
            return self._made(need)
        if need.of is Of.SESSIONS:
            return self._own(need)
        if need.of is Of.TRACED:
            return self._traced(need)
        return self._beside(need) if need.of is Of.BESIDE else self._kin(need)

    def unmade(self, tables: Sequence[str], makers: Mapping[str, str]) -> dict[str, pa.StringArray]:
        """Name for each table the sessions on which its maker never succeeded."""
        maker = pa.array([makers.get(table) for table in tables], pa.string())
        with registered(self.cursor, "wanted", pa.table({"table": list(tables), "maker": maker})):
            found = self.cursor.sql(_UNMADE).to_arrow_table()
        sessions = {table: found.filter(pc.equal(found["table"], table)) for table in tables}
        return {table: _one(rows["session_id"]).sort() for table, rows in sessions.items()}

    def _made(self, need: Need) -> pa.RecordBatch:
        rows = self.cursor.sql(select_made(need)).to_arrow_table()
        place = _one(rows["_place"])
        keys = [_one(rows[name]) for name in rows.column_names if name.startswith(KEY)]
        return _given(need, rows, self.ids.take(place), order_of_keys(place, keys))

    def _earlier(self, need: Need) -> pa.RecordBatch:
        rows = self.cursor.sql(select_earlier(need)).to_arrow_table()
        return _given(need, rows, _one(rows["_session"]), np.arange(rows.num_rows))

    def _own(self, need: Need) -> pa.RecordBatch:
        rows = self._fetch(select_sessions(need), self._span(every=True))
        if self._any_sessionless():
            more = self._fetch(select_sessionless(need), self._span(every=False))
            rows = pa.concat_tables([rows, more])
        place = _one(rows["_place"])
        return _given(need, rows, self.ids.take(place), _order(place, rows))

    def _beside(self, need: Need) -> pa.RecordBatch:
        hours = self.cursor.sql(_HOURS).to_arrow_table()
        if not hours.num_rows:
            return _nothing(need)
        bounds = pc.min_max(hours["hour"])
        first = pa.scalar(bounds["min"].as_py() * _HOUR_US, pa.timestamp("us")).as_py()
        last = pa.scalar((bounds["max"].as_py() + 1) * _HOUR_US, pa.timestamp("us")).as_py()
        with registered(self.cursor, "hours", hours):
            rows = self._fetch(select_beside(need), {"first": first, "last": last})
        return _of_others(need, rows)

    def _traced(self, need: Need) -> pa.RecordBatch:
        span = self._span(every=True)
        traces = self._fetch(select_traces(need), span)
        if not traces.num_rows:
            return _nothing(need)
        with registered(self.cursor, "traces", traces):
            return _of_others(need, self._fetch(select_of_traces(need), span))

    def _kin(self, need: Need) -> pa.RecordBatch:
        # One query for both would look at all events: neither of its halves could leave out any.
        rows = self._fetch(select_named(need), {})
        traces = self._fetch(STARTS, self._span(every=True))
        if traces.num_rows:
            with registered(self.cursor, "traces", traces):
                rows = pa.concat_tables([rows, self._fetch(select_traced(need), {})])
        return _of_others(need, rows)

    def _fetch(self, sql: str, given: _Span) -> pa.Table:
        return self.cursor.sql(sql, params=given).to_arrow_table()

    def _span(self, *, every: bool) -> _Span:
        found = self.cursor.execute(_SPAN, {"every": every}).fetchall()
        first, last = found[0]
        return {"first": first, "last": last}

    def _any_sessionless(self) -> bool:
        return bool(pc.any(pc.starts_with(self.ids, f"{SESSIONLESS}:")).as_py())


def _of_others(need: Need, rows: pa.Table) -> pa.RecordBatch:
    session = _one(rows["_session"])
    return _given(need, rows, session, _order(pa.array(places_of(session)), rows))


def _order(place: pa.Array, rows: pa.Table) -> Numbers:
    return order_of_events(
        place, _one(rows["time"]), _one(rows["sequence"]), _one(rows["event_id"])
    )


def _given(need: Need, rows: pa.Table, session: pa.Array, order: Numbers) -> pa.RecordBatch:
    """Give the columns asked for, in order, in exactly the types asked for."""
    at = pa.array(order)
    arrays = []
    for field in need.schema:
        told = session if field.name == "session_id" else _one(rows[field.name])
        arrays.append(_cast(told, field.type).take(at))
    return pa.RecordBatch.from_arrays(arrays, schema=need.schema)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    # DuckDB names the items of its lists otherwise than Arrow does.
    return column if column.type == kind else column.cast(kind)


def _nothing(need: Need) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=need.schema)


def _one(column: "pa.ChunkedArray") -> pa.Array:
    """Give a column in one piece."""
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
