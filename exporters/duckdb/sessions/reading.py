"""Read all that processors need of some sessions, as of one moment, in the order core fixes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....pipeline.core.schema import EVENTS
from ....pipeline.core.sessions import SESSIONLESS, Need, Of, Sessions
from ..sql import registered
from .order import Numbers, order_of_events, order_of_keys, places_of
from .selecting import (
    KEY,
    STARTS,
    select_beside,
    select_made,
    select_named,
    select_sessionless,
    select_sessions,
    select_traced,
)

# `events` is stored in order of received_at, so DuckDB leaves out most of it by these bounds.
_SPAN = f"""
SELECT min(first_received_at), max(last_received_at)
FROM session_changes SEMI JOIN asked USING (session_id)
WHERE $every OR starts_with(session_id, '{SESSIONLESS}:')
"""  # noqa: S608 - of a constant
_HOURS = f"""
WITH parts AS (
    SELECT regexp_extract(session_id, '^{SESSIONLESS}:(.*):([0-9-]+)$', ['agent', 'day']) AS part
    FROM asked WHERE starts_with(session_id, '{SESSIONLESS}:')
), days AS (
    SELECT part.agent, epoch_us(TRY_CAST(part.day AS TIMESTAMP)) // 3_600_000_000 AS began
    FROM parts
)
SELECT DISTINCT agent, unnest(range(began - 1, began + 25)) AS hour FROM days
WHERE began IS NOT NULL
"""  # noqa: S608 - of a constant
_HOUR_US = 3_600_000_000

_Span = dict[str, datetime]


def read_sessions(
    cursor: duckdb.DuckDBPyConnection, ids: pa.StringArray, needs: Sequence[Need], as_of_us: int
) -> Sessions:
    """Read what is needed of some sessions; all in the transaction the cursor is in."""
    ids = ids.unique().sort()
    places = pa.array(np.arange(len(ids), dtype=np.int32))
    with registered(cursor, "asked", pa.table({"session_id": ids, "place": places})):
        reader = _Reader(cursor, ids)
        return Sessions(ids, {need.name: reader.read(need) for need in needs}, as_of_us)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads by a cursor on which ``ids`` are registered as ``asked``."""

    cursor: duckdb.DuckDBPyConnection
    ids: pa.StringArray

    def read(self, need: Need) -> pa.RecordBatch:
        if need.table.name != EVENTS.name:
            return self._made(need)
        if need.of is Of.SESSIONS:
            return self._own(need)
        return self._beside(need) if need.of is Of.BESIDE else self._kin(need)

    def _made(self, need: Need) -> pa.RecordBatch:
        rows = self.cursor.sql(select_made(need)).to_arrow_table()
        place = _one(rows["_place"])
        keys = [_one(rows[name]) for name in rows.column_names if name.startswith(KEY)]
        return _given(need, rows, self.ids.take(place), order_of_keys(place, keys))

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
