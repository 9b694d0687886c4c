"""`agentpond insights advice` lists advice; `adopt` notes it, in the file or by the service."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentpond.pipeline.core.views import ADVICE_COLUMNS

from ..exporters.found_support import cluster, made_file
from .found_files import A, Ask, B, Told, ask_of, make

ID = "ae9b5cc716eb"
Run = Callable[..., subprocess.CompletedProcess[str]]
Adopt = Callable[..., Told]
Values = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a store in which one error came in two sessions of three."""
    path = tmp_path / "a.duckdb"
    make(path, {"error_clusters": [cluster(A, cost_after_usd=0.5, turns_after=1), cluster(B, 1)]})
    return path


@pytest.fixture
def ask(store: Path) -> Ask:
    return ask_of(store)


@pytest.fixture
def adopt(inside: Run, store: Path) -> Adopt:
    """Run `adopt` on the store."""

    def run(*words: str) -> Told:
        done = inside("insights", "adopt", *words, "--db", str(store))
        return Told(done.returncode, done.stdout, done.stderr)

    return run


def since(ask: Ask) -> Any:
    return ask("insights", "advice", "--json").json[0]["adopted_at"]


def test_advice_says_what_to_write_where_and_what_it_rests_on(ask: Ask) -> None:
    told = ask("insights", "advice")

    assert told.out.splitlines() == [
        "ae9b5cc716eb  CLAUDE.md of pond (claude_code)",
        "    Look whether a file is there before you read it.",
        "    spares: cat: <path>: No such file or directory",
        "    4 errors in 2 sessions; $0.50 after it in 1 turn; last 2026-11-21 12:05",
        "    seen in: 019a9f10-2, 019a9f10-1",
        "    not adopted; 1.33 a session (of 3)",
        "Put the line into the file, then say so: agentpond insights adopt ID",
    ]


def test_json_has_the_columns_of_the_view(ask: Ask) -> None:
    told = ask("insights", "advice", "--json")

    assert [list(row) for row in told.json] == [[column.name for column in ADVICE_COLUMNS]]


@pytest.mark.parametrize("at_us", [10**18, -(10**18)])
def test_a_time_in_no_year_of_the_calendar_does_not_keep_the_list_from_being_read(
    store: Path, ask: Ask, adopt: Adopt, at_us: int
) -> None:
    with made_file(store) as db:
        db.execute(f"INSERT INTO advice_adopted VALUES ('{ID}', make_timestamp({at_us}), now())")

    shown, listed = ask("insights", "advice"), ask("insights", "advice", "--json")
    done = adopt(ID, "--undo")

    assert "adopted since a time in no year from 1 to 9999" in shown.out
    assert [row["advice_id"] for row in listed.json] == [ID]
    assert done.out == (
        f"{ID} counts as adopted no more. It did since a time in no year from 1 to 9999.\n"
    )


def test_an_agent_that_is_not_told_is_said_to_be_unknown(tmp_path: Path) -> None:
    told = [cluster(A, agent=None), cluster(B, 1, agent=None)]
    make(tmp_path / "a.duckdb", {"error_clusters": told})
    with made_file(tmp_path / "a.duckdb") as db:
        db.execute("UPDATE sessions SET agent = NULL")

    shown = ask_of(tmp_path / "a.duckdb")("insights", "advice")

    assert shown.out.splitlines()[0].endswith("of pond (unknown agent)")


def test_where_there_is_none_it_says_what_it_comes_of(tmp_path: Path) -> None:
    make(tmp_path / "a.duckdb", {})

    told = ask_of(tmp_path / "a.duckdb")("insights", "advice")

    assert told.code == 0
    assert told.out.startswith("There is no advice. It comes of errors that were in two sessions")


