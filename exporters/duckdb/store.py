"""Store deliveries in a DuckDB file, each record once, and let session-scope processors work."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from ...pipeline.core.advice import Adoption
from ...pipeline.core.batch import Batch, Delivery, Dropped, Table
from ...pipeline.core.component import Factory, Kind, Settings
from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.sessions import Again, Ask, Need, Run, SessionProcessor, Sessions
from .advice import adopt, forget
from .arrival import Arrival, arrive
from .config import Config
from .database import cursor_of
from .faults import broke_database, export_fault
from .opened import Open, open_file, window_us
from .query import Query, read
from .sessions.changes import Changes
from .sessions.due import due_sessions
from .sessions.earlier import telling_later
from .sessions.preparing import Prepared, prepare_tables
from .sessions.reading import read_sessions
from .sessions.remaking import Part, differing, parts_of
from .sessions.replacing import put_rows, refuse_strangers
from .sessions.state import next_again_us, note_failure
from .sql import transaction
from .storing import copies_among, fresh_rows, insert, position_of, put_position

_Place = tuple[str, str, int]
"""A pipeline, a log, and the end of a delivery."""


class DuckDBExporter:
    """Keeps each record once, with the place in the log it came from, and what is made of it."""

    def __init__(self, config: Config, settings: Settings) -> None:
        """Open nothing yet."""
        self._config = config
        self._settings = settings
        self._lock = threading.Lock()
        self._open: Open | None = None
        self._broken = False
        self._changes = Changes()
        self._prepared = Prepared()
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
        with self._writing() as opened:
            return self._store(opened, delivery, arrival)

    def position(self, pipeline: str, log_id: str) -> int | None:
        """Give the end of the last delivery of this pipeline and log; None if there is none."""
        with closing(self._reader()) as cursor:
            return position_of(cursor, pipeline, log_id)

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

    # What follows is SessionStore, see core; all of it raises as `export` does.

    @property
    def change(self) -> int:
        """A number that grows with every change; costs nothing to ask."""
        return self._changes.newest

    def prepare(self, processors: Mapping[str, SessionProcessor]) -> None:
        """Make room for the processors' tables, and forget those that are configured no more."""
        with self._writing() as opened, transaction(opened.writer):
            self._prepared = prepare_tables(opened.writer, processors)

    def next_again_us(self, processor: str) -> int | None:
        """Give when an ``Again`` or a failed session is due; None if never."""
        with self._reading() as cursor:
            return next_again_us(cursor, processor, self._settings.clock() // 1000)

    def due(self, ask: Ask) -> pa.Table:
        """Give the sessions to run on, in the schema ``DUE``."""
        with self._reading() as cursor:
            history = self._prepared.history.get(ask.processor)
            return due_sessions(cursor, ask, self._prepared.upstream, history)

    def read(self, ids: pa.StringArray, needs: Sequence[Need], as_of_us: int) -> Sessions:
        """Give all that is needed of some sessions, as of one moment of the store."""
        with self._reading() as cursor:
            return read_sessions(cursor, ids, needs, as_of_us, self._prepared.makers)

    def replace(
        self,
        run: Run,
        tables: Sequence[Table],
        batches: Sequence[Batch],
        again: Again | None = None,
    ) -> int:
        """Put rows in the place of the processor's earlier ones of these sessions; count them."""
        refuse_strangers(run, tables, batches, again)
        with (
            self._changing() as (writer, change),
            telling_later(writer, run, tables, self._prepared.watched, change),
        ):
            return put_rows(writer, run, tables, batches, again, change)

    def fail(self, run: Run, error: str, again_at: pa.TimestampArray) -> None:
        """Note that a run failed on its sessions, and when each may be tried again."""
        with self._writing() as opened, transaction(opened.writer):
            note_failure(opened.writer, run, error, again_at)

    def remake(
        self,
        processor: str,
        table: Table,
        since_us: int | None,
        change: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> Iterator[int]:
        """Pass the rows of a made table through a function, part by part; see core."""
        with self._reading() as cursor:
            parts = parts_of(cursor, table, since_us)
        for part in parts:
            if rows := self._remake(part, processor, change):
                yield rows

    def _remake(
        self, part: Part, processor: str, change: Callable[[pa.RecordBatch], pa.RecordBatch]
    ) -> int:
        with self._reading() as cursor:
            rows = part.read(cursor)
        remade = differing(rows, change(rows), part.table) if rows.num_rows else None
        if remade and remade.columns:
            with self._changing() as (writer, number):
                part.put(writer, remade, processor, number)
        return int(rows.num_rows)

    # What follows is Adviser, see core.

    def adopt(self, advice_id: str, at_us: int | None = None) -> Adoption:
        """Note since when advice is adopted: as it was already, else now, unless told."""
        with self._writing() as opened, transaction(opened.writer):
            return adopt(opened.writer, advice_id, at_us, self._settings.clock() // 1000)

    def forget(self, advice_id: str) -> Adoption:
        """Take back that advice was adopted."""
        with self._writing() as opened, transaction(opened.writer):
            return forget(opened.writer, advice_id)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor that sees one moment, and nothing else can be done with than to read."""
        if self._broken:
            with self._lock:
                self._ready()
        with closing(self._reader()) as cursor:
            try:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                yield cursor
            except duckdb.Error as error:
                self._broken = self._broken or broke_database(error)
                raise export_fault(error, self.path) from error

    @contextmanager
    def _changing(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
        """Give the writer, in a transaction of its own, and the number of the change."""
        with self._writing() as opened, transaction(opened.writer):
            yield opened.writer, self._changes.give()

    @contextmanager
    def _writing(self) -> Iterator[Open]:
        """Hold the lock; what goes wrong is told in our two errors."""
        with self._lock:
            opened = self._ready()
            try:
                yield opened
            except duckdb.Error as error:
                self._broken = broke_database(error)
                raise export_fault(error, self.path) from error
            finally:
                self._changes.show()

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

    def _ready(self) -> Open:
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

    def _open_file(self) -> Open:
        opened = open_file(self._config, self.path, self._settings.clock())
        self._changes.load(opened.writer)
        return opened

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _store(self, opened: Open, delivery: Delivery, arrival: Arrival) -> Sequence[Dropped]:
        place = (delivery.pipeline, delivery.log_id, delivery.end)
        with transaction(opened.writer):
            stored = position_of(opened.writer, delivery.pipeline, delivery.log_id)
            if stored is not None and delivery.end <= stored:
                return self._uncertain.pop(place, ())
            fresh = fresh_rows(opened, arrival, window_us(self._config))
            insert(opened.writer, arrival, fresh, self._changes)
            put_position(opened.writer, delivery)
            # Before the commit, as after a failed one nobody knows whether it took place: an id
            # too many costs a look in the table, an id too few lets a copy in.
            opened.seen.add(arrival.hashes[fresh], arrival.received_us[fresh])
            dropped = self._uncertain[place] = copies_among(fresh)
        del self._uncertain[place]
        if len(arrival.received_us):
            opened.seen.forget(int(arrival.received_us.min()) - window_us(self._config))
        return dropped


factory = Factory(Kind.EXPORTER, "duckdb", Config, DuckDBExporter)
