"""Check to which model break/fix loops are counted."""

from typing import Any

from agentpond.pipeline.core.batch import Batch

from .given import Made, Row, call, performance, tables, told, tool, values

ROUND = ("Edit", "Bash")


def rounds(*turn_ids: str) -> tuple[Made, Batch]:
    """Make edits and failing tests in turn, one of each in a turn; `large` leads but in `t2`."""
    tools: list[Row] = [
        tool(turn_id, name, success=name == "Edit") for turn_id in turn_ids for name in ROUND
    ]
    calls = [call("small" if turn_id == "t2" else "large", turn_id) for turn_id in turn_ids]
    results = [_result(n, '{"command":"pytest"}') for n in range(1, len(tools), 2)]
    return tables(calls, tools), told(*results)


def loops(made: tuple[Made, Batch], **options: Any) -> list[tuple[Any, ...]]:
    return values(performance(*made, **options), "model", "break_fix_loops")


def test_a_loop_belongs_to_the_model_of_the_turn_it_begins_in() -> None:
    given = rounds("t1", "t2", "t3")

    assert loops(given) == [("large", 1), ("small", 0)]


def test_two_failing_runs_are_no_loop() -> None:
    assert loops(rounds("t1", "t3")) == [("large", 0)]


def test_how_many_failing_runs_make_a_loop_can_be_set() -> None:
    assert loops(rounds("t1", "t3"), loop_failures=2) == [("large", 1)]


def test_where_no_input_of_a_tool_is_told_loops_are_not_told() -> None:
    made, _ = rounds("t1", "t3", "t4")

    assert loops((made, told())) == [("large", None)]


def test_a_session_that_used_no_tools_has_no_loops() -> None:
    assert loops((tables([call()]), told({"event_type": "user_prompt"}))) == [("large", 0)]


def _result(number: int, tool_input: str) -> Row:
    kind = {"event_type": "tool_result", "tool_call_id": f"u{number}"}
    return {**kind, "tool_input": tool_input}
