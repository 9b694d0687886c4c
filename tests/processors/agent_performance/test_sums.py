"""Check what is counted and added up for a model, and the shares of it."""

from typing import Any

import pytest

from .given import (
    Row,
    call,
    failed_call,
    only,
    performance,
    point,
    rejected,
    tables,
    told,
    tool,
    turn,
)


def made(
    *columns: str,
    calls: tuple[Row, ...] = (),
    tools: tuple[Row, ...] = (),
    turns: tuple[Row, ...] = (),
) -> dict[str, Any]:
    """Give some columns of the one model there is."""
    return only(performance(tables(calls, tools, turns)), *columns)


def test_tokens_and_cost_of_a_models_calls_are_added_up() -> None:
    calls = (
        call(input_tokens=1, cache_read_tokens=20, cache_write_tokens=300, output_tokens=4000),
        call(input_tokens=5, output_tokens=1, cost_usd=0.5),
    )

    row = made("tokens", "input_tokens", "output_tokens", "cost_usd", calls=calls)

    assert row == {"tokens": 4327, "input_tokens": 6, "output_tokens": 4001, "cost_usd": 0.75}


def test_usage_that_metrics_tell_of_is_added_up_and_its_calls_are_not_counted() -> None:
    names = ("tokens", "cost_usd", "api_calls", "api_errors", "error_rate", "api_call_ms")

    row = made(*names, calls=(point(), point(query_source="x")))

    untold = dict.fromkeys(("api_calls", "api_errors", "error_rate", "api_call_ms"))
    assert row == {"tokens": 30, "cost_usd": 0.5, **untold}


def test_metrics_tell_of_no_turns_and_no_tools() -> None:
    row = made("turns", "turn_ms", "tool_calls", "tool_errors", "edits", calls=(point(),))

    assert set(row.values()) == {None}


def test_tokens_that_nothing_tells_are_not_told() -> None:
    row = made("tokens", "cost_usd", "cost_coverage", "api_errors", calls=(failed_call(),))

    assert row == {"tokens": None, "cost_usd": None, "cost_coverage": None, "api_errors": 1}


def test_the_share_of_calls_with_a_price_is_told() -> None:
    calls = (call(), call(cost_usd=None, cost_status="unpriced"), failed_call())

    assert made("cost_coverage", calls=calls) == {"cost_coverage": 0.5}


def test_the_cost_of_a_turn_is_all_cost_by_turns() -> None:
    row = made("turns", "cost_per_turn_usd", calls=(call(),), turns=(turn("t1"), turn("t2")))

    assert row == {"turns": 2, "cost_per_turn_usd": 0.125}


def test_without_turns_or_cost_there_is_no_cost_of_a_turn() -> None:
    without = made("cost_per_turn_usd", calls=(call(),), tools=(tool(),))
    free = made("cost_per_turn_usd", calls=(call(cost_usd=None),), turns=(turn(),))

    assert (without, free) == ({"cost_per_turn_usd": None}, {"cost_per_turn_usd": None})


def test_the_success_rate_leaves_out_uses_of_which_no_success_is_told() -> None:
    tools = (*(tool() for _ in range(3)), tool(success=False), tool(success=None), rejected())

    row = made("tool_calls", "tool_errors", "tool_success_rate", tools=tools)

    assert row == {"tool_calls": 6, "tool_errors": 1, "tool_success_rate": 0.75}


def test_the_error_rate_is_of_calls_and_tools_together() -> None:
    tools = (tool(success=False), rejected(success=False), tool(), tool())

    row = made("api_errors", "error_rate", calls=(*[call()] * 3, failed_call()), tools=tools)

    assert row == {"api_errors": 1, "error_rate": 0.25}


def test_what_is_left_of_a_turns_tokens_is_no_call_that_could_fail() -> None:
    row = made("error_rate", "api_calls", calls=(call(api_call_id="t1/rest"),), turns=(turn(),))

    assert row == {"error_rate": None, "api_calls": 0}


def test_edits_that_were_not_allowed_are_a_share_of_all() -> None:
    tools = (tool(tool_name="Edit"), rejected(), rejected(tool_name="Bash"), tool(), rejected())

    row = made("edits", "edits_rejected", "rejected_share", tools=tools)

    assert row == {"edits": 3, "edits_rejected": 2, "rejected_share": pytest.approx(2 / 3)}


def test_without_edits_there_is_no_share() -> None:
    row = made("edits", "edits_rejected", "rejected_share", tools=(tool(),))

    assert row == {"edits": 0, "edits_rejected": 0, "rejected_share": None}


def test_spans_of_codex_alone_tell_of_no_failures() -> None:
    names = ("api_errors", "tool_errors", "tool_success_rate", "error_rate", "edits_rejected")
    tools = [tool(agent="codex", success=None), tool(agent="codex", success=False)]

    rows = performance(
        tables([call(agent="codex")], tools), told({"agent": "codex", "signal": "traces"})
    )

    untold = {**dict.fromkeys(names), "break_fix_loops": None}
    assert only(rows, *untold, "tool_calls") == {**untold, "tool_calls": 2}


def test_logs_of_codex_tell_of_failures() -> None:
    tools = [tool(agent="codex"), tool(agent="codex", success=False)]

    rows = performance(tables([call(agent="codex")], tools), told({"agent": "codex"}))

    names = ("api_errors", "tool_errors", "tool_success_rate")
    assert only(rows, *names) == {"api_errors": 0, "tool_errors": 1, "tool_success_rate": 0.5}
