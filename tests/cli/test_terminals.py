"""Nothing that others sent steers the terminal, whichever command shows it."""

import io
from pathlib import Path

import pyarrow as pa
import pytest

from agentpond.cli.processing import write_failures
from agentpond.cli.rows import write_table
from agentpond.cli.shown import harmless

from ..exporters.found_support import cluster, made_file, put, session
from .found_files import Ask, ask_of, finding, turn

RED, GREEN = "\x1b[31mred", "\x1b[32mgreen"


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Make a store of sessions whose ids begin with what colours a terminal."""
    with made_file(tmp_path / "a.duckdb") as db:
        put(db, "sessions", session(RED), session(GREEN, 1))
        put(db, "error_clusters", cluster(RED), cluster(GREEN, 1))
        put(db, "insights", finding(RED, 1, severity="\x1b[5m"))
        put(db, "turns", turn(RED, 1, status="stalled"))
    return ask_of(tmp_path / "a.duckdb")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("insights",), "codex [31mred"),
        (("insights", "--session", GREEN), "in session [32mgreen."),
        (("insights", "advice"), "seen in: [32mgre, [31mred"),
        (("errors", "--session", RED), "in session [31mred."),
        (("stalled",), "codex [31mred turn 1"),
        (("compare", RED, GREEN), "[32mgre"),
    ],
)
def test_an_id_that_would_colour_the_terminal_is_shown_without(
    ask: Ask, words: tuple[str, ...], shown: str
) -> None:
    told = ask(*words)

    assert (told.code, told.errors) == (0, "")
    assert shown in told.out
    assert "\x1b" not in told.out


@pytest.mark.parametrize(
    "words",
    [
        ("insights", "--session", "\x1b"),
        ("errors", "--session", "\x1b["),
        ("compare", RED, "\x1b[3"),
        ("stalled", "--since", "\x1b"),
        ("insights", "adopt", "\x1b"),
    ],
)
def test_a_refusal_that_names_such_an_id_steers_nothing(ask: Ask, words: tuple[str, ...]) -> None:
    told = ask(*words)

    assert told.code != 0
    assert told.errors != ""
    assert "\x1b" not in told.errors


def test_a_refusal_of_several_lines_keeps_its_lines() -> None:
    assert harmless("a: wrong.\n  b:\twrong\x1b.\r") == "a: wrong.\n  b: wrong. "


def test_a_table_for_people_has_what_a_cell_says_and_no_more() -> None:
    out = io.StringIO()

    write_table(pa.table({"a": ["\x1b[31mred", "two\nlines"]}), out)

    assert [line.strip() for line in out.getvalue().splitlines()[2:]] == ["[31mred", "two", "lines"]


def test_an_error_of_a_processor_steers_nothing() -> None:
    out = io.StringIO()

    write_failures(["ledger failed on a: ValueError: \x1b[31mno luck"], out)

    assert out.getvalue() == "ledger failed on a: ValueError: [31mno luck\n"
