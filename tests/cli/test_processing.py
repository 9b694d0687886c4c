"""`agentpond process` makes the tables of sessions, in the file or through the service."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .sending import send, wait_for_events

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]
Values = dict[str, Any]
Write = Callable[[Values], str]
Fill = Callable[..., None]

MADE = ("api_calls", "tool_calls", "turns", "sessions")
CLAUDE = "claude_code/tools/http-protobuf"
CODEX = "codex/fix_bug_tools/http-protobuf"


def dump(store: Path) -> dict[str, list[Any]]:
    """Write down all rows of the made tables."""
    with duckdb.connect(str(store), read_only=True) as connection:
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            for name in MADE
        }


def counts(store: Path) -> dict[str, int]:
    return {name: len(rows) for name, rows in dump(store).items()}


def test_a_file_is_processed_where_no_service_runs(
    agentpond: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CLAUDE, CODEX)

    done = agentpond("process", "--config", write_config(with_sessions))

    assert (done.returncode, done.stderr) == (0, "")
    names = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert sorted(names) == ["ledger", "sessions", "tool_calls", "turns"]
    assert all(count > 0 for count in counts(tmp_path / "a.duckdb").values())


def test_processing_again_finds_nothing_due(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill
) -> None:
    fill(CLAUDE)
    config = write_config(with_sessions)
    inside("process", "--config", config)

    done = inside("process", "--config", config)

    assert sorted(done.stdout.splitlines()) == [
        "ledger: nothing was due",
        "sessions: nothing was due",
        "tool_calls: nothing was due",
        "turns: nothing was due",
    ]


def test_processing_everything_again_changes_nothing(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CLAUDE, CODEX)
    config = write_config(with_sessions)
    inside("process", "--config", config)
    before = dump(tmp_path / "a.duckdb")

    done = inside("process", "--all", "--config", config)

    assert done.returncode == 0, done.stderr
    assert "nothing was due" not in done.stdout
    assert dump(tmp_path / "a.duckdb") == before


def test_one_processor_can_be_asked_for(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CLAUDE)

    done = inside("process", "--processor", "ledger", "--config", write_config(with_sessions))

    assert re.fullmatch(r"ledger: \d+ sessions, \d+ rows\n", done.stdout)
    made = counts(tmp_path / "a.duckdb")
    assert {name for name, count in made.items() if count} == {"api_calls"}


def test_another_file_can_be_put_in_the_place_of_the_stores(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CLAUDE)
    (tmp_path / "a.duckdb").rename(tmp_path / "b.duckdb")

    done = inside("process", "--db", "b.duckdb", "--config", write_config(with_sessions))

    assert done.returncode == 0, done.stderr
    assert counts(tmp_path / "b.duckdb")["sessions"] > 0
    assert not (tmp_path / "a.duckdb").exists()


def test_a_session_that_is_not_known_is_told_so(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill
) -> None:
    fill(CLAUDE)

    done = inside("process", "--session", "none", "--config", write_config(with_sessions))

    assert (done.returncode, done.stdout) == (1, "")
    assert "the store knows no session none" in done.stderr


def test_a_processor_that_is_not_known_is_told_so(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill
) -> None:
    fill(CLAUDE)

    done = inside("process", "--processor", "leger", "--config", write_config(with_sessions))

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no session-scope processor leger. Known: " in done.stderr


def test_a_store_that_is_not_there_is_not_made(
    inside: Run, with_sessions: Values, write_config: Write, tmp_path: Path
) -> None:
    done = inside("process", "--config", write_config(with_sessions))

    assert done.returncode == 1
    assert f"there is no file {tmp_path / 'a.duckdb'}" in done.stderr
    assert not (tmp_path / "a.duckdb").exists()


def test_a_configuration_without_such_processors_is_told_what_to_add(
    inside: Run, values: Values, write_config: Write, fill: Fill
) -> None:
    fill(CLAUDE)

    done = inside("process", "--config", write_config(values))

    assert done.returncode == 2
    assert "processors: none of them makes tables in `duckdb`. Add `ledger`" in done.stderr


def test_the_running_service_is_asked(
    agentpond: Run,
    inside: Run,
    serve: Any,
    welcome: Any,
    with_sessions: Values,
    write_config: Write,
) -> None:
    # The service itself is not to come first.
    for name in ("ledger", "tool_calls", "turns", "sessions"):
        with_sessions["processors"][name] = {"every": "1h", "settle": "1h"}
    config = write_config(with_sessions)

    with serve(config) as process:
        send(welcome(process), CLAUDE)
        wait_for_events(inside, config, CLAUDE)
        done = agentpond("process", "--all", "--config", config)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()

    assert (done.returncode, done.stderr) == (0, ""), errors
    assert "ledger: 1 sessions, " in done.stdout
    assert counts(Path(with_sessions["exporters"]["duckdb"]["path"]))["api_calls"] > 0


PLUGIN = '''
import threading

import pyarrow as pa
from agentpond import Cadence, Factory, Kind, Need, Table
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.session.cadence import SessionConfig


class Config(SessionConfig):
    """Do no good."""


class Plugin:
    scope = "session"
    version = "1"
    cadence = Cadence(5, 2)
    needs = (Need(EVENTS, ("session_id",)),)
    tables = (Table("none", pa.schema([("session_id", pa.string())]), ("session_id",)),)

    def process(self, sessions):
        {body}


factory = Factory(Kind.PROCESSOR, "plugin", Config, lambda *_: Plugin())
'''
FAILS = 'raise ValueError("no luck")'
HANGS = 'print("hanging", flush=True); threading.Event().wait()'


@pytest.fixture
def plugin(
    values: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> Callable[..., subprocess.Popen[str]]:
    """Run `process` with a processor of another package, which does what it is told."""

    def run(body: str, **options: Any) -> subprocess.Popen[str]:
        fill(CLAUDE)
        (tmp_path / "pond_plugin.py").write_text(PLUGIN.replace("{body}", body))
        information = tmp_path / "pond_plugin-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: pond-plugin\nVersion: 1.0\n"
        )
        (information / "entry_points.txt").write_text(
            "[agentpond.components]\nplugin = pond_plugin:factory\n"
        )
        values["processors"] = {"plugin": None}
        values["service"]["pipelines"]["agents"]["processors"] = ["plugin"]
        command = [sys.executable, "-m", "agentpond", "process", "-c", write_config(values)]
        environment = {"PYTHONPATH": str(tmp_path), "TERM": "xterm"}
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, text=True, env=environment, **{**piped, **options})

    return run


def test_sessions_that_a_processor_failed_on_are_named_with_the_error(
    plugin: Callable[..., subprocess.Popen[str]],
) -> None:
    with plugin(FAILS) as process:
        out, errors = process.communicate()

    assert process.returncode == 1
    assert re.fullmatch(r"plugin: (\d+) sessions, 0 rows, \1 failed\n", out)
    assert re.search(r"^plugin failed on [0-9a-f-]+: ValueError: no luck$", errors, re.MULTILINE)


def test_ctrl_c_leaves_the_file_in_order(
    plugin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with plugin(HANGS) as process:
        assert process.stdout is not None
        began = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert began == "hanging\n"
    assert process.returncode == 1
    assert errors == "interrupted; what was done until now is kept.\n"
    assert not (tmp_path / "a.duckdb.wal").exists()


def test_a_terminal_is_shown_how_far_it_is(
    plugin: Callable[..., subprocess.Popen[str]],
) -> None:
    terminal, end = pty.openpty()

    with plugin("return []", stderr=end) as process:
        os.close(end)
        out, _ = process.communicate()
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)

    assert re.fullmatch(r"plugin: \d+ sessions, 0 rows\n", out)
    assert "plugin" in shown


def test_a_file_made_with_other_options_is_not_made_again_by_the_default(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill
) -> None:
    fill(CLAUDE)
    with_sessions["processors"]["sessions"] = {"idle_after": "10m"}
    inside("process", "--config", write_config(with_sessions))

    done = inside("process", "--db", "a.duckdb")

    assert done.returncode == 1
    assert "sessions made this file's tables with options" in done.stderr
