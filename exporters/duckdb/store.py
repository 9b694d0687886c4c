"""Store deliveries in a DuckDB file: rows, dedup and log position in one transaction."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from ...pipeline.core.batch import Delivery, Dropped
from ...pipeline.core.component import Factory, Kind, Settings
from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.schema import EVENTS
from .arrival import Arrival, arrive, first_of_each, scannable, suspects, words_of
from .config import Config
from .database import cursor_of, open_database
from .faults import broke_database, export_fault
from .migrations import migrate
from .query import Query, read
from .seen import Mask, SeenIds, hash_ids

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
# A clock that once ran ahead must not make us load nothing: hence least().
_RECENT = """
SELECT event_id::BLOB AS event_id, epoch_us(received_at) AS received_us FROM events
WHERE received_at >= make_timestamp(
    least((SELECT max(received_at) FROM events), make_timestamp($now)).epoch_us() - $window
)
"""
_LOAD_ROWS = 200_000


_Place = tuple[str, str, int]
"""A pipeline, a log, and the end of a delivery."""


@dataclass(frozen=True, slots=True)
class _Open:
    """An open file: ``root`` only makes cursors, ``writer`` is used under the lock."""

    root: duckdb.DuckDBPyConnection
    writer: duckdb.DuckDBPyConnection
    seen: SeenIds


class DuckDBExporter:
    """Keeps each record once, with the place in the log it came from."""

    def __init__(self, config: Config, settings: Settings) -> None:
        """Open nothing yet."""
        self._config = config
        self._settings = settings
        self._lock = threading.Lock()
        self._open: _Open | None = None
        self._broken = False
        # A commit that failed may have taken place: what it dropped is told then, at the retry.
        self._uncertain: dict[_Place, tuple[Dropped, ...]] = {}

    @property
    def path(self) -> Path:
        """The file the store keeps."""
        return self._config.path.expanduser().absolute()

    def start(self) -> None:
        """Open the file, bring it up to date and load the ids of the window.

        Raises:
            Permanent: another process holds the file, or a newer agentpond wrote it.

        """
        with self._lock:
            if self._open is None:
                self._open = self._open_file()

    def stop(self) -> None:
        """Close the file. Safe without start, and twice."""
        with self._lock:
            self._close()

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Store a delivery whole, but for records that are there already.

        Raises:
            Retryable: disk, memory or lock trouble; nothing was stored.
            Permanent: the rows can never be stored; nothing was stored.

        """
        arrival = arrive(delivery)
        with self._lock:
            opened = self._ready()
            try:
                return self._store(opened, delivery, arrival)
            except duckdb.Error as error:
                with suppress(duckdb.Error):
                    opened.writer.execute("ROLLBACK")
                self._broken = broke_database(error)
                raise export_fault(error, self.path) from error

    def position(self, pipeline: str, log_id: str) -> int | None:
        """Give the end of the last delivery of this pipeline and log; None if there is none."""
        with closing(self._reader()) as cursor:
            return _position(cursor, pipeline, log_id)

    def query(self, sql: str, *, max_rows: int | None = None) -> pa.Table:
        """Run a query that only reads; it sees whole deliveries and waits for no writer.

        Raises:
            Permanent: the query is refused, in DuckDB's own words.
            Retryable: the store is not open.

        """
        with closing(self.open_query(sql)) as query:
            return read(query, max_rows=max_rows)

    def open_query(self, sql: str) -> Query:
        """Give a query that only reads and has not run yet, for a thread to run.

        Raises:
            Retryable: the store is not open.

        """
        return Query(self._reader(), sql)

    def _reader(self) -> duckdb.DuckDBPyConnection:
        opened = self._open
        if opened is None:
            raise self._not_started()
        try:
            return cursor_of(opened.root)
        except duckdb.Error as error:
            # DuckDB gave the file up, or it was closed just now: the next delivery opens it again.
            raise Retryable(f"{self.path}: {error}", retry_after_s=5.0, reason="disk") from error

    def _not_started(self) -> Retryable:
        # Not for good: a delivery that comes after stop() must stay in the log and not be buried.
        return Retryable(f"{self.path} is not open. Call start() first.", reason="not_started")

    def _ready(self) -> _Open:
        """Give the open file; open it again if DuckDB gave it up."""
        if self._broken:
            self._settings.logger.warning("opening %s again after a fatal error", self.path)
            self._close()
            try:
                self._open = self._open_file()
            except Permanent as error:
                # At start this is the user's to mend; here the delivery must not pay for it.
                raise Retryable(str(error), retry_after_s=5.0, reason="disk") from error
            self._broken = False
        if self._open is None:
            raise self._not_started()
        return self._open

    def _open_file(self) -> _Open:
        root = open_database(self._config)
        try:
            writer = cursor_of(root)
            now_ns = self._settings.clock()
            migrate(writer, now_ns)
            return _Open(root, writer, _load_seen(writer, now_ns, self._window_us))
        except Permanent:
            root.close()
            raise
        except duckdb.Error as error:
            root.close()
            raise export_fault(error, self.path) from error

    def _close(self) -> None:
        if self._open is not None:
            self._open.writer.close()
            self._open.root.close()
            self._open = None

    @property
    def _window_us(self) -> int:
        return round(self._config.dedup_window.total_seconds() * 1e6)

    def _store(self, opened: _Open, delivery: Delivery, arrival: Arrival) -> Sequence[Dropped]:
        writer = opened.writer
        writer.execute("BEGIN")
        stored = _position(writer, delivery.pipeline, delivery.log_id)
        place = (delivery.pipeline, delivery.log_id, delivery.end)
        if stored is not None and delivery.end <= stored:
            writer.execute("ROLLBACK")
            return self._uncertain.pop(place, ())
        fresh = self._fresh(opened, arrival)
        _insert(writer, arrival, fresh)
        _put_position(writer, delivery)
        # Before the commit, as after a failed one nobody knows whether it took place: an id too
        # many costs a look in the table, an id too few lets a copy in.
        opened.seen.add(arrival.hashes[fresh], arrival.received_us[fresh])
        copies = len(fresh) - int(np.count_nonzero(fresh))
        dropped = (Dropped(EVENTS, copies, "duplicate"),) if copies else ()
        self._uncertain[place] = dropped
        writer.execute("COMMIT")
        del self._uncertain[place]
        if len(arrival.received_us):
            opened.seen.forget(int(arrival.received_us.min()) - self._window_us)
        return dropped

    def _fresh(self, opened: _Open, arrival: Arrival) -> Mask:
        """Mark the rows to store: the first of each id that is not in the table.

        The window runs from the row's own received_at and not from the clock, so that a log
        delivered late, after an outage, is judged as it would have been in time.
        """
        fresh = first_of_each(arrival.ids, arrival.hashes)
        hits = opened.seen.probe(arrival.hashes)
        doubtful = fresh & hits.mask
        if doubtful.any():
            rows = suspects(arrival, doubtful, self._window_us)
            with _registered(opened.writer, "suspects", rows):
                bounds = {"oldest": hits.oldest_us, "newest": hits.newest_us}
                found = opened.writer.execute(_VERIFY, bounds).fetchnumpy()["at"]
            fresh[found] = False
        return fresh


