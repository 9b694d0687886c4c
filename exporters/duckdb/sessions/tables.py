"""Make the tables that tell which sessions changed, what processors saw of them, and their rows."""

from collections.abc import Mapping

import duckdb

from ....pipeline.core.made import MADE_COLUMNS, MADE_TABLES
from ....pipeline.core.schema import SMALL, TEXT, TEXTS, TIME, WHOLE, Column
from ....pipeline.core.sessions import SESSIONLESS
from ..schema import create_table

_CHANGES = (
    Column("number", WHOLE, "A number for the session, of which others keep what they know."),
    Column("session_id", TEXT, "A session, or what stands for events that name none."),
    Column("agent", TEXT, "The agent it is of."),
    Column("change", WHOLE, "Number of the store's change that touched it last."),
    Column("changed_at", TIME, "When the last event that touches it was received."),
    Column("first_received_at", TIME, "When its first event was received."),
    Column("last_received_at", TIME, "When its last event was received."),
    Column("position", WHOLE, "Where its last event stands in the log."),
    Column("events", WHOLE, "Its rows in `events`."),
)
_RUNS = (
    Column("processor", TEXT, "Id of a session-scope processor."),
    Column("session", WHOLE, "Number of a session it ran on; see `session_changes`."),
    Column("version", TEXT, "The processor's version when it ran."),
    Column("seen_change", WHOLE, "The last change it has seen; NULL if it never succeeded."),
    Column("seen_through", WHOLE, "Where the last event it has seen stands in the log."),
    Column("made_change", WHOLE, "The change that last altered its rows, or of its first success."),
    Column("rows", WHOLE, "Its rows of the session."),
    Column("error", TEXT, "What went wrong in the last run; NULL if nothing did."),
    Column("attempts", SMALL, "Runs that failed since the last one that did not."),
    Column("again_at", TIME, "When to run again without anything new."),
    Column("started_at", TIME, "When the last run began."),
    Column("finished_at", TIME, "When the last run ended."),
)
_PROCESSORS = (
    Column("processor", TEXT, "Id of a session-scope processor that is configured."),
    Column("version", TEXT, "Its version."),
    Column("upstream", TEXTS, "The processors whose rows it reads."),
    Column("tables", TEXTS, "The tables it makes."),
)

# No keys and no indexes: an index costs memory for each row, and one UPDATE finds its rows in a
# hundred thousand sessions in a few milliseconds by a join. What processors saw is kept by a
# session's number: joins of numbers take a quarter of the time of joins of ids.
KEPT_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "session_changes": _CHANGES,
    "processor_runs": _RUNS,
    "processors": _PROCESSORS,
}
_REQUIRED = ("number", "session_id", "session", "processor", "change", "events", "attempts")


def session_key(events: str) -> str:
    """Write what ``session_keys`` in core gives, of columns of a table."""
    # A metric point's own time is when it was read, days after what it counts may have begun.
    return f"""coalesce(
        {events}.session_id,
        '{SESSIONLESS}:' || coalesce({events}.agent, 'unknown') || ':' || coalesce(
            strftime(
                coalesce(
                    CASE WHEN {events}.signal = 'metrics' THEN {events}.start_time END,
                    {events}."time", {events}.received_at
                ),
                '%Y-%m-%d'
            ),
            'unknown'
        )
    )"""


_FILL = f"""
INSERT INTO session_changes BY NAME
SELECT session_id, min(agent) AS agent, 1 AS change,
    max(received_at) AS changed_at, min(received_at) AS first_received_at,
    max(received_at) AS last_received_at, max("position") AS "position", count(*) AS events,
    row_number() OVER () AS number
FROM (SELECT * REPLACE ({session_key("events")} AS session_id) FROM events) GROUP BY session_id
"""  # noqa: S608 - of constants

PROCESSOR_STATE = "processor_state"
_STATE = f"""
CREATE VIEW {PROCESSOR_STATE} AS
WITH made AS (
    SELECT reader.processor, run.session, max(run.made_change) AS made_change
    FROM (SELECT processor, unnest(upstream) AS upstream FROM processors) AS reader
    JOIN processor_runs AS run ON run.processor = reader.upstream
    GROUP BY ALL
)
SELECT processors.processor, changes.session_id, runs.version AS processor_version,
    runs.seen_through,
    CASE
        WHEN runs.error IS NOT NULL THEN 'failed'
        WHEN runs.version = processors.version
            AND runs.seen_change >= greatest(changes.change, made.made_change) THEN 'processed'
        ELSE 'pending'
    END AS status,
    coalesce(runs.rows, 0) AS "rows", runs.error, coalesce(runs.attempts, 0) AS attempts,
    runs.started_at, runs.finished_at
FROM processors CROSS JOIN session_changes AS changes
LEFT JOIN processor_runs AS runs
    ON runs.processor = processors.processor AND runs.session = changes.number
LEFT JOIN made
    ON made.processor = processors.processor AND made.session = changes.number
"""  # noqa: S608 - of constants


def create_session_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of session-scope processors, and note the sessions that are there."""
    for name, columns in KEPT_COLUMNS.items():
        create_table(connection, name, columns, _REQUIRED)
    create_made_tables(connection)
    connection.execute(_FILL)
    connection.execute(_STATE)


def create_made_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create those tables of what processors make that are not there yet."""
    for name, columns in MADE_COLUMNS.items():
        create_table(connection, name, columns, MADE_TABLES[name].key)
