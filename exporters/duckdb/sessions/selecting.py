"""Write the queries that fetch what a processor needs; their rows come as they are stored."""

import pyarrow as pa

from ....pipeline.core.schema import EVENTS, UUID
from ....pipeline.core.sessions import Need, attribute_of
from ..sql import literal, quoted
from .tables import session_key

SORTED_BY = ("time", "sequence", "event_id")
"""Columns that every query of events gives, asked for or not; and `_place` or `_session`."""

KEY = "_key_"
"""What the names of a made table's key begin with, as they stand beside those asked for."""

STARTS = f"""
SELECT DISTINCT trace_id FROM events
WHERE event_type = 'session_start' AND trace_id IS NOT NULL
    AND received_at BETWEEN $first AND $last
    AND {session_key("events")} IN (SELECT session_id FROM asked)
"""  # noqa: S608 - of constants
"""The traces that begin a session in ``asked``."""

_WITHIN = "events.received_at BETWEEN $first AND $last"
_NEAR = "events.received_at BETWEEN $first - INTERVAL 1 DAY AND $last + INTERVAL 1 DAY"
_PLACE = "asked.place AS _place"
_SESSION = f"{session_key('events')} AS _session"


def select_made(need: Need) -> str:
    """Give rows of another table of the sessions in ``asked``."""
    schema = need.table.schema
    keys = [f"{raw('made', schema.field(each))} AS {KEY}{at}" for at, each in enumerate(_key(need))]
    wanted = [name for name in need.columns if name != "session_id"]
    columns = [f"{raw('made', schema.field(name))} AS {quoted(name)}" for name in wanted]
    return (
        f"SELECT {', '.join([_PLACE, *keys, *columns])} "  # noqa: S608 - quoted
        f"FROM {quoted(need.table.name)} AS made JOIN asked USING (session_id)"
    )


def raw(table: str, field: pa.Field) -> str:
    """Write a column so that Arrow gets ids as bytes, and not as texts or a type of their own."""
    return f"{table}.{quoted(field.name)}{'::BLOB' if field.type == UUID else ''}"


def select_sessions(need: Need) -> str:
    """Give events that name a session in ``asked``."""
    return _select(need, _PLACE, "JOIN asked USING (session_id)", _WITHIN)


def select_sessionless(need: Need) -> str:
    """Give events that name no session and stand in one in ``asked`` all the same."""
    joined = f"JOIN asked ON asked.session_id = {session_key('events')}"
    return _select(need, _PLACE, joined, f"events.session_id IS NULL AND {_WITHIN}")


def select_beside(need: Need) -> str:
    """Give events of sessions of the agents and hours in ``hours``."""
    # Of one hour each, so that a row is found once where the windows of two days overlap.
    joined = (
        "SEMI JOIN hours ON events.agent = hours.agent "
        'AND epoch_us(events."time") // 3_600_000_000 = hours.hour'
    )
    bounds = 'events.session_id IS NOT NULL AND events."time" BETWEEN $first AND $last'
    return _select(need, "events.session_id AS _session", joined, bounds)


def select_named(need: Need) -> str:
    """Give events that name a session in ``asked`` as sub-agent."""
    joined = "SEMI JOIN asked ON events.subagent_id = asked.session_id"
    return _select(need, _SESSION, joined, "TRUE")


def select_traced(need: Need) -> str:
    """Give events of the traces in ``traces``, but for those that ``select_named`` gives."""
    joined = (
        "SEMI JOIN traces ON events.trace_id = traces.trace_id "
        "ANTI JOIN asked ON events.subagent_id = asked.session_id"
    )
    return _select(need, _SESSION, joined, "TRUE")


def select_traces(need: Need) -> str:
    """Give the traces of events that name a session in ``asked``."""
    return (
        f"SELECT DISTINCT trace_id FROM {EVENTS.name} SEMI JOIN asked USING (session_id) "  # noqa: S608 - of constants
        f"WHERE trace_id IS NOT NULL AND {_WITHIN}{_of_agents(need)}"
    )


def select_of_traces(need: Need) -> str:
    """Give events of the traces in ``traces`` that name no session in ``asked``."""
    joined = (
        "SEMI JOIN traces ON events.trace_id = traces.trace_id "
        "ANTI JOIN asked ON events.session_id = asked.session_id"
    )
    return _select(need, "events.session_id AS _session", joined, _NEAR)


def _key(need: Need) -> list[str]:
    return [name for name in need.table.key if name != "session_id"]


def _select(need: Need, place: str, joined: str, where: str) -> str:
    known = {"session_id", *SORTED_BY}
    columns = [_column(name) for name in need.columns if name not in known]
    ordering = ['events."time"', "events.sequence", "events.event_id::BLOB AS event_id"]
    return (
        f"SELECT {', '.join([place, *ordering, *columns])} "  # noqa: S608 - quoted
        f"FROM {EVENTS.name} {joined} WHERE {where}{_of_types(need)}{_of_agents(need)}"
    )


def _column(name: str) -> str:
    attribute = attribute_of(name)
    told = f"events.{quoted(name)}" if attribute is None else _attribute(attribute)
    return f"{told} AS {quoted(name)}"


def _attribute(name: str) -> str:
    return f"events.attributes[{literal(name)}]"


def _of_types(need: Need) -> str:
    return _among("event_type", need.event_types)


def _of_agents(need: Need) -> str:
    return _among("agent", need.agents)


def _among(column: str, words: tuple[str, ...]) -> str:
    if not words:
        return ""
    return f" AND events.{column} IN ({', '.join(literal(each) for each in words)})"
