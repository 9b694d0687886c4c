"""What a delivery leaves in the DuckDB file."""

import uuid
from pathlib import Path

import pyarrow as pa
import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.pipeline.core.batch import Batch, Delivery, Dropped, Table
from agentpond.pipeline.core.component import Positioned, Readable
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS

from .support import NOON, column, deliver, event, event_id, later, make_store


def test_the_exporter_is_positioned_and_readable(store: DuckDBExporter) -> None:
    kinds = (Positioned, Readable)

    held = [isinstance(store, kind) for kind in kinds]

    assert held == [True, True]


def test_every_column_comes_back_as_it_went_in(store: DuckDBExporter) -> None:
    sent = {
        "event_id": event_id(7),
        "received_at": NOON,
        "time": later(hours=-1),
        "session_id": "s-1",
        "success": True,
        "exit_code": -1,
        "input_tokens": 2**40,
        "cost_usd": 0.25,
        "bounds": [1.0, 2.5],
        "bucket_counts": [3, 4, 5],
        "attributes": [("a", "1"), ("b", "zwei")],
        "resource_id": 2**64 - 1,
        "position": 12,
    }

    store.export(deliver(0, [sent]))

    told = store.query("SELECT * FROM events").to_pylist()[0]
    filled = {name: value for name, value in told.items() if value is not None}
    assert filled == {**sent, "event_id": str(uuid.UUID(int=7))}


def test_rows_stand_in_the_order_they_came(store: DuckDBExporter) -> None:
    first, second = [event(3), event(1)], [event(2)]

    store.export(deliver(0, first, second))

    told = column(store, "SELECT event_id FROM events")
    assert told == [str(uuid.UUID(int=number)) for number in (3, 1, 2)]


