"""Run session-scope processors on events in memory: what a store and the engine do, for tests."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.batch import Batch
from ..core.made import SESSIONS
from ..core.schema import EVENTS
from ..core.sessions import (
    BESIDE_DAYS,
    EARLIER_DAYS,
    SESSIONLESS,
    Again,
    Need,
    Of,
    SessionProcessor,
    Sessions,
    attribute_of,
    session_keys,
)

_HOUR_US = 3_600_000_000


def sessions_of(
    needs: Sequence[Need],
    events: Batch,
    made: Mapping[str, pa.Table] | None = None,
    *,
    ids: Sequence[str] | None = None,
    as_of_us: int = 1_795_200_000_000_000,
    unmade: Mapping[str, Sequence[str]] | None = None,
) -> Sessions:
    """Give what a processor with these needs would be given of some events, as a store would.

    ``made`` are rows of tables that other processors made; ``ids`` the sessions at hand, else
    all. ``as_of_us`` is Unix microseconds. ``unmade`` are the sessions of which the maker of a
    table made nothing yet, by table.
    """
    rows = _keyed(events.records)
    at_hand = sorted(ids) if ids is not None else rows["session_id"].unique().sort().to_pylist()
    keys = pa.array(at_hand, pa.string())
    given = {need.name: _given(need, rows, made or {}, keys) for need in needs}
    never = {table: pa.array(sorted(ids), pa.string()) for table, ids in (unmade or {}).items()}
    return Sessions(keys, given, as_of_us, never)


def run_sessions(
    processors: Iterable[SessionProcessor],
    events: Batch,
    *,
    as_of_us: int = 1_795_200_000_000_000,
) -> dict[str, pa.Table]:
    """Run processors one after the other on all sessions; give the tables they make by name.

    A processor that reads what another makes must stand behind it.
    """
    made: dict[str, pa.Table] = {}
    for processor in processors:
        sessions = sessions_of(processor.needs, events, made, as_of_us=as_of_us)
        batches = [each for each in processor.process(sessions) if not isinstance(each, Again)]
        for table in processor.tables:
            of_table = [each.records for each in batches if each.table.name == table.name]
            made[table.name] = _sorted(pa.Table.from_batches(of_table, table.schema), table.key)
    return made


def rows_of(table: pa.Table, *columns: str) -> list[dict[str, Any]]:
    """Write rows as dicts, of some columns or of all that are told."""
    rows: list[dict[str, Any]] = table.to_pylist()
    if columns:
        return [{name: row[name] for name in columns} for row in rows]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _keyed(records: pa.RecordBatch) -> pa.Table:
    keys = session_keys(records)
    table = pa.Table.from_batches([records])
    table = table.append_column("_told_session", table["session_id"])
    table = table.set_column(table.schema.get_field_index("session_id"), "session_id", keys)
    return _sorted(table, ("time", "sequence", "event_id"))


def _sorted(table: pa.Table, key: Sequence[str]) -> pa.Table:
    names = ["session_id", *(name for name in key if name != "session_id")]
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in names])
    return table.take(order).combine_chunks()


def _given(
    need: Need, events: pa.Table, made: Mapping[str, pa.Table], ids: pa.StringArray
) -> pa.RecordBatch:
    if need.of is Of.EARLIER:
        rows = _earlier(made.get(SESSIONS.name, SESSIONS.schema.empty_table()), ids)
    elif need.table.name != EVENTS.name:
        rows = made.get(need.table.name, need.table.schema.empty_table())
        rows = rows.filter(pc.is_in(rows["session_id"], value_set=ids))
    else:
        events = _of_agents(need, events)
        rows = events.filter(_wanted(need.of, events, ids))
        if need.event_types:
            kinds = pa.array(need.event_types, pa.string())
            rows = rows.filter(pc.is_in(rows["event_type"], value_set=kinds))
    if need.of is Of.TRACED:
        at = rows.schema.get_field_index("session_id")
        rows = rows.set_column(at, "session_id", rows["_told_session"])
        rows = _sorted(rows, ("time", "sequence", "event_id"))
    columns = [_column(rows, name) for name in need.columns]
    table = pa.Table.from_arrays(columns, schema=need.schema).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=need.schema)


def _earlier(rows: pa.Table, ids: pa.StringArray) -> pa.Table:
    told = rows.to_pylist()
    at_hand = set(ids.to_pylist())
    own = [row for row in told if row["session_id"] in at_hand]
    mask = [any(is_earlier(row, each) for each in own) for row in told]
    order = [("last_seen_at", "ascending"), ("session_id", "ascending")]
    return rows.filter(pa.array(mask, pa.bool_())).sort_by(order)


def is_earlier(row: Mapping[str, Any], than: Mapping[str, Any]) -> bool:
    """Tell whether one row of `sessions` is earlier than another; see ``Of.EARLIER``."""
    times = (row["started_at"], row["last_seen_at"], than["started_at"])
    if None in times or row["session_id"] == than["session_id"]:
        return False
    _, over, begins = times
    circles = ("repository", "user_id", "user_email")
    shared = any(row[name] is not None and row[name] == than[name] for name in circles)
    same = row["agent"] is not None and row["agent"] == than["agent"]
    return same and shared and over < begins <= over + timedelta(days=EARLIER_DAYS)


def _of_agents(need: Need, events: pa.Table) -> pa.Table:
    if not need.agents:
        return events
    return events.filter(pc.is_in(events["agent"], value_set=pa.array(need.agents, pa.string())))


def _column(rows: pa.Table, name: str) -> Any:
    key = attribute_of(name)
    if key is None:
        return rows[name]
    told = rows["attributes"].combine_chunks()
    return pc.map_lookup(told, query_key=pa.scalar(key, pa.string()), occurrence="last")


def _wanted(of: Of, events: pa.Table, ids: pa.StringArray) -> Any:
    at_hand = pc.is_in(events["session_id"], value_set=ids)
    if of is Of.SESSIONS:
        return at_hand
    if of is Of.TRACED:
        return _traced(events, ids)
    return _kin(events, ids) if of is Of.KIN else _beside(events, ids)


def _kin(events: pa.Table, ids: pa.StringArray) -> Any:
    at_hand = pc.is_in(events["session_id"], value_set=ids)
    starts = pc.and_(at_hand, pc.fill_null(pc.equal(events["event_type"], "session_start"), False))
    traces = pc.drop_null(events["trace_id"].filter(starts)).combine_chunks()
    named = pc.is_in(events["subagent_id"], value_set=ids)
    return pc.or_(named, pc.is_in(events["trace_id"], value_set=traces))


def _traced(events: pa.Table, ids: pa.StringArray) -> Any:
    at_hand = pc.is_in(events["_told_session"], value_set=ids)
    traces = pc.drop_null(events["trace_id"].filter(at_hand)).combine_chunks()
    return pc.and_(pc.is_in(events["trace_id"], value_set=traces), pc.invert(at_hand))


def _beside(events: pa.Table, ids: pa.StringArray) -> Any:
    wanted = pa.array([False] * len(events), pa.bool_())
    for key in (each for each in ids.to_pylist() if each.startswith(f"{SESSIONLESS}:")):
        _, rest = key.split(":", 1)
        agent, _, day = rest.rpartition(":")
        try:
            start = pc.strptime(pa.scalar(day), format="%Y-%m-%d", unit="us")
        except pa.ArrowInvalid:
            continue
        began = start.cast(pa.int64()).as_py() // _HOUR_US
        own = events["received_at"].filter(pc.equal(events["session_id"], key))
        last = pc.max(own).cast(pa.int64()).as_py()
        heard = 0 if last is None else last // _HOUR_US + 2
        ended = min(max(began + 25, heard), began + BESIDE_DAYS * 24)
        hour = pc.floor(pc.divide(events["time"].cast(pa.int64()), _HOUR_US))
        inside = pc.and_(pc.greater_equal(hour, began - 1), pc.less(hour, ended))
        same = pc.and_(pc.equal(events["agent"], agent), events["_told_session"].is_valid())
        mask = pc.fill_null(pc.and_(inside, same), False)
        wanted = pc.or_(wanted, mask)
    return wanted
