"""Check that what nobody has made yet is not told, and that its old rows do not count."""

from typing import Any

import pytest

from .given import call, only, performance, tables, tool, turn

OF_CALLS = ("api_calls", "api_errors", "tokens", "cost_usd", "api_call_p50_ms", "api_call_ms")
OF_TOOLS = ("tool_calls", "tool_errors", "tool_success_rate", "edits", "edits_rejected")
MORE_OF_TOOLS = ("rejected_share", "break_fix_loops", "tool_call_p50_ms", "tool_call_ms")
OF_TURNS = ("turns", "turn_p50_ms", "turn_ms")
OF_ALL = ("error_rate", "cost_per_turn_usd")


def untold(row: dict[str, Any]) -> set[str]:
    return {name for name, value in row.items() if value is None}


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("api_calls", {*OF_CALLS, *OF_ALL}),
        ("tool_calls", {*OF_TOOLS, *MORE_OF_TOOLS, "error_rate"}),
        ("turns", {*OF_TURNS, "cost_per_turn_usd"}),
    ],
)
def test_what_is_not_made_yet_is_not_told(table: str, names: set[str]) -> None:
    given = tables(
        [call(duration_ms=1.0)],
        [tool(tool_name="Edit", duration_ms=1.0, mcp_server="")],
        [turn(duration_ms=1.0)],
    )
    columns = (*OF_CALLS, *OF_TOOLS, *MORE_OF_TOOLS, *OF_TURNS, *OF_ALL)

    rows = performance(given, unmade={table: ["s"]})

    # Nothing tells what tools were given.
    assert untold(only(rows, *columns)) == names | {"break_fix_loops"}


def test_without_api_calls_yet_all_else_is_of_an_unknown_model() -> None:
    rows = performance(tables([call()], [tool()], [turn()]), unmade={"api_calls": ["s"]})

    assert only(rows, "model", "turns", "tool_calls") == {
        "model": "unknown",
        "turns": 1,
        "tool_calls": 1,
    }


def test_what_is_made_of_other_sessions_is_told() -> None:
    given = tables([call(), call(session_id="r")])

    rows = performance(given, unmade={"turns": ["r"]})

    assert [(row["session_id"], row["turns"]) for row in rows] == [("r", None), ("s", 0)]


def test_a_session_of_which_nothing_is_made_yet_has_no_row() -> None:
    never = {name: ["s"] for name in ("api_calls", "tool_calls", "turns")}

    assert performance(tables([call()], [tool()], [turn()]), unmade=never) == []
