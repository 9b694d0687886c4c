"""Read the sessions that were over before others began, and tell whom a change of them concerns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from ....pipeline.core.batch import Table
from ....pipeline.core.made import SESSIONS
from ....pipeline.core.sessions import EARLIER_DAYS, Need, Of, Run, SessionProcessor
from ..sql import quoted, registered

_COLUMNS = (
    *("session_id", "agent", "repository", "user_id", "user_email"),
    *("started_at", "last_seen_at"),
)
"""Which sessions are earlier than which, and their order, hang on these."""

_NAMED = ", ".join(_COLUMNS)
_SPAN = f"INTERVAL {EARLIER_DAYS} DAY"

# One row for each circle a session belongs to; what is NULL makes none.
_CIRCLES = "UNPIVOT (member FOR circle IN (repository, user_id, user_email))"
_SAME = "{0}.agent = {1}.agent AND {0}.circle = {1}.circle AND {0}.member = {1}.member"

# Of an earlier session's window only the next one to begin is looked at, by an ASOF join: to
# look at all pairs would take some 400 million looks at 20,000 sessions of one user.
_EARLIER = f"""
WITH own AS (
    FROM (SELECT {_NAMED} FROM sessions SEMI JOIN asked USING (session_id)) {_CIRCLES}
), others AS (
    FROM (
        SELECT {_NAMED} FROM sessions
        WHERE last_seen_at < (SELECT max(started_at) FROM own)
            AND last_seen_at >= (SELECT min(started_at) FROM own) - {_SPAN}
    ) {_CIRCLES}
)
SELECT others.session_id FROM others ASOF JOIN own
ON {_SAME.format("others", "own")} AND own.started_at > others.last_seen_at
WHERE own.started_at <= others.last_seen_at + {_SPAN}
"""  # noqa: S608 - of constants

# Likewise turned around: of all windows of a circle that opened before a session began, the last
# to open is the last to close. Sessions of the change itself are due anyway.
_CONCERNED = f"""
WITH spans AS (
    SELECT agent, circle, member, last_seen_at AS opens FROM moved {_CIRCLES}
), others AS (
    FROM (
        SELECT {_NAMED} FROM sessions
        WHERE started_at > (SELECT min(last_seen_at) FROM moved)
            AND started_at <= (SELECT max(last_seen_at) FROM moved) + {_SPAN}
    ) {_CIRCLES}
), later AS (
    SELECT DISTINCT others.session_id FROM others ASOF JOIN spans
    ON {_SAME.format("others", "spans")} AND others.started_at > spans.opens
    WHERE others.started_at <= spans.opens + {_SPAN}
)
UPDATE processor_runs AS run SET made_change = $change
FROM (SELECT number FROM session_changes SEMI JOIN later USING (session_id)) AS concerned
WHERE run.processor = $processor AND run.session = concerned.number
    AND run.seen_change IS NOT NULL
"""  # noqa: S608 - of constants

_MOVED = "(FROM was EXCEPT FROM now) UNION ALL (FROM now EXCEPT FROM was)"


def select_earlier(need: Need) -> str:
    """Give rows of the sessions that are earlier than those in ``asked``, in order."""
    columns = [f"made.{quoted(name)}" for name in need.columns if name != "session_id"]
    return (
        f"SELECT {', '.join(['made.session_id AS _session', *columns])} "  # noqa: S608 - quoted
        f"FROM sessions AS made SEMI JOIN ({_EARLIER}) AS earlier USING (session_id) "
        "ORDER BY made.last_seen_at, made.session_id"
    )


def readers_of_earlier(
    processors: Mapping[str, SessionProcessor], makers: Mapping[str, str]
) -> tuple[str, ...]:
    """Name the processors that read earlier sessions, if anybody makes rows of them."""
    if SESSIONS.name not in makers:
        return ()
    return tuple(name for name, each in processors.items() if watched_by([each]))


def watched_by(processors: Iterable[SessionProcessor]) -> tuple[str, ...]:
    """Name the columns of `sessions` that later sessions hang on; none if no processor asks."""
    needs = [need for each in processors for need in each.needs if need.of is Of.EARLIER]
    columns = [name for need in needs for name in need.columns]
    return tuple(dict.fromkeys((*_COLUMNS, *columns))) if needs else ()


@contextmanager
def telling_later(
    writer: duckdb.DuckDBPyConnection,
    run: Run,
    tables: Sequence[Table],
    watched: Sequence[str],
    change: int,
) -> Iterator[None]:
    """Have `sessions` read again of those that are later than the rows which are replaced inside.

    In the same transaction, and only if those rows differ in what is ``watched``. As it writes
    no rows of `sessions`, one telling never leads to another.
    """
    if not watched or SESSIONS.name not in {table.name for table in tables}:
        yield
        return
    was = _versions(writer, run, watched)
    yield
    now = _versions(writer, run, watched)
    with registered(writer, "was", was), registered(writer, "now", now):
        moved = writer.sql(_MOVED).to_arrow_table()
    if moved.num_rows:
        with registered(writer, "moved", moved):
            writer.execute(_CONCERNED, {"processor": run.processor, "change": change})


def _versions(writer: duckdb.DuckDBPyConnection, run: Run, watched: Sequence[str]) -> pa.Table:
    columns = ", ".join(quoted(name) for name in watched)
    sql = f"SELECT {columns} FROM sessions SEMI JOIN asked USING (session_id)"  # noqa: S608 - quoted
    with registered(writer, "asked", run.sessions.select(["session_id"])):
        return writer.sql(sql).to_arrow_table()