def test_the_position_is_the_end_of_the_last_delivery(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    store.export(deliver(1, [event(2)]))

    assert store.position("agents", "log-1") == 2


def test_there_is_no_position_before_the_first_delivery(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    told = [store.position("other", "log-1"), store.position("agents", "log-2")]

    assert told == [None, None]


def test_a_delivery_without_rows_moves_the_position(store: DuckDBExporter) -> None:
    empty = deliver(4)

    store.export(empty)

    assert store.position("agents", "log-1") == 5


def test_a_delivery_that_is_stored_already_changes_nothing(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    dropped = store.export(deliver(0, [event(2)]))

    assert (list(dropped), column(store, "SELECT count(*) FROM events")) == ([], [1])


def test_two_pipelines_keep_a_position_each(store: DuckDBExporter) -> None:
    store.export(deliver(8, [event(1)], pipeline="agents"))

    store.export(deliver(2, [event(2)], pipeline="audit"))

    assert [store.position(name, "log-1") for name in ("agents", "audit")] == [9, 3]


def test_the_position_is_there_after_a_restart(store: DuckDBExporter, path: Path) -> None:
    store.export(deliver(0, [event(1)]))
    store.stop()

    again = make_store(path)
    again.start()
    told = again.position("agents", "log-1")
    again.stop()

    assert told == 1


def test_a_resource_stands_once_with_the_time_it_was_first_seen(store: DuckDBExporter) -> None:
    def seen(hours: int) -> dict[str, object]:
        return {"resource_id": 5, "attributes": [("k", "v")], "first_seen": later(hours=hours)}

    store.export(deliver(0, [event(1)], resources=[seen(3), seen(2)]))
    store.export(deliver(1, [event(2)], resources=[seen(1), seen(4)]))

    told = store.query("SELECT * FROM resources").to_pylist()
    assert told == [{"resource_id": 5, "attributes": [("k", "v")], "first_seen": later(hours=1)}]


def test_span_events_come_with_their_span_and_once(store: DuckDBExporter) -> None:
    moments = [{"event_id": event_id(1), "name": "x", "index": index} for index in (0, 1)]
    store.export(deliver(0, [event(1)], span_events=moments))

    store.export(deliver(1, [event(1), event(2)], span_events=moments))

    assert column(store, 'SELECT "index" FROM span_events ORDER BY ALL') == [0, 1]


def test_a_span_twice_in_one_delivery_has_its_span_events_once(store: DuckDBExporter) -> None:
    moments = [{"event_id": event_id(1), "name": "x", "index": 0}] * 2

    store.export(deliver(0, [event(1), event(1)], span_events=moments))

    assert column(store, "SELECT name FROM span_events") == ["x"]


def test_many_small_batches_are_one_delivery(store: DuckDBExporter) -> None:
    batches = [[event(number, content="x" * number)] for number in range(1, 101)]

    store.export(deliver(0, *batches))

    assert column(store, "SELECT sum(length(content))::INT FROM events") == [5050]


def test_sliced_batches_keep_their_rows(store: DuckDBExporter) -> None:
    whole = deliver(0, [event(number, session_id=f"s{number}") for number in range(10)])
    part = whole.batches[0].with_records(whole.batches[0].records.slice(4, 2))

    store.export(Delivery("agents", "log-1", 0, 1, (part,)))

    told = store.query("SELECT event_id, session_id FROM events").to_pydict()
    assert told == {
        "event_id": [str(uuid.UUID(int=number)) for number in (4, 5)],
        "session_id": ["s4", "s5"],
    }


def test_an_event_without_id_is_refused_for_good(store: DuckDBExporter) -> None:
    broken = deliver(0, [event(1), {"received_at": NOON}])

    with pytest.raises(Permanent, match="1 events have no event_id") as caught:
        store.export(broken)

    assert caught.value.reason == "refused_rows"


def test_rows_duckdb_cannot_hold_are_refused_and_leave_nothing(store: DuckDBExporter) -> None:
    twice = [("k", "1"), ("k", "2")]
    broken = deliver(0, [event(1), event(2, attributes=twice)])

    with pytest.raises(Permanent) as caught:
        store.export(broken)

    left = (column(store, "SELECT count(*) FROM events"), store.position("agents", "log-1"))
    assert (caught.value.reason, *left) == ("refused_rows", [0], None)


def test_rows_that_failed_are_stored_when_they_come_again(store: DuckDBExporter) -> None:
    with pytest.raises(Permanent):
        store.export(deliver(0, [event(1), event(2, attributes=[("k", "1"), ("k", "2")])]))

    dropped = store.export(deliver(1, [event(1), event(2)]))

    assert (list(dropped), column(store, "SELECT count(*) FROM events")) == ([], [2])


def test_rows_of_an_unknown_table_are_refused(store: DuckDBExporter) -> None:
    table = Table("guests", pa.schema([("name", pa.string())]), ("name",))
    guests = Batch(table, pa.record_batch({"name": ["x"]}))

    with pytest.raises(Permanent, match="guests") as caught:
        store.export(Delivery("agents", "log-1", 0, 1, (guests,)))

    assert caught.value.reason == "unknown_table"


def test_duplicates_are_counted(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    dropped = store.export(deliver(1, [event(1), event(2), event(2)]))

    assert list(dropped) == [Dropped(EVENTS, 2, "duplicate")]


def test_exporting_before_start_is_refused(path: Path) -> None:
    closed = make_store(path)

    with pytest.raises(Retryable) as caught:
        closed.export(deliver(0, [event(1)]))

    assert caught.value.reason == "not_started"


def test_stop_is_safe_without_start_and_twice(path: Path) -> None:
    closed = make_store(path)

    closed.stop()
    closed.stop()

    assert not path.exists()


def test_starting_twice_opens_the_file_once(store: DuckDBExporter) -> None:
    store.start()

    store.export(deliver(0, [event(1)]))

    assert column(store, "SELECT count(*) FROM events") == [1]


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    nested = make_store(tmp_path / "a" / "b" / "x.duckdb")

    nested.start()
    nested.stop()

    assert (tmp_path / "a" / "b" / "x.duckdb").exists()


def test_a_file_that_is_made_is_its_owners_alone(store: DuckDBExporter, path: Path) -> None:
    store.export(deliver(0, [event(1)]))

    mode = path.stat().st_mode & 0o777

    assert mode == 0o600


def test_a_file_that_was_there_keeps_its_mode(store: DuckDBExporter, path: Path) -> None:
    store.stop()
    path.chmod(0o640)

    store.start()

    assert path.stat().st_mode & 0o777 == 0o640