def _insert(writer: duckdb.DuckDBPyConnection, arrival: Arrival, fresh: Mask) -> None:
    if arrival.resources.num_rows:
        with _registered(writer, "arriving_resources", arrival.resources):
            writer.execute(_NEW_RESOURCES)
            writer.execute(_EARLIER_RESOURCES)
    if not fresh.any():
        return
    rows = arrival.events if fresh.all() else arrival.events.filter(pa.array(fresh))
    with _registered(writer, "arriving_events", scannable(rows)):
        writer.execute("INSERT INTO events BY NAME SELECT * FROM arriving_events")
        if arrival.span_events.num_rows:
            with _registered(writer, "arriving_span_events", scannable(arrival.span_events)):
                writer.execute(_SPAN_EVENTS)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    """Let SQL on this connection read Arrow rows under a name, without copying them."""
    connection.register(name, rows)
    try:
        yield
    finally:
        with suppress(duckdb.Error):
            connection.unregister(name)


def _position(connection: duckdb.DuckDBPyConnection, pipeline: str, log_id: str) -> int | None:
    found = connection.execute(_POSITION, [pipeline, log_id]).fetchall()
    return int(found[0][0]) if found else None


def _put_position(writer: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    place = {"pipeline": delivery.pipeline, "log_id": delivery.log_id, "end": delivery.end}
    writer.execute(_PUT_POSITION, place)


def _load_seen(writer: duckdb.DuckDBPyConnection, now_ns: int, window_us: int) -> SeenIds:
    seen = SeenIds()
    bounds = {"now": now_ns // 1000, "window": window_us}
    for rows in writer.sql(_RECENT, params=bounds).to_arrow_reader(_LOAD_ROWS):
        ids = rows["event_id"].cast(pa.binary(16))
        seen.add(hash_ids(words_of(ids)), rows["received_us"].to_numpy())
    return seen


factory = Factory(Kind.EXPORTER, "duckdb", Config, DuckDBExporter)