def test_advice_is_adopted_and_held_against_what_came_before(adopt: Adopt, ask: Ask) -> None:
    done = adopt(ID, "--on", "2026-11-21")

    assert (done.code, done.errors) == (0, "")
    assert done.out == f"{ID} counts as adopted since 2026-11-21 00:00 UTC.\n"
    assert (
        "adopted since 2026-11-21 00:00; 2.00 a session (of 1) before -> 1.00 a session (of 2) "
        "since" in ask("insights", "advice").out.replace("\n    ", " ")
    )


def test_adopting_twice_says_since_when_and_how_to_change_that(adopt: Adopt) -> None:
    adopt(ID, "--on", "2026-11-21")

    done = adopt(ID)

    assert done.code == 0
    assert done.out.replace("\n", " ") == (
        f"{ID} counts as adopted since 2026-11-21 00:00 UTC already. --on DATE changes that, "
        "--undo takes it back. "
    )


def test_another_date_takes_the_place_of_the_first(adopt: Adopt, ask: Ask) -> None:
    adopt(ID, "--on", "2026-11-21")

    adopt(ID, "--on", "2026-11-22")

    assert since(ask) == "2026-11-22T00:00:00"


def test_adopting_can_be_taken_back(adopt: Adopt, ask: Ask) -> None:
    adopt(ID, "--on", "2026-11-21")

    done = adopt(ID, "--undo")

    assert done.out == f"{ID} counts as adopted no more. It did since 2026-11-21 00:00 UTC.\n"
    assert since(ask) is None


def test_it_can_be_said_behind_advice_too(agentpond: Run, store: Path, ask: Ask) -> None:
    words = ("insights", "advice", "adopt", ID, "--on", "2026-11-21", "--db", str(store))

    done = agentpond(*words)

    assert (done.returncode, since(ask)) == (0, "2026-11-21T00:00:00")


def test_an_id_that_is_not_known_is_told_with_those_that_are(adopt: Adopt) -> None:
    done = adopt("nonsense")

    assert (done.code, done.out) == (1, "")
    assert done.errors == f"there is no advice nonsense. There is: {ID}.\n"


def test_a_date_and_taking_back_exclude_each_other(ask: Ask) -> None:
    done = ask("insights", "adopt", ID, "--undo", "--on", "2026-11-21")

    assert (done.code, done.out) == (2, "")


def test_a_store_that_is_not_there_is_not_made(inside: Run, tmp_path: Path) -> None:
    done = inside("insights", "adopt", ID, "--db", "a.duckdb")

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no file a.duckdb." in done.stderr
    assert not (tmp_path / "a.duckdb").exists()


def test_where_nobody_answers_any_more_it_is_noted_in_the_file(
    adopt: Adopt, store: Path, ask: Ask
) -> None:
    note = {"pid": os.getpid(), "url": "http://127.0.0.1:1", "token": "x"}
    store.with_name("a.duckdb.service.json").write_text(json.dumps(note))

    done = adopt(ID, "--on", "2026-11-21")

    assert (done.code, since(ask)) == (0, "2026-11-21T00:00:00")


def test_of_a_file_that_cannot_be_asked_about_it_is_told_who_holds_it(
    agentpond: Run, store: Path
) -> None:
    with made_file(store):
        done = agentpond("insights", "adopt", ID, "--db", str(store))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"is held by process {os.getpid()}" in done.stderr
    assert "It cannot be asked either" in done.stderr


@pytest.mark.usefixtures("store")
def test_the_running_service_is_asked(
    agentpond: Run,
    inside: Run,
    serve: Any,
    welcome: Any,
    values: Values,
    write_config: Callable[[Values], str],
) -> None:
    config = write_config(values)

    with serve(config) as process:
        welcome(process)
        done = agentpond("insights", "adopt", ID, "--on", "2026-11-21", "--config", config)
        unknown = inside("insights", "adopt", "nonsense", "--config", config)
        shown = inside("insights", "advice", "--config", config)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()

    assert (done.returncode, done.stderr) == (0, ""), errors
    refused = f"there is no advice nonsense. There is: {ID}.\n"
    assert (unknown.returncode, unknown.stderr) == (1, refused)
    assert "adopted since 2026-11-21 00:00" in shown.stdout
