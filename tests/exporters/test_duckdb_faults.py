"""Which of DuckDB's errors may pass, and what happens after one that ends the database."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.exporters.duckdb.faults import export_fault, open_fault
from agentpond.pipeline.core.batch import Dropped
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.sessions import Need

from .support import column, deliver, event, make_store


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (duckdb.IOException("No space left on device"), Retryable, "disk"),
        (duckdb.OutOfMemoryException("failed to pin block"), Retryable, "out_of_memory"),
        (duckdb.TransactionException("conflict"), Retryable, "disk"),
        (duckdb.InterruptException("Interrupted!"), Retryable, "interrupted"),
        (duckdb.FatalException("database has been invalidated"), Retryable, "disk"),
        (duckdb.IOException("Detach and reattach it before using it"), Retryable, "disk"),
        (duckdb.ConstraintException("NOT NULL"), Permanent, "refused_rows"),
        (duckdb.ConversionException("no number"), Permanent, "refused_rows"),
        (duckdb.InvalidInputException("map key twice"), Permanent, "refused_rows"),
    ],
)
def test_a_failed_delivery_may_come_again_unless_its_rows_are_at_fault(
    error: duckdb.Error, kind: type[Exception], reason: str
) -> None:
    fault = export_fault(error, Path("x.duckdb"))

    assert (type(fault), fault.reason) == (kind, reason)


def test_a_delivery_after_the_stop_may_come_again(store: DuckDBExporter) -> None:
    store.stop()

    with pytest.raises(Retryable) as caught:
        store.export(deliver(0, [event(1)]))

    assert caught.value.reason == "not_started"


def test_a_lock_without_a_name_is_a_lock_still() -> None:
    error = duckdb.IOException("The process cannot access the file: being used by another process")

    fault = open_fault(error, Path("x.duckdb"))

    assert (fault.reason, "held by another process" in str(fault)) == ("database_locked", True)


def test_a_lock_of_a_process_that_cannot_be_seen_is_named_as_duckdb_does() -> None:
    error = duckdb.IOException("Conflicting lock is held in /usr/bin/duckdb (PID 99999999).")

    fault = open_fault(error, Path("x.duckdb"))

    assert "process 99999999 (/usr/bin/duckdb)" in str(fault)


def test_a_database_that_gave_up_is_opened_again_with_all_it_knew(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))
    store._broken = True

    dropped = store.export(deliver(1, [event(1), event(2)]))

    told = column(store, "SELECT count(*) FROM events")
    assert (list(dropped), told) == ([Dropped(EVENTS, 1, "duplicate")], [2])


def test_a_database_that_cannot_be_opened_again_yet_is_retryable(
    store: DuckDBExporter, path: Path
) -> None:
    store.stop()
    store._broken = True
    with duckdb.connect(str(path)), pytest.raises(Retryable) as caught:
        store.export(deliver(0, [event(1)]))

    dropped = store.export(deliver(0, [event(1)]))

    assert (caught.value.reason, list(dropped)) == ("disk", [])


@contextmanager
def full_disk() -> Iterator[None]:
    """Have the system refuse to let files grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def checkpoint(store: DuckDBExporter) -> None:
    """Have DuckDB do what it does by itself once its log is long."""
    assert store._open is not None
    store._open.writer.execute("CHECKPOINT")


def test_a_delivery_that_met_a_full_disk_is_taken_when_there_is_room(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    with full_disk(), pytest.raises(Retryable, match="see that the disk has room"):
        store.export(deliver(1, [event(2)]))
    store.export(deliver(1, [event(2)]))

    assert column(store, "SELECT count(*) FROM events") == [2]


def test_a_checkpoint_that_met_a_full_disk_does_not_end_the_store(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))
    with full_disk():
        with pytest.raises(duckdb.Error, match="has been invalidated"):
            checkpoint(store)
        for _ in range(2):
            with pytest.raises(Retryable):
                store.export(deliver(1, [event(1), event(2)]))

    dropped = store.export(deliver(1, [event(1), event(2)]))

    assert list(dropped) == [Dropped(EVENTS, 1, "duplicate")]
    assert column(store, "SELECT count(*) FROM events") == [2]


def test_a_query_of_a_database_that_gave_up_may_be_asked_again(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))
    with full_disk(), pytest.raises(duckdb.Error, match="has been invalidated"):
        checkpoint(store)

    with pytest.raises(Retryable, match="has been invalidated"):
        store.query("SELECT 1")


class CommitsAndFails:
    """A connection whose COMMIT takes place and then fails, as one before a checkpoint can."""

    def __init__(self, real: duckdb.DuckDBPyConnection) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        done = self._real.execute(sql, *parameters)
        if sql == "COMMIT":
            raise duckdb.IOException("COMMIT succeeded. Detach and reattach the database")
        return done


def test_what_was_dropped_by_a_commit_that_failed_and_took_place_is_told(
    store: DuckDBExporter,
) -> None:
    store.export(deliver(0, [event(1)]))
    assert store._open is not None
    failing: Any = CommitsAndFails(store._open.writer)
    store._open = replace(store._open, writer=failing)
    with pytest.raises(Retryable):
        store.export(deliver(1, [event(1), event(2)]))

    dropped = store.export(deliver(1, [event(1), event(2)]))
    again = store.export(deliver(1, [event(1), event(2)]))

    assert list(dropped) == [Dropped(EVENTS, 1, "duplicate")]
    assert list(again) == []
    assert column(store, "SELECT count(*) FROM events") == [2]


SMALL = 64_000_000


def test_a_read_for_which_memory_does_not_suffice_says_so(path: Path) -> None:
    store = make_store(path, memory_limit=SMALL)
    store.start()
    for number in range(12):
        rows = [large(number * 200 + at) for at in range(200)]
        store.export(deliver(number, rows))

    with pytest.raises(Retryable) as caught:
        store.read(pa.array(["a"]), [Need(EVENTS, ("content",))], 0)

    store.stop()
    assert caught.value.reason == "out_of_memory"


def large(number: int) -> dict[str, Any]:
    content = random.Random(number).randbytes(15_000).hex()  # noqa: S311 - not a secret
    return event(number, session_id="a", content=content)
