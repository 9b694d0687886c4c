"""Rows of a made table are passed through a function in parts, and what differs is stored."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.exporters.duckdb.sessions import remaking
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.made import API_CALLS, SESSIONS

from .sessions_support import NOON_US, THREE, call, due, put, succeed
from .support import NOON, deliver, event, later

COSTS = "SELECT session_id, cost_usd FROM api_calls ORDER BY ALL"


@pytest.fixture
def ready(store: DuckDBExporter) -> DuckDBExporter:
    """Give a store with a call of each of three sessions, one of them without a time."""
    store.prepare(THREE)
    ids = ["a", "b", "c"]
    store.export(deliver(0, [event(at, session_id=name) for at, name in enumerate(ids)]))
    rows = [call("a", time=NOON), call("b", time=later(hours=1)), call("c")]
    put(store, *(row | {"cost_usd": 1.0, "model": "m"} for row in rows))
    return store


def doubled(rows: pa.RecordBatch) -> pa.RecordBatch:
    return with_column(rows, "cost_usd", pc.multiply(rows.column("cost_usd"), 2.0))


def with_column(rows: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    field = rows.schema.field(name)
    return rows.set_column(rows.schema.get_field_index(name), field, values.cast(field.type))


def costs(store: DuckDBExporter) -> dict[str, float]:
    return {row["session_id"]: row["cost_usd"] for row in store.query(COSTS).to_pylist()}


def remake(store: DuckDBExporter, change: Any, since_us: int | None = None) -> int:
    return sum(store.remake("ledger", API_CALLS, since_us, change))


def test_every_row_passes_through_the_function_once(ready: DuckDBExporter) -> None:
    counted = remake(ready, doubled)

    assert (counted, costs(ready)) == (3, {"a": 2.0, "b": 2.0, "c": 2.0})


def test_rows_since_a_time_pass_and_no_others(ready: DuckDBExporter) -> None:
    counted = remake(ready, doubled, NOON_US + 1)

    assert (counted, costs(ready)) == (1, {"a": 1.0, "b": 2.0, "c": 1.0})


def test_readers_are_due_for_the_sessions_of_rows_that_differ(ready: DuckDBExporter) -> None:
    succeed(ready, "turns")

    remake(ready, doubled, NOON_US + 1)

    assert (due(ready, "turns"), due(ready)) == (["b"], [])


def test_a_function_that_changes_nothing_writes_nothing(ready: DuckDBExporter) -> None:
    before = ready.change

    remake(ready, lambda rows: rows)

    assert ready.change == before


def test_values_become_null_and_null_values(ready: DuckDBExporter) -> None:
    def change(rows: pa.RecordBatch) -> pa.RecordBatch:
        gone = with_column(rows, "cost_usd", pa.nulls(len(rows), pa.float64()))
        return with_column(gone, "cost_note", pa.array(["free"] * len(rows)))

    remake(ready, change)

    told = ready.query("SELECT DISTINCT cost_usd, cost_note, model, told_by FROM api_calls")
    assert told.to_pylist() == [
        {"cost_usd": None, "cost_note": "free", "model": "m", "told_by": ["logs"]}
    ]


def test_what_is_no_number_before_and_after_is_the_same(ready: DuckDBExporter) -> None:
    def change(rows: pa.RecordBatch) -> pa.RecordBatch:
        return with_column(rows, "cost_usd", pa.array([float("nan")] * len(rows)))

    remake(ready, change)
    before = ready.change

    remake(ready, change)

    assert ready.change == before


@pytest.mark.parametrize("since_us", [-(2**62), 2**62, 2**70])
def test_a_time_that_no_calendar_has_is_refused_in_words(
    ready: DuckDBExporter, since_us: int
) -> None:
    with pytest.raises(Permanent, match="in no year from 1 to 9999") as caught:
        remake(ready, doubled, since_us)

    assert caught.value.reason == "bad_request"


def test_lists_may_change_too(ready: DuckDBExporter) -> None:
    told_by = pa.array([["traces"]], pa.list_(pa.string()))

    remake(ready, lambda rows: with_column(rows, "told_by", told_by), NOON_US + 1)

    told = ready.query("SELECT told_by FROM api_calls ORDER BY session_id")
    assert told["told_by"].to_pylist() == [["logs"], ["traces"], ["logs"]]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.slice(1),
        lambda rows: rows.select(["session_id"]),
        lambda rows: with_column(rows, "session_id", pa.array(["z"] * len(rows))),
    ],
)
def test_rows_that_cannot_be_found_again_are_refused(ready: DuckDBExporter, change: Any) -> None:
    with pytest.raises(Permanent) as caught:
        remake(ready, change)

    assert caught.value.reason == "bad_result"


def test_a_table_without_times_is_refused(ready: DuckDBExporter) -> None:
    with pytest.raises(Permanent, match="no `time`") as caught:
        list(ready.remake("sessions", SESSIONS, None, doubled))

    assert caught.value.reason == "bad_table"


def test_a_large_table_passes_in_parts_and_each_row_once(
    ready: DuckDBExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remaking, "_PART_ROWS", 50)
    times = np.random.default_rng(1).integers(0, 300, 400)
    rows = [call("a", at, time=later(minutes=int(t)), cost_usd=1.0) for at, t in enumerate(times)]
    put(ready, *rows, everything=True)

    counts = list(ready.remake("ledger", API_CALLS, None, doubled))

    told = ready.query("SELECT DISTINCT cost_usd FROM api_calls")["cost_usd"].to_pylist()
    assert (sum(counts), told) == (400, [2.0])
    assert 25 < max(counts) < 100
