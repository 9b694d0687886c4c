"""Put down how a processor's runs over sessions ended, and when to run again."""

import duckdb
import pyarrow as pa

from ....pipeline.core.schema import TIME
from ....pipeline.core.sessions import Run
from ..sql import registered

_NUMBERED = """
SELECT named.*, number AS session FROM named JOIN session_changes USING (session_id)
"""
AHEAD = """
coalesce(
    again_at > make_timestamp($now) + INTERVAL 1 HOUR
    AND (error IS NOT NULL OR started_at > make_timestamp($now)), FALSE
)
"""
"""Of a run: it was made by a clock that ran ahead, and its next time is not to be waited for.

No failed session is held back for longer than an hour; what asks for a later time otherwise
may mean it, if it was not asked in the future.
"""

_NEXT = f"""
SELECT epoch_us(min(CASE WHEN {AHEAD} THEN make_timestamp($now) ELSE again_at END))
FROM processor_runs WHERE processor = $processor
"""  # noqa: S608 - of a constant

# That a processor has succeeded at all is news to who reads its rows, also if it made none.
_SUCCEEDED = """
UPDATE processor_runs AS old SET
    version = $version, seen_change = ran.change, seen_through = ran."position",
    made_change = CASE
        WHEN ran.differs OR old.seen_change IS NULL THEN $change ELSE old.made_change
    END,
    rows = ran.rows, error = NULL, attempts = 0, again_at = ran.again_at,
    started_at = make_timestamp($started), finished_at = make_timestamp($finished)
FROM ran WHERE old.processor = $processor AND old.session = ran.session
"""
_FIRST_SUCCEEDED = """
INSERT INTO processor_runs BY NAME
SELECT $processor AS processor, session, $version AS version, ran.change AS seen_change,
    "position" AS seen_through, $change AS made_change, rows,
    0 AS attempts, again_at, make_timestamp($started) AS started_at,
    make_timestamp($finished) AS finished_at
FROM ran ANTI JOIN (
    SELECT session FROM processor_runs WHERE processor = $processor
) AS old USING (session)
"""
_FAILED = """
UPDATE processor_runs AS old SET
    version = $version, error = $error, attempts = old.attempts + 1, again_at = ran.again_at,
    started_at = make_timestamp($started), finished_at = make_timestamp($finished)
FROM ran WHERE old.processor = $processor AND old.session = ran.session
"""
_FIRST_FAILED = """
INSERT INTO processor_runs BY NAME
SELECT $processor AS processor, session, $version AS version, 0 AS rows, $error AS error,
    1 AS attempts, again_at, make_timestamp($started) AS started_at,
    make_timestamp($finished) AS finished_at
FROM ran ANTI JOIN (
    SELECT session FROM processor_runs WHERE processor = $processor
) AS old USING (session)
"""


def next_again_us(cursor: duckdb.DuckDBPyConnection, processor: str, now_us: int) -> int | None:
    """Give the first time for which a processor asked to run again; None if there is none."""
    found = cursor.execute(_NEXT, {"processor": processor, "now": now_us}).fetchall()
    return None if found[0][0] is None else int(found[0][0])


def note_success(writer: duckdb.DuckDBPyConnection, run: Run, ran: pa.Table, change: int) -> None:
    """Put down of a run's sessions: session, change, position, rows, differs and again_at."""
    told = _told(run) | {"change": change}
    with registered(writer, "ran", ran):
        writer.execute(_SUCCEEDED, told)
        writer.execute(_FIRST_SUCCEEDED, told)


def note_failure(
    writer: duckdb.DuckDBPyConnection, run: Run, error: str, again_at: pa.TimestampArray
) -> None:
    """Put down that a run failed; the rows it made before stay, and so does what it had seen."""
    ran = pa.table({"session_id": run.sessions["session_id"], "again_at": again_at.cast(TIME)})
    told = _told(run) | {"error": error}
    with registered(writer, "ran", numbered(writer, ran)):
        writer.execute(_FAILED, told)
        writer.execute(_FIRST_FAILED, told)


def numbered(connection: duckdb.DuckDBPyConnection, sessions: pa.Table) -> pa.Table:
    """Give the rows of sessions the number of each, as column `session`."""
    with registered(connection, "named", sessions):
        return connection.sql(_NUMBERED).to_arrow_table()


def _told(run: Run) -> dict[str, str | int]:
    return {
        "processor": run.processor,
        "version": run.version,
        "started": run.started_at_us,
        "finished": run.finished_at_us,
    }
