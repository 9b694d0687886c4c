"""A processor's rows take the place of its earlier ones, and only where they differ."""

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.made import API_CALLS, TURNS

from .sessions_support import (
    NOON_US,
    THREE,
    Maker,
    again,
    call,
    calls,
    due,
    put,
    run_on,
)
from .support import batch, column, deliver, event, make_store

MADE = "SELECT session_id, api_call_id, model, told_by FROM api_calls ORDER BY ALL"
PLACES = "SELECT rowid, * FROM api_calls ORDER BY ALL"


@pytest.fixture
def ready(store: DuckDBExporter) -> DuckDBExporter:
    """Give a store with three processors and an event of each of two sessions."""
    store.prepare(THREE)
    store.export(deliver(0, [event(1, session_id="a"), event(2, session_id="b")]))
    return store


def made(store: DuckDBExporter) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in store.query(MADE).to_pylist()]


def test_rows_stand_in_their_table_and_are_counted(ready: DuckDBExporter) -> None:
    counted = put(ready, call("a", model="m"), call("b", told_by=None))

    assert counted == 2
    assert made(ready) == [("a", "call-1", "m", ["logs"]), ("b", "call-1", None, None)]


def test_rows_take_the_place_of_those_of_the_same_session(ready: DuckDBExporter) -> None:
    put(ready, call("a"), call("b"))

    put(ready, call("a", 2), call("a", 3), session_id="a", everything=True)

    assert [row[:2] for row in made(ready)] == [("a", "call-2"), ("a", "call-3"), ("b", "call-1")]


def test_rows_that_are_not_made_again_go(ready: DuckDBExporter) -> None:
    put(ready, call("a"), call("b"))

    put(ready, call("b"), everything=True)

    assert [row[0] for row in made(ready)] == ["b"]


def test_rows_that_stay_the_same_are_not_written(ready: DuckDBExporter) -> None:
    put(ready, call("a"), call("a", 2), call("b"))
    before = ready.query(PLACES)

    put(ready, call("a", 2), call("b"), call("a"), everything=True)

    assert ready.query(PLACES) == before


