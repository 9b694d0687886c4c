"""Store a delivery's rows within a transaction: those that are new, the position, the changes."""

import duckdb
import numpy as np
import pyarrow as pa

from ...pipeline.core.batch import Delivery, Dropped
from ...pipeline.core.schema import EVENTS
from .arrival import Arrival, first_of_each, scannable, suspects
from .opened import Open
from .seen import Mask
from .sessions.changes import Changes
from .sql import registered

_NEW_RESOURCES = """
INSERT INTO resources BY NAME
SELECT * FROM arriving_resources ANTI JOIN resources USING (resource_id)
QUALIFY row_number() OVER (PARTITION BY resource_id ORDER BY first_seen) = 1
"""
_EARLIER_RESOURCES = """
UPDATE resources SET first_seen = arriving.first_seen
FROM (
    SELECT resource_id, min(first_seen) AS first_seen FROM arriving_resources GROUP BY resource_id
) AS arriving
WHERE resources.resource_id = arriving.resource_id AND arriving.first_seen < resources.first_seen
"""
# MATERIALIZED here and below: DuckDB 1.5 pushes the join's filter into the Arrow scan, where
# it is "Unimplemented type UUID for Arrow Filter Pushdown".
_SPAN_EVENTS = """
WITH stored AS MATERIALIZED (SELECT event_id FROM arriving_events),
    arriving AS MATERIALIZED (SELECT * FROM arriving_span_events)
INSERT INTO span_events BY NAME
SELECT DISTINCT ON (event_id, "index") * FROM arriving SEMI JOIN stored USING (event_id)
"""
# The two bounds are constants so that DuckDB skips row groups by them; `since` is exact.
_VERIFY = """
WITH asked AS MATERIALIZED (SELECT * FROM suspects)
SELECT DISTINCT asked.at FROM events JOIN asked USING (event_id)
WHERE events.received_at BETWEEN make_timestamp($oldest) AND make_timestamp($newest)
  AND events.received_at >= asked.since
"""
_PUT_POSITION = """
INSERT INTO log_positions VALUES ($pipeline, $log_id, $end)
ON CONFLICT DO UPDATE SET position = excluded.position
"""
_POSITION = "SELECT position FROM log_positions WHERE pipeline = ? AND log_id = ?"


def insert(
    writer: duckdb.DuckDBPyConnection, arrival: Arrival, fresh: Mask, changes: Changes
) -> None:
    """Insert the rows of a delivery that are fresh, and note the sessions they touch."""
    if arrival.resources.num_rows:
        with registered(writer, "arriving_resources", arrival.resources):
            writer.execute(_NEW_RESOURCES)
            writer.execute(_EARLIER_RESOURCES)
    if not fresh.any():
        return
    rows = arrival.events if fresh.all() else arrival.events.filter(pa.array(fresh))
    with registered(writer, "arriving_events", scannable(rows)):
        writer.execute("INSERT INTO events BY NAME SELECT * FROM arriving_events")
        if arrival.span_events.num_rows:
            with registered(writer, "arriving_span_events", scannable(arrival.span_events)):
                writer.execute(_SPAN_EVENTS)
    changes.note(writer, rows)


def fresh_rows(opened: Open, arrival: Arrival, window_us: int) -> Mask:
    """Mark the rows to store: the first of each id that is not in the table.

    The window runs from the row's own received_at and not from the clock, so that a log
    delivered late, after an outage, is judged as it would have been in time.
    """
    fresh = first_of_each(arrival.ids, arrival.hashes)
    hits = opened.seen.probe(arrival.hashes)
    doubtful = fresh & hits.mask
    if doubtful.any():
        rows = suspects(arrival, doubtful, window_us)
        with registered(opened.writer, "suspects", rows):
            bounds = {"oldest": hits.oldest_us, "newest": hits.newest_us}
            found = opened.writer.execute(_VERIFY, bounds).fetchnumpy()["at"]
        fresh[found] = False
    return fresh


def copies_among(fresh: Mask) -> tuple[Dropped, ...]:
    """Tell how many rows are copies of others."""
    copies = len(fresh) - int(np.count_nonzero(fresh))
    return (Dropped(EVENTS, copies, "duplicate"),) if copies else ()


def position_of(connection: duckdb.DuckDBPyConnection, pipeline: str, log_id: str) -> int | None:
    """Give the end of the last delivery of a pipeline and log; None if there is none."""
    found = connection.execute(_POSITION, [pipeline, log_id]).fetchall()
    return int(found[0][0]) if found else None


def put_position(writer: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Note the end of a delivery."""
    place = {"pipeline": delivery.pipeline, "log_id": delivery.log_id, "end": delivery.end}
    writer.execute(_PUT_POSITION, place)
