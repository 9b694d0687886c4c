"""Note which sessions a delivery touched, under a number that grows with every change."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ....pipeline.core.sessions import SESSIONLESS, session_keys
from ..sql import registered

_COLUMNS = ("session_id", "agent", "signal", "time", "start_time", "received_at", "position")
_NOTED = [
    ("agent", "first"),
    ("received_at", "min"),
    ("received_at", "max"),
    ("position", "max"),
    ("session_id", "count"),
]
_NOTED_AS = ["session_id", "agent", "first_received_at", "last_received_at", "position", "events"]
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US

# What was updated is told, so that the sessions that are not there yet need no second look for
# them: at 100,000 sessions an anti-join takes longer than the update.
_UPDATE = """
UPDATE session_changes AS old SET
    change = $change,
    changed_at = greatest(old.changed_at, touched.changed_at),
    first_received_at = least(old.first_received_at, touched.first_received_at),
    last_received_at = greatest(old.last_received_at, touched.last_received_at),
    "position" = greatest(old."position", touched."position"),
    events = old.events + touched.events
FROM touched WHERE old.session_id = touched.session_id
RETURNING old.session_id
"""
_INSERT = """
INSERT INTO session_changes BY NAME
SELECT touched.*, $change AS change,
    (SELECT coalesce(max(number), 0) FROM session_changes) + row_number() OVER () AS number
FROM touched
"""
_NEWEST = f"""
SELECT greatest(
    (SELECT max(change) FROM session_changes),
    (SELECT max(greatest(seen_change, made_change)) FROM processor_runs), 0
), (SELECT count(*) FROM session_changes WHERE starts_with(session_id, '{SESSIONLESS}:'))
"""  # noqa: S608 - of a constant


class Changes:
    """Counts the changes of a store; each number is given once, under the store's lock."""

    def __init__(self) -> None:
        """Begin with nothing changed."""
        self._given = 0
        self._shown = 0
        self._sessionless = False

    @property
    def newest(self) -> int:
        """The number of the last change that can be read."""
        return self._shown

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Go on from what a file tells.

        Numbers that were given and may not have been stored are not given again.
        """
        newest, sessionless = connection.execute(_NEWEST).fetchall()[0]
        self._given = max(self._given, int(newest))
        self._shown = self._given
        self._sessionless = self._sessionless or bool(sessionless)

    def note(self, writer: duckdb.DuckDBPyConnection, events: pa.Table) -> None:
        """Note the sessions of events that were stored just now, within their transaction."""
        rows = events.select(_COLUMNS).combine_chunks()
        self._sessionless = self._sessionless or rows["session_id"].null_count > 0
        touched = touched_by(rows, units=self._sessionless)
        given = {"change": self.give()}
        with registered(writer, "touched", touched):
            known = writer.sql(_UPDATE, params=given).to_arrow_table()["session_id"]
        new = pc.and_(
            pc.greater(touched["events"], 0),
            pc.invert(pc.is_in(touched["session_id"], value_set=known.combine_chunks())),
        )
        if pc.any(new).as_py():
            with registered(writer, "touched", touched.filter(new)):
                writer.execute(_INSERT, given)

    def give(self) -> int:
        """Give the next number."""
        self._given += 1
        return self._given

    def show(self) -> None:
        """Let all see the last number, once its change is stored, or nobody knows whether."""
        self._shown = self._given


def touched_by(rows: pa.Table, *, units: bool) -> pa.Table:
    """Give the sessions that events touch, with what is to be noted of each.

    With ``units`` also session-less ones that the events are only beside: they have none of
    their own, and are touched if they are there.
    """
    own = rows.set_column(0, "session_id", _keys(rows)).group_by("session_id", use_threads=False)
    told = own.aggregate(_NOTED).rename_columns(_NOTED_AS)
    beside = _beside(rows) if units else None
    if beside is None or not beside.num_rows:
        return told.append_column("changed_at", told["last_received_at"])
    joined = told.join(beside, "session_id", join_type="full outer")
    changed_at = pc.max_element_wise(joined["last_received_at"], joined["beside_at"])
    at = joined.schema.get_field_index("events")
    joined = joined.set_column(at, "events", pc.fill_null(joined["events"], 0))
    return joined.select(_NOTED_AS).append_column("changed_at", changed_at)


def _keys(rows: pa.Table) -> "pa.ChunkedArray | pa.Array":
    """Give each event its session; keys are made only for those that name none."""
    told = rows["session_id"]
    if not told.null_count:
        return told
    made = session_keys(_batch(rows.filter(pc.is_null(told))))
    return pa.chunked_array(
        [pc.replace_with_mask(_batch(rows).column(0), told.is_null().combine_chunks(), made)]
    )


def _beside(rows: pa.Table) -> pa.Table:
    """Give the session-less units that depend on sessions' events beside them, and since when.

    Those of the day of an event, and of the hour before and after it; see `Of.BESIDE`.
    """
    told = rows.filter(pc.is_valid(rows["session_id"]))
    hour = pc.divide(told["time"].cast(pa.int64()), _HOUR_US)
    hours = (
        pa.table({"agent": told["agent"], "hour": hour, "received_at": told["received_at"]})
        .drop_null()
        .group_by(["agent", "hour"])
        .aggregate([("received_at", "max")])
    )
    days = pa.concat_tables(
        hours.set_column(1, "hour", pc.divide(pc.add(hours["hour"], off), 24)) for off in (-1, 0, 1)
    )
    began = pc.multiply(days["hour"], _DAY_US).cast(pa.timestamp("us"))
    day = pc.strftime(began, format="%Y-%m-%d")
    unit = pc.binary_join_element_wise(SESSIONLESS, days["agent"], day, ":")
    units = pa.table({"session_id": unit, "at": days["received_at_max"]}).group_by("session_id")
    return units.aggregate([("at", "max")]).rename_columns(["session_id", "beside_at"])


def _batch(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)