ROWS = st.lists(
    st.builds(
        call,
        st.sampled_from(["a", "b"]),
        st.integers(1, 2),
        model=st.sampled_from(["m", None]),
        cost_usd=st.sampled_from([None, 0.1, 0.25]),
        told_by=st.sampled_from([None, [], ["logs"], ["logs", "traces"]]),
    ),
    max_size=4,
    unique_by=lambda row: (row["session_id"], row["api_call_id"]),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_whatever_was_there_the_last_rows_stand_and_only_changes_are_told(
    kept: DuckDBExporter, results: list[list[dict[str, Any]]]
) -> None:
    for rows in results:
        put(kept, *rows, everything=True)
    changed = column(kept, "SELECT max(made_change) FROM processor_runs")

    put(kept, *reversed(results[-1]), everything=True)

    told = kept.query("SELECT session_id, api_call_id, model, cost_usd, told_by FROM api_calls")
    expected = calls(*results[-1]).records.select(told.schema.names).to_pylist()
    assert sorted(map(repr, told.to_pylist())) == sorted(map(repr, expected))
    assert column(kept, "SELECT max(made_change) FROM processor_runs") == changed


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Any:
    store = make_store(tmp_path_factory.mktemp("kept") / "agentpond.duckdb")
    store.start()
    store.prepare(THREE)
    store.export(deliver(0, [event(1, session_id="a"), event(2, session_id="b")]))
    yield store
    store.stop()


def test_rows_of_a_table_that_is_not_the_processors_are_refused(ready: DuckDBExporter) -> None:
    run = run_on(ready)

    with pytest.raises(Permanent, match="it makes \\['turns'\\]") as caught:
        ready.replace(run, [TURNS], [calls(call("a"))])

    assert caught.value.reason == "bad_result"


@pytest.mark.parametrize("session_id", ["c", None])
def test_rows_of_a_session_that_was_not_at_hand_are_refused(
    ready: DuckDBExporter, session_id: Any
) -> None:
    run = run_on(ready)

    with pytest.raises(Permanent, match="not among those it ran on") as caught:
        ready.replace(run, [API_CALLS], [calls(call("a"), call(session_id))])

    assert (caught.value.reason, made(ready)) == ("bad_result", [])


def test_a_time_for_a_session_that_was_not_at_hand_is_refused(ready: DuckDBExporter) -> None:
    run = run_on(ready)

    with pytest.raises(Permanent, match="not among those it ran on"):
        ready.replace(run, [API_CALLS], [], again("c", NOON_US))

    assert due(ready) == ["a", "b"]


def test_rows_without_what_they_are_told_by_are_refused_whole(ready: DuckDBExporter) -> None:
    with pytest.raises(Permanent, match="NOT NULL"):
        put(ready, call("a"), call("b") | {"api_call_id": None})

    assert (made(ready), due(ready)) == ([], ["a", "b"])


def test_a_store_that_was_stopped_may_be_asked_again(ready: DuckDBExporter) -> None:
    run = run_on(ready)
    ready.stop()

    with pytest.raises(Retryable) as caught:
        ready.replace(run, [API_CALLS], [])

    assert caught.value.reason == "not_started"


def test_a_database_that_gave_up_is_opened_again_by_who_reads_sessions(
    ready: DuckDBExporter,
) -> None:
    ready._broken = True

    told = due(ready)

    assert told == ["a", "b"]


GUESSES = Table(
    "guesses",
    pa.schema(
        [
            ("session_id", pa.string()),
            pa.field("guess", pa.string(), metadata={"meaning": "What may be next."}),
            ("odds", pa.list_(pa.float64())),
        ]
    ),
    ("session_id", "guess"),
)


def test_a_table_of_others_is_made_and_keeps_its_rows(ready: DuckDBExporter) -> None:
    ready.prepare({"oracle": Maker((GUESSES,))})
    rows = [{"session_id": "a", "guess": "rain", "odds": [0.5, 0.25]}]
    ready.replace(run_on(ready, "oracle"), [GUESSES], [batch(GUESSES, rows)])

    ready.prepare({"oracle": Maker((GUESSES,))})

    assert ready.query("SELECT * FROM guesses").to_pylist() == rows


def test_a_column_that_a_table_of_others_gained_is_added(ready: DuckDBExporter) -> None:
    less = Table("guesses", GUESSES.schema.remove(2), GUESSES.key)
    ready.prepare({"oracle": Maker((less,))})

    ready.prepare({"oracle": Maker((GUESSES,))})

    told = ready.query("SELECT comment FROM duckdb_columns() WHERE table_name = 'guesses'")
    assert told["comment"].to_pylist() == [
        "Of the processor that makes `guesses`.",
        "What may be next.",
        "Of the processor that makes `guesses`.",
    ]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (Table("x", pa.schema([("session_id", pa.string()), ("d", pa.date32())]), ()), "d: date32"),
        (Table("x", pa.schema([("y", pa.string())]), ()), "no column `session_id`"),
        (Table("events", GUESSES.schema, ()), "which the store keeps"),
        (API_CALLS, "which processor 'ledger' keeps"),
    ],
)
def test_a_table_that_cannot_be_kept_is_refused(
    ready: DuckDBExporter, table: Table, words: str
) -> None:
    with pytest.raises(Permanent, match=words) as caught:
        ready.prepare({"ledger": THREE["ledger"], "oracle": Maker((table,))})

    assert caught.value.reason == "bad_table"


def test_a_table_that_another_type_stands_in_is_not_written(ready: DuckDBExporter) -> None:
    former = pa.schema([("session_id", pa.string()), ("guess", pa.int64())])
    ready.prepare({"oracle": Maker((Table("guesses", former, GUESSES.key),))})
    ready.prepare({"oracle": Maker((GUESSES,))})
    rows = [{"session_id": "a", "guess": "rain"}]

    with pytest.raises(Permanent) as caught:
        ready.replace(run_on(ready, "oracle"), [GUESSES], [batch(GUESSES, rows)])

    assert isinstance(caught.value.__cause__, duckdb.ConversionException)
