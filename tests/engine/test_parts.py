"""The small parts: back-off, cursors, dead letters, processing."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch, Dropped
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.later import spread, spread_s
from agentpond.pipeline.core.schema import EVENTS, RESOURCES, SPAN_EVENTS, TABLES
from agentpond.pipeline.core.signal import Identity, Signal
from agentpond.pipeline.engine.cursors import Cursors
from agentpond.pipeline.engine.dead_letters import DeadLetters, Place, Refused
from agentpond.pipeline.engine.process import choose, process
from agentpond.pipeline.engine.retry import Backoff

NEVER = Permanent("the disk is on fire", reason="fire")


def events(kit: Any, *signals: Signal) -> Batch:
    ids = [bytes([number]) * 16 for number in range(len(signals))]
    batch: Batch = kit.events(signals, ids, 0)
    return batch


def nulls(table: str, rows: int) -> Batch:
    schema = TABLES[table].schema
    columns = [pa.nulls(rows, field.type) for field in schema]
    return Batch(TABLES[table], pa.RecordBatch.from_arrays(columns, schema=schema))


def test_waits_double_up_to_the_limit() -> None:
    backoff = Backoff(start_s=0.5, max_s=3.0, random=lambda: 1.0)

    assert list(islice(backoff.delays_s(), 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_shortens_a_wait_by_up_to_half() -> None:
    backoff = Backoff(start_s=4.0, max_s=8.0, random=lambda: 0.0)

    assert list(islice(backoff.delays_s(), 2)) == [2.0, 4.0]


def test_a_wait_is_as_long_as_was_asked_for_up_to_the_limit() -> None:
    backoff = Backoff(start_s=0.5, max_s=30.0)

    assert backoff.wait_s(0.5, asked_s=7.0) == 7.0
    assert backoff.wait_s(0.5, asked_s=1000.0) == 30.0


def test_a_cursor_is_there_again(tmp_path: Path) -> None:
    Cursors(tmp_path / "cursors").put("p/1", "file+x", "log", 42)

    assert Cursors(tmp_path / "cursors").get("p/1", "file+x", "log") == 42


def test_a_cursor_of_another_log_is_none(tmp_path: Path) -> None:
    cursors = Cursors(tmp_path)
    cursors.put("p", "e", "log", 42)

    assert cursors.get("p", "e", "another") is None
    assert cursors.get("p", "f", "log") is None


def test_a_file_that_is_no_cursor_is_named(tmp_path: Path) -> None:
    cursors = Cursors(tmp_path)
    cursors.put("p", "e", "log", 42)
    (tmp_path / "p+e.json").write_text("[]")

    with pytest.raises(Permanent, match=r"p\+e\.json: not a cursor .* Remove the file"):
        cursors.get("p", "e", "log")


def test_a_cursor_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(Retryable) as caught:
        Cursors(tmp_path / "state").put("p", "e", "log", 42)

    assert caught.value.reason == "cursor_write_failed"


def test_a_dead_letter_holds_the_rows_and_the_reason(kit: Any, tmp_path: Path) -> None:
    place = Place("agents", "duckdb/2", "abcdef0123456789", start=7, end=9)
    batch = events(kit, Signal.LOGS, Signal.LOGS)

    DeadLetters(tmp_path).bury_batches(place, NEVER, [batch, nulls("resources", 1), batch])

    rows = pa.ipc.open_file(str(tmp_path / "agents+duckdb%2F2+abcdef01-7.events.arrow")).read_all()
    metadata = {key.decode(): text.decode() for key, text in rows.schema.metadata.items()}
    assert rows.num_rows == 4
    assert metadata == {
        "table": "events",
        "pipeline": "agents",
        "component": "duckdb/2",
        "reason": "fire",
        "error": "the disk is on fire",
        "log_id": "abcdef0123456789",
        "start": "7",
        "end": "9",
    }
    assert len(list(tmp_path.glob("*.resources.arrow"))) == 1


def test_a_dead_letter_holds_requests_as_they_came(kit: Any, tmp_path: Path) -> None:
    place = Place("agents", "codec", "abcdef0123456789", start=7, end=9)

    DeadLetters(tmp_path).bury_requests(place, [Refused(kit.entry(b"body"), 7, NEVER)])

    rows = pa.ipc.open_file(str(next(tmp_path.glob("*.requests.arrow")))).read_all()
    assert rows.to_pylist() == [
        {
            "position": 7,
            "receiver": "otlp",
            "signal": "logs",
            "encoding": "protobuf",
            "received_at_ns": 1_700_000_000_000_000_000,
            "records": 3,
            "body": b"body",
            "error": "the disk is on fire",
            "identity": None,
        }
    ]


def test_a_dead_letter_knows_whose_request_it_holds(kit: Any, tmp_path: Path) -> None:
    place = Place("agents", "codec", "abcdef0123456789", start=7, end=9)
    entry = kit.entry(b"body")
    request = replace(entry.request, identity=Identity(user_id="alice", team="platform"))

    DeadLetters(tmp_path).bury_requests(place, [Refused(replace(entry, request=request), 7, NEVER)])

    rows = pa.ipc.open_file(str(next(tmp_path.glob("*.requests.arrow")))).read_all()
    assert dict(rows["identity"][0].as_py()) == {
        "user_id": "alice",
        "user_email": "",
        "organization_id": "",
        "team": "platform",
    }


def test_a_dead_letter_is_readable_by_its_owner_alone(kit: Any, tmp_path: Path) -> None:
    place = Place("agents", "codec", "abcdef0123456789", start=7, end=9)

    DeadLetters(tmp_path).bury_requests(place, [Refused(kit.entry(b"body"), 7, NEVER)])

    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_a_dead_letter_that_cannot_be_written_is_tried_again(kit: Any, tmp_path: Path) -> None:
    (tmp_path / "dead").write_text("a file")
    place = Place("agents", "codec", "abcdef0123456789", start=7, end=9)

    with pytest.raises(Retryable) as caught:
        DeadLetters(tmp_path / "dead").bury_requests(place, [Refused(kit.entry(b"body"), 7, NEVER)])

    assert caught.value.reason == "dead_letter_failed"


def test_a_pipeline_of_one_signal_gets_its_rows_alone(kit: Any) -> None:
    batches = [events(kit, Signal.LOGS, Signal.TRACES, Signal.LOGS), nulls("resources", 1)]

    chosen = choose([*batches, nulls("span_events", 2)], frozenset({Signal.LOGS}))

    assert [(batch.table, len(batch)) for batch in chosen] == [(EVENTS, 2), (RESOURCES, 1)]


def test_span_events_go_with_traces(kit: Any) -> None:
    batches = [events(kit, Signal.TRACES), nulls("span_events", 2)]

    chosen = choose(batches, frozenset({Signal.TRACES}))

    assert [(batch.table, len(batch)) for batch in chosen] == [(EVENTS, 1), (SPAN_EVENTS, 2)]


def test_a_pipeline_of_all_signals_gets_all(kit: Any) -> None:
    batches = [events(kit, *Signal), events(kit)]

    assert choose(batches, frozenset(Signal)) == (batches[0],)


def test_rows_that_vanish_are_dropped_as_unexplained(kit: Any) -> None:
    batch = events(kit, *[Signal.LOGS] * 5)
    processor = kit.processor(
        lambda batch: [Dropped(EVENTS, 1, "noise"), batch.with_records(batch.records[:2])]
    )

    made = process("shorten", processor, [batch])

    assert [len(kept) for kept in made.batches] == [2]
    assert made.dropped == (Dropped(EVENTS, 1, "noise"), Dropped(EVENTS, 2, "unexplained"))


def test_rows_of_other_tables_are_not_counted(kit: Any) -> None:
    made = process("none", kit.processor(lambda _: []), [nulls("resources", 3)])

    assert (made.batches, made.dropped) == ((), ())


def test_a_processor_that_makes_events_is_refused(kit: Any) -> None:
    batch = events(kit, Signal.LOGS)

    with pytest.raises(Permanent, match="processor double: it gave 1 more events") as caught:
        process("double", kit.processor(lambda batch: [batch, batch]), [batch])

    assert caught.value.reason == "bug"


def test_a_cursor_file_is_json(tmp_path: Path) -> None:
    Cursors(tmp_path).put("p", "e", "log", 42)

    assert json.loads((tmp_path / "p+e.json").read_text()) == {"log_id": "log", "position": 42}


def test_senders_who_are_refused_together_do_not_come_back_together() -> None:
    chances = iter((0.0, 0.5, 1.0))

    delays_s = [spread_s(3.0, lambda: next(chances)) for _ in range(3)]

    assert delays_s == [2, 3, 4]


def test_each_sender_gets_an_error_of_his_own() -> None:
    told = Retryable("full", retry_after_s=3.0, reason="log_full")

    copies = [spread(told) for _ in range(50)]

    assert {(str(copy), copy.reason) for copy in copies} == {("full", "log_full")}
    assert len({copy.retry_after_s for copy in copies}) > 10
