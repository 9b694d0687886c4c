"""Which of DuckDB's errors may pass, and what happens after one that ends the database."""

from pathlib import Path

import duckdb
import pytest

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.exporters.duckdb.faults import export_fault, open_fault
from agentpond.pipeline.core.batch import Dropped
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS

from .support import column, deliver, event


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (duckdb.IOException("No space left on device"), Retryable, "disk"),
        (duckdb.OutOfMemoryException("failed to pin block"), Retryable, "out_of_memory"),
        (duckdb.TransactionException("conflict"), Retryable, "disk"),
        (duckdb.InterruptException("Interrupted!"), Retryable, "interrupted"),
        (duckdb.FatalException("database has been invalidated"), Retryable, "disk"),
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
