"""Every kind of column a made table has is kept as it is, and a change in any of them is seen."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.found import AGENT_PERFORMANCE, CORRELATIONS
from agentpond.pipeline.core.made import MADE_TABLES
from agentpond.pipeline.core.schema import FLAG, REAL, REALS, SMALL, TEXT, TEXTS, TIME, UUID, WHOLE
from agentpond.pipeline.core.sessions import Need

from .sessions_support import NOON_US, Maker, run_on
from .support import NOON, batch, column, deliver, event, event_id

Row = dict[str, Any]

SAMPLES: dict[pa.DataType, Any] = {
    TEXT: "x",
    WHOLE: 2**40,
    SMALL: 3,
    REAL: 0.1,
    FLAG: True,
    TIME: NOON,
    TEXTS: ["x", "y"],
    REALS: [0.1, 2.5],
    UUID: event_id(2**100 + 1),
}
MADE = "SELECT max(made_change) FROM processor_runs"


def full(table: Table) -> Row:
    return {each.name: SAMPLES[each.type] for each in table.schema} | {"session_id": "a"}


def bare(table: Table) -> Row:
    return {name: SAMPLES[table.schema.field(name).type] for name in table.key} | {
        "session_id": "b"
    }


def hollow(table: Table) -> Row:
    """Make a row with nothing but a key and empty lists."""
    lists = [each.name for each in table.schema if each.type in (TEXTS, REALS)]
    return {**bare(table), **{name: [] for name in lists}, "session_id": "c"}


def put(store: DuckDBExporter, table: Table, *rows: Row) -> None:
    """Run the only processor on all sessions, with these rows as its result."""
    store.replace(run_on(store, "maker", everything=True), [table], [batch(table, rows)])


def read(store: DuckDBExporter, table: Table) -> list[Row]:
    need = Need(table, tuple(table.schema.names))
    rows: list[Row] = (
        store.read(pa.array(["a", "b", "c"]), [need], NOON_US).rows[table.name].to_pylist()
    )
    return rows


def ready_for(store: DuckDBExporter, table: Table) -> DuckDBExporter:
    store.prepare({"maker": Maker((table,))})
    store.export(deliver(0, [event(at, session_id=name) for at, name in enumerate("abc")]))
    return store


ALL = pytest.mark.parametrize("table", MADE_TABLES.values(), ids=lambda table: table.name)


@ALL
def test_every_made_table_gives_back_what_was_put_in(store: DuckDBExporter, table: Table) -> None:
    rows = [full(table), bare(table), hollow(table)]
    put(ready_for(store, table), table, *rows)

    told = read(store, table)

    assert told == batch(table, rows).records.to_pylist()


@ALL
def test_rows_that_stay_the_same_are_seen_as_such(store: DuckDBExporter, table: Table) -> None:
    put(ready_for(store, table), table, full(table), bare(table), hollow(table))
    before = column(store, MADE)

    put(store, table, hollow(table), full(table), bare(table))

    assert column(store, MADE) == before


@ALL
def test_a_change_in_any_column_is_seen(store: DuckDBExporter, table: Table) -> None:
    ready_for(store, table)
    unseen = []

    for name in table.schema.names:
        put(store, table, full(table))
        before = column(store, MADE)
        put(store, table, full(table) | ({name: None} if name not in table.key else {}))
        unseen += [name] if column(store, MADE) == before else []

    assert unseen == list(table.key)


def test_an_id_is_stored_as_a_uuid(store: DuckDBExporter) -> None:
    put(ready_for(store, CORRELATIONS), CORRELATIONS, full(CORRELATIONS))

    told = store.query(
        "SELECT typeof(error_event_id) AS kind, "
        "error_event_id = '00000010-0000-0000-0000-000000000001' AS same FROM correlations"
    )

    assert told.to_pylist() == [{"kind": "UUID", "same": True}]


def test_rows_of_a_session_are_in_order_of_ids_by_their_bytes(store: DuckDBExporter) -> None:
    ids = [event_id(number) for number in (2**127, 1, 256, 2)]
    rows = [full(CORRELATIONS) | {"error_event_id": each} for each in ids]
    put(ready_for(store, CORRELATIONS), CORRELATIONS, *rows)

    told = [row["error_event_id"] for row in read(store, CORRELATIONS)]

    assert told == sorted(ids)


@pytest.mark.parametrize("other", [None, [None], [0.1], [2.5, 0.1], [float("nan")]])
def test_one_list_of_numbers_is_not_taken_for_another(store: DuckDBExporter, other: Any) -> None:
    empty = full(AGENT_PERFORMANCE) | {"turn_ms": []}
    put(ready_for(store, AGENT_PERFORMANCE), AGENT_PERFORMANCE, empty)

    put(store, AGENT_PERFORMANCE, empty | {"turn_ms": other})

    told = read(store, AGENT_PERFORMANCE)[0]["turn_ms"]
    assert repr(told) == repr(other)


TIMED = Table(
    "timed",
    pa.schema([("session_id", TEXT), ("id", UUID), ("time", TIME), ("other", UUID)]),
    ("session_id", "id"),
)


def test_rows_with_ids_are_remade_and_only_those_that_differ(store: DuckDBExporter) -> None:
    rows = [
        {
            "session_id": name,
            "id": event_id(at),
            "time": NOON,
            "other": event_id(at) if at else None,
        }
        for at, name in enumerate("abc")
    ]
    put(ready_for(store, TIMED), TIMED, *rows)
    seen: list[list[bool]] = []

    def change(told: pa.RecordBatch) -> pa.RecordBatch:
        second = pc.equal(told["id"], pa.scalar(event_id(1), UUID))
        seen.append(told["other"].is_valid().to_pylist())
        made = pc.if_else(second, pa.scalar(event_id(9), UUID), told["other"])
        return told.set_column(3, told.schema.field("other"), made)

    counts = list(store.remake("maker", TIMED, None, change))

    other = [row["other"] for row in read(store, TIMED)]
    assert (counts, sorted(seen[0])) == ([3], [False, True, True])
    assert other == [None, event_id(9), event_id(2)]
