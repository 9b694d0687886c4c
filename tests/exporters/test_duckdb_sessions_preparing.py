"""Who makes a table may change; its rows never double, and none of a former maker's stay."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from agentpond.exporters.duckdb import DuckDBExporter, query_file
from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.made import API_CALLS, TOOL_CALLS, TURNS

from .sessions_support import LEDGER, THREE, Maker, call, calls, due, fail, put, run_on, succeed
from .support import column, deliver, event, make_store

RENAMED = {"ledger/eu": LEDGER, "turns": THREE["turns"], "sessions": THREE["sessions"]}
MADE = "SELECT session_id || ' ' || api_call_id FROM api_calls ORDER BY ALL"
NOTES = Table("notes", pa.schema([("session_id", pa.string())]), ("session_id",))
READS_LEDGER = ("ledger/eu",)


@pytest.fixture
def ready(store: DuckDBExporter) -> DuckDBExporter:
    """Give a store of two sessions on which three processors have run."""
    store.prepare(THREE)
    store.export(deliver(0, [event(1, session_id="a"), event(2, session_id="b")]))
    put(store, call("a"), call("b"))
    succeed(store, "turns")
    succeed(store, "sessions")
    return store


def made(store: DuckDBExporter) -> list[str]:
    return column(store, MADE)


def test_a_maker_under_another_name_makes_its_rows_once(ready: DuckDBExporter) -> None:
    ready.prepare(RENAMED)
    ready.replace(run_on(ready, "ledger/eu"), [API_CALLS], [calls(call("a"), call("b"))])

    told = made(ready)

    assert told == ["a call-1", "b call-1"]


def test_rows_that_a_new_maker_does_not_make_go(ready: DuckDBExporter) -> None:
    ready.prepare(RENAMED)
    ready.replace(run_on(ready, "ledger/eu"), [API_CALLS], [calls(call("b", 2))])

    told = made(ready)

    assert told == ["b call-2"]


def test_readers_of_a_table_with_a_new_maker_read_all_of_it_anew(ready: DuckDBExporter) -> None:
    ready.prepare(RENAMED)
    waiting = due(ready, "turns", upstream=READS_LEDGER)
    ready.replace(run_on(ready, "ledger/eu"), [API_CALLS], [])

    told = due(ready, "turns", upstream=READS_LEDGER), due(ready, "ledger/eu")

    assert (waiting, told) == (["a", "b"], (["a", "b"], []))


def test_readers_that_fail_are_still_held_back_when_a_maker_changes(ready: DuckDBExporter) -> None:
    fail(ready, "turns", 2**50, everything=True)

    ready.prepare(RENAMED)

    told = column(ready, "SELECT DISTINCT seen_change FROM processor_runs WHERE error IS NOT NULL")
    assert told == [0]


def test_rows_stay_while_nobody_makes_them(ready: DuckDBExporter) -> None:
    ready.prepare({"turns": THREE["turns"]})

    told = made(ready), due(ready, "turns", upstream=())

    assert told == (["a call-1", "b call-1"], ["a", "b"])


def test_a_maker_that_comes_back_starts_from_the_beginning(ready: DuckDBExporter) -> None:
    ready.prepare({"turns": THREE["turns"]})
    ready.prepare(THREE)
    before = made(ready)

    put(ready, call("a"))

    assert (before, made(ready)) == ([], ["a call-1"])


def test_a_maker_with_one_more_table_starts_from_the_beginning(ready: DuckDBExporter) -> None:
    ready.prepare(THREE | {"ledger": Maker((API_CALLS, TOOL_CALLS))})

    told = made(ready), due(ready), due(ready, "turns")

    assert told == ([], ["a", "b"], ["a", "b"])


def test_a_maker_of_one_table_less_goes_on(ready: DuckDBExporter) -> None:
    ready.prepare({"ledger": Maker((API_CALLS, TOOL_CALLS))})
    put(ready, call("a"), call("b"))

    ready.prepare({"ledger": LEDGER})

    assert (made(ready), due(ready)) == (["a call-1", "b call-1"], [])


def test_makers_that_swap_their_tables_leave_nothing(ready: DuckDBExporter) -> None:
    ready.prepare({"ledger": Maker((TURNS,)), "turns": LEDGER})

    told = made(ready), due(ready), due(ready, "turns", upstream=())

    assert told == ([], ["a", "b"], ["a", "b"])


def test_the_same_processors_after_a_restart_change_nothing(ready: DuckDBExporter) -> None:
    ready.stop()
    opened = make_store(ready.path)
    opened.start()

    opened.prepare(THREE)

    told = made(opened), due(opened), due(opened, "turns"), due(opened, "sessions")
    opened.stop()
    assert told == (["a call-1", "b call-1"], [], [], [])


@pytest.mark.parametrize(("kind", "made"), [("table", "TABLE"), ("view", "VIEW")])
def test_a_table_of_that_name_that_no_processor_made_is_left_and_told(
    path: Path, kind: str, made: str
) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE {made} notes AS SELECT 'a' AS session_id, 'mine' AS note")
    store = make_store(path)
    store.start()

    with pytest.raises(Permanent, match=f'the file has a {kind} `notes`.*"notes" RENAME') as caught:
        store.prepare({"noter": Maker((NOTES,))})
    store.stop()

    told = query_file(path, "FROM notes").to_pydict()
    assert caught.value.reason == "name_taken"
    assert told == {"session_id": ["a"], "note": ["mine"]}


def test_a_processor_that_was_left_out_finds_its_own_table_again(store: DuckDBExporter) -> None:
    for processors in ({"noter": Maker((NOTES,))}, {}, {"noter": Maker((NOTES,))}):
        store.prepare(processors)

    assert column(store, "SELECT tables FROM processors") == [["notes"]]


@pytest.mark.parametrize("name", ["advice", "advice_adopted", "schema_version", "Events"])
def test_what_the_store_keeps_is_no_name_for_a_processors_table(
    store: DuckDBExporter, name: str
) -> None:
    table = Table(name, NOTES.schema, NOTES.key)

    with pytest.raises(Permanent, match="which the store keeps") as caught:
        store.prepare({"noter": Maker((table,))})

    assert caught.value.reason == "bad_table"
