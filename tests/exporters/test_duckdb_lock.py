"""One process owns the file; everybody else is told who."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentpond.exporters.duckdb import DuckDBExporter, query_file
from agentpond.pipeline.core.errors import Permanent

from .support import column, deliver, event, make_store

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


@contextmanager
def held_by_another_process(path: Path) -> Iterator[int]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child.pid
        child.communicate("\n")


def test_the_error_names_the_file_the_process_and_the_way_out(path: Path) -> None:
    with held_by_another_process(path) as pid, pytest.raises(Permanent) as caught:
        make_store(path).start()

    text = str(caught.value)
    assert caught.value.reason == "database_locked"
    assert [part in text for part in (str(path), f"process {pid}", "agentpond query")] == [True] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="command lines stand in /proc on Linux")
def test_the_error_names_the_program_that_holds_the_file(path: Path) -> None:
    with held_by_another_process(path), pytest.raises(Permanent) as caught:
        make_store(path).start()

    assert f"({sys.executable} -c import duckdb" in str(caught.value)


def test_a_query_on_a_held_file_names_the_process(path: Path) -> None:
    with held_by_another_process(path) as pid, pytest.raises(Permanent, match=str(pid)) as caught:
        query_file(path, "SELECT 1")

    assert caught.value.reason == "database_locked"


def test_the_file_can_be_opened_once_the_other_process_is_gone(path: Path) -> None:
    store = make_store(path)
    with held_by_another_process(path), pytest.raises(Permanent):
        store.start()

    store.start()
    store.export(deliver(0, [event(1)]))

    assert column(store, "SELECT count(*) FROM events") == [1]
    store.stop()


def test_a_second_exporter_of_the_same_process_is_told_so(
    store: DuckDBExporter, path: Path
) -> None:
    second = make_store(path)

    with pytest.raises(Permanent, match=rf"this process \({os.getpid()}\)") as caught:
        second.start()

    assert (caught.value.reason, column(store, "SELECT 1")) == ("database_locked", [1])


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("not a database" * 1000)

    with pytest.raises(Permanent, match="not a valid DuckDB database") as caught:
        make_store(path).start()

    assert caught.value.reason == "cannot_open_database"


def test_a_folder_that_cannot_be_made_is_refused(path: Path) -> None:
    path.write_text("a file, not a folder")

    with pytest.raises(Permanent, match="cannot make the folder") as caught:
        make_store(path / "x.duckdb").start()

    assert caught.value.reason == "cannot_open_database"
