"""`agentpond compare` shows two sessions side by side."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agentpond.cli.compare import MEASURES, difference, ratio

from ..exporters.support import NOON
from .found_files import A, Ask, B, C, ask_of, finding, make

ONE: dict[str, Any] = {"turns": 5, "cost_usd": 1.25, "input_tokens": 100, "cache_read_tokens": 300}
OTHER: dict[str, Any] = {"turns": 10, "cost_usd": 5.0, "input_tokens": 100, "cache_read_tokens": 0}


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Make a store in which two sessions can be compared, and of a third nothing is known."""
    path = tmp_path / "a.duckdb"
    rate = {"agent": "codex", "model": "gpt-5", "api_calls": 10, "tool_calls": 10}
    uses = [(A, "1", "Bash"), (A, "2", "Bash"), (A, "3", "Read"), (B, "4", "Read")]
    make(
        path,
        {
            "agent_performance": [
                {"session_id": A, **rate, "api_errors": 1, "tool_errors": 1, "turn_ms": [1.0, 3.0]},
                {"session_id": B, **rate, "api_errors": 2, "tool_errors": 4},
            ],
            "tool_calls": [
                {"session_id": of, "tool_call_id": each, "tool_name": name}
                for of, each, name in uses
            ],
            "insights": [finding(A, 1), finding(A, 2), finding(B, 3, kind="stalled_turn")],
        },
    )
    with duckdb.connect(str(path)) as db:
        for of, told in ((A, ONE), (B, OTHER)):
            for name, value in told.items():
                db.execute(f"UPDATE sessions SET {name} = ? WHERE session_id = ?", [value, of])
    return ask_of(path)


def line(out: str, label: str) -> list[str]:
    """Give the cells of a line of the table."""
    (found,) = [each for each in out.splitlines() if each.startswith(label)]
    return [cell.strip() for cell in found.split("│")[1:]]


def test_what_is_a_number_has_its_difference_and_ratio(ask: Ask) -> None:
    told = ask("compare", A, B)

    assert line(told.out, "turns") == ["5", "10", "+5 (x2.00)"]
    assert line(told.out, "cost  ") == ["$1.25", "$5.00", "+$3.75 (x4.00)"]
    assert line(told.out, "cost per turn") == ["$0.25", "$0.50", "+$0.25 (x2.00)"]


def test_shares_differ_in_points(ask: Ask) -> None:
    told = ask("compare", A, B)

    assert line(told.out, "cache share") == ["75%", "0%", "-75.0 points"]
    assert line(told.out, "calls that failed") == ["10%", "30%", "+20.0 points"]


def test_findings_and_tools_are_counted_by_kind(ask: Ask) -> None:
    told = ask("compare", A, B)

    assert line(told.out, "findings") == [
        "2 break_fix_loop",
        "1 stalled_turn",
        "-2 break_fix_loop, +1 stalled_turn",
    ]
    assert line(told.out, "tools  ") == ["2 Bash, 1 Read", "1 Read", "-2 Bash"]


def test_what_is_as_much_is_the_same(ask: Ask) -> None:
    told = ask("compare", A, B)

    assert line(told.out, "input tokens") == ["100", "100", "same"]


def test_what_only_one_tells_has_no_difference(ask: Ask) -> None:
    told = ask("compare", A, B)

    assert line(told.out, "turn, median") == ["2 ms", "", ""]


def test_what_neither_tells_is_left_out(ask: Ask) -> None:
    told = ask("compare", A, B)

    assert "edits rejected" not in told.out


def test_json_has_both_with_all_keys_and_how_far_they_are_apart(ask: Ask) -> None:
    told = ask("compare", A, B, "--json").json

    keys = {measure.key for measure in MEASURES}
    assert list(told) == ["first", "second", "difference", "ratio"]
    assert set(told["first"]) == set(told["second"]) == {"session_id", *keys}
    assert (told["first"]["session_id"], told["second"]["session_id"]) == (A, B)
    assert (told["difference"]["turns"], told["ratio"]["turns"]) == (5, 2.0)
    assert told["difference"]["insights"] == {"break_fix_loop": -2, "stalled_turn": 1}
    assert told["first"]["rejected_share"] is None


def test_json_has_the_same_keys_of_differences_whatever_is_told(ask: Ask) -> None:
    one, other = (ask("compare", *names, "--json").json for names in ((A, B), (A, C)))

    assert one["difference"].keys() == other["difference"].keys()
    assert one["ratio"].keys() == other["ratio"].keys()


def test_a_session_of_which_nothing_was_made_is_told_so(tmp_path: Path, ask: Ask) -> None:
    change = ("late", "codex", 1, 1, NOON + timedelta(days=1))
    with duckdb.connect(str(tmp_path / "a.duckdb")) as db:
        db.execute(
            "INSERT INTO session_changes (session_id, agent, number, change, last_received_at, "
            "events) VALUES (?, ?, ?, ?, ?, 1)",
            change,
        )

    told = ask("compare", A, "late")

    assert (told.code, told.out) == (1, "")
    assert told.errors == ("nothing was made of session late yet. Make it now: agentpond process\n")


def test_nothing_times_anything_is_no_ratio() -> None:
    assert (ratio(0, 5), difference(0, 5)) == (None, 5)
