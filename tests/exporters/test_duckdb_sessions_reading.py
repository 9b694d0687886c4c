"""What a processor is given of stored events is what it is given of the same events in memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.batch import Batch, Delivery
from agentpond.pipeline.core.made import API_CALLS, TOOL_CALLS, TURNS
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.sessions import Need, Of, Sessions, session_keys
from agentpond.pipeline.testing import builders
from agentpond.pipeline.testing.sessions import sessions_of

from ..golden.batches import batch_of
from ..golden.captures import captures
from .sessions_support import THREE, fail
from .sessions_support import put as put_made
from .support import deliver, event, later, make_store

AS_OF_US = 1_795_200_000_000_000
EVERYTHING = Need(EVENTS, (*EVENTS.schema.names, "attributes.type", "attributes.odd key"))
FEW = Need(EVENTS, ("model", "time"), ("api_request", "metric"), label="few")
BESIDE = Need(EVENTS, ("session_id", "event_id", "agent", "event_type"), of=Of.BESIDE)
KIN = Need(EVENTS, ("session_id", "time", "subagent_id", "trace_id"), of=Of.KIN)
TRACED = Need(EVENTS, ("session_id", "event_id", "trace_id"), of=Of.TRACED)
OF_CODEX = Need(
    EVENTS,
    ("session_id", "event_id", "event_type"),
    ("llm_request", "metric"),
    Of.TRACED,
    "of_codex",
    ("codex",),
)
NEEDS = (EVERYTHING, FEW, BESIDE, KIN, TRACED, OF_CODEX)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBExporter]:
    store = make_store(tmp_path_factory.mktemp("kept") / "agentpond.duckdb")
    store.start()
    yield store
    store.stop()


def hold(store: DuckDBExporter, events: Batch, sizes: Sequence[int] = ()) -> None:
    """Have a store hold nothing but some events, in deliveries of some sizes and the rest."""
    assert store._open is not None
    for table in ("events", "session_changes", "log_positions"):
        store._open.writer.execute(f"DELETE FROM {table}")
    start = 0
    for number, size in enumerate([*sizes, len(events)]):
        rows = events.with_records(events.records.slice(start, size))
        store.export(Delivery("agents", "log", number, number + 1, (rows,)))
        start += size


def shuffled(events: Batch) -> Batch:
    order = sorted(range(len(events)), key=lambda row: row * 7919 % 1009)
    return events.with_records(events.records.take(pa.array(order)))


def plain(sessions: Sessions) -> dict[str, object]:
    return {name: rows.to_pydict() for name, rows in sessions.rows.items()}


CAPTURES = ["claude_code/tools/grpc", "claude_code/hooks/grpc", "codex/*/grpc"]


@pytest.mark.parametrize("pattern", CAPTURES)
def test_the_events_of_captures_are_read_as_they_are_made_in_memory(
    kept: DuckDBExporter, pattern: str
) -> None:
    told = [batch_of(capture).records for capture in captures(pattern)]
    events = Batch(EVENTS, pa.Table.from_batches(told).combine_chunks().to_batches()[0])
    expected = sessions_of(NEEDS, events, as_of_us=AS_OF_US)

    hold(kept, shuffled(events), [7, 400])
    read = kept.read(expected.ids, NEEDS, AS_OF_US)

    assert plain(read) == plain(expected)


NIGHT = later(hours=11, minutes=30)
MOMENTS = st.one_of(st.none(), st.integers(-3, 3).map(lambda hours: NIGHT + timedelta(hours=hours)))
ROWS = st.fixed_dictionaries(
    {
        "agent": st.sampled_from(["codex", "claude_code", "odd:agent's", None]),
        "signal": st.sampled_from(["logs", "metrics", None]),
        "session_id": st.sampled_from(["a", "b", "no-session:codex:2026-11-20", None]),
        "event_type": st.sampled_from(["session_start", "metric", None]),
        "subagent_id": st.sampled_from(["a", None]),
        "trace_id": st.sampled_from(["t", "u", None]),
        "time": MOMENTS,
        "start_time": MOMENTS,
        "sequence": st.sampled_from([1, 2, None]),
    }
)


def batch_with(rows: list[dict[str, Any]]) -> Batch:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return builders.events(len(rows), **columns, position=list(range(len(rows))))


@settings(deadline=None, max_examples=40)
@given(st.lists(ROWS, min_size=1, max_size=14), st.data())
def test_any_events_are_read_as_they_are_made_in_memory(
    kept: DuckDBExporter, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    events = batch_with(rows)
    keys = session_keys(events.records).unique().to_pylist()
    ids = data.draw(st.lists(st.sampled_from([*keys, "no-session:x:nonsense"]), unique=True))
    expected = sessions_of(NEEDS, events, ids=ids, as_of_us=AS_OF_US)

    hold(kept, shuffled(events), [3, 1])
    read = kept.read(pa.array(ids, pa.string()), NEEDS, AS_OF_US)

    assert (read.ids.to_pylist(), plain(read)) == (expected.ids.to_pylist(), plain(expected))


@settings(deadline=None, max_examples=40)
@given(st.lists(ROWS, min_size=1, max_size=14))
def test_the_sessions_noted_are_those_that_core_names(
    kept: DuckDBExporter, rows: list[dict[str, Any]]
) -> None:
    events = batch_with(rows)
    expected = Counter(session_keys(events.records).to_pylist())

    hold(kept, events, [3, 1])
    told = kept.query("SELECT session_id, events FROM session_changes").to_pylist()

    assert {row["session_id"]: row["events"] for row in told} == expected


def test_rows_of_other_tables_come_in_order_of_their_key(kept: DuckDBExporter) -> None:
    need = Need(API_CALLS, ("api_call_id", "session_id", "told_by", "success"))
    rows = [("b", "2"), ("a", "9"), ("c", "0"), ("a", "10")]
    put(kept, rows)

    read = kept.read(pa.array(["b", "a"]), [need], AS_OF_US)

    told = read.rows["api_calls"].select(["session_id", "api_call_id"]).to_pylist()
    assert [tuple(row.values()) for row in told] == [("a", "10"), ("a", "9"), ("b", "2")]


def put(store: DuckDBExporter, rows: Sequence[tuple[str, str]]) -> None:
    assert store._open is not None
    for row in rows:
        sql = "INSERT INTO api_calls (session_id, api_call_id) VALUES (?, ?)"
        store._open.writer.execute(sql, list(row))


def test_events_are_given_in_one_piece_and_in_the_types_asked_for(kept: DuckDBExporter) -> None:
    hold(kept, builders.sample_events(), [1, 2])

    read = kept.read(pa.array(["session"]), [EVERYTHING], AS_OF_US)

    read.events.validate(full=True)
    assert read.events.schema == EVERYTHING.schema


DAYS = ["99999-01-01", "0000-01-01", "0001-01-01", "9999-12-31", "2026-13-01", "y", "", "-1-1-1"]


@pytest.mark.parametrize("day", DAYS)
def test_a_session_that_is_called_like_no_day_has_nothing_beside_it(
    kept: DuckDBExporter, day: str
) -> None:
    name = f"no-session:claude_code:{day}"
    hold(kept, builders.events(2, session_id=[name, "a"], agent="claude_code", time=later()))

    read = kept.read(pa.array([name]), [EVERYTHING, BESIDE], AS_OF_US)

    assert (read.events.num_rows, read.rows["beside"].num_rows) == (1, 0)


THREE_TABLES = [Need(table, ("session_id",)) for table in (API_CALLS, TOOL_CALLS, TURNS)]


def test_what_is_not_made_yet_is_told_of_each_table(store: DuckDBExporter) -> None:
    store.prepare({name: THREE[name] for name in ("ledger", "turns")})
    store.export(deliver(0, [event(1, session_id="a"), event(2, session_id="b")]))
    put_made(store, session_id="a")
    fail(store, "turns", 0)

    read = store.read(pa.array(["b", "a"]), [EVERYTHING, *THREE_TABLES], AS_OF_US)

    told = {table: ids.to_pylist() for table, ids in read.unmade.items()}
    assert told == {"api_calls": ["b"], "tool_calls": ["a", "b"], "turns": ["a", "b"]}


def test_what_was_made_before_a_failure_is_made(store: DuckDBExporter) -> None:
    store.prepare(THREE)
    store.export(deliver(0, [event(1, session_id="a")]))
    put_made(store)
    fail(store, "ledger", 0, everything=True)

    read = store.read(pa.array(["a"]), [EVERYTHING, *THREE_TABLES[:1]], AS_OF_US)

    assert read.unmade["api_calls"].to_pylist() == []
