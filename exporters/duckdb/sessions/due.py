"""Tell which sessions a processor is to run on, in one query over what changed and what it saw."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from ....pipeline.core.sessions import DUE, Ask
from ..sql import literal
from .state import AHEAD

Upstream = Mapping[str, tuple[str, ...]]


# Who reads earlier sessions would run again on all later ones for each that is still to be made.
_UNMADE_HISTORY = """
EXISTS (
    FROM session_changes AS any_session LEFT JOIN (
        SELECT session, seen_change, error FROM processor_runs WHERE processor = {}
    ) AS maker ON maker.session = any_session.number
    WHERE maker.error IS NULL AND coalesce(maker.seen_change < any_session.change, TRUE)
)
"""


def due_sessions(
    cursor: duckdb.DuckDBPyConnection, ask: Ask, upstream: Upstream, history: str | None = None
) -> pa.Table:
    """Give the sessions that are due for a processor; ``upstream`` is of all that are prepared.

    ``history`` is the maker of `sessions` if the processor reads earlier ones: none is ready for
    it while that is behind with any.
    """
    read = [name for name in ask.upstream if name in upstream]
    further = {each for name in read for each in upstream[name]}
    joined = sorted({*read, *further} - {ask.processor})
    blocking = [] if history is None else [_UNMADE_HISTORY.format(literal(history))]
    sql = _sql(ask, {name: upstream[name] for name in read}, joined, blocking)
    given = {"processor": ask.processor, "version": ask.version, "now": ask.now_us}
    if ask.session_id is not None:
        given["session_id"] = ask.session_id
    return cursor.sql(sql, params=given).to_arrow_table().cast(DUE)


def _sql(ask: Ask, read: Upstream, joined: Sequence[str], more: Sequence[str]) -> str:
    alias = {name: f"of_{number}" for number, name in enumerate(joined)}
    joins = "\n".join(_join(name, alias[name]) for name in joined)
    conditions = ["TRUE" if ask.everything else _due(ask)]
    if ask.session_id is not None:
        conditions.append("session_id = $session_id")
    blocking = [*(_blocks(name, alias, read) for name in read), *more]
    return f"""
WITH mine AS (
    SELECT session, seen_change, version, error, attempts,
        coalesce(again_at <= make_timestamp($now), FALSE) OR {AHEAD} AS again
    FROM processor_runs WHERE processor = $processor
), told AS (
    SELECT c.session_id, {_newest(read, alias)} AS change, c."position", c.changed_at, c.events,
        coalesce(mine.attempts, 0) AS attempts,
        mine.error IS NOT NULL AS failed,
        coalesce({_newest(read, alias)} > mine.seen_change, TRUE) AS new,
        coalesce(mine.version <> $version, FALSE) AS other,
        coalesce(mine.again, FALSE) AS again,
        NOT ({" OR ".join(blocking) or "FALSE"}) AS ready
    FROM session_changes AS c LEFT JOIN mine ON mine.session = c.number
    {joins}
)
SELECT session_id, change, "position", changed_at, events, attempts, new OR again AS fresh, ready
FROM told WHERE {" AND ".join(conditions)} ORDER BY session_id
"""  # noqa: S608 - names are written as literals


def _due(ask: Ask) -> str:
    """Hold a failed session back until its time comes, but for a new version of the processor."""
    held = "TRUE" if ask.failed else "again"
    return f"CASE WHEN failed AND NOT other THEN {held} ELSE new OR other OR again END"


def _join(name: str, alias: str) -> str:
    return f"""LEFT JOIN (
        SELECT session, seen_change, made_change, error FROM processor_runs
        WHERE processor = {literal(name)}
    ) AS {alias} ON {alias}.session = c.number"""  # noqa: S608 - of literals


def _newest(read: Sequence[str] | Upstream, alias: Mapping[str, str]) -> str:
    """Give the last change of all that is read: the events, and rows of other processors."""
    made = (f"{alias[name]}.made_change" for name in read if name in alias)
    return f"greatest({', '.join(['c.change', *made])})"


def _blocks(name: str, alias: Mapping[str, str], read: Upstream) -> str:
    """Tell whether a processor is still to see what there is, and has not failed on it."""
    own = alias[name]
    newest = _newest(read[name], alias)
    return f"({own}.error IS NULL AND coalesce({own}.seen_change < {newest}, TRUE))"
