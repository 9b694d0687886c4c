"""Check which model turns, uses of tools and calls belong to."""

from .given import Row, call, failed_call, performance, point, tables, tool, turn, values

COUNTS = ("model", "api_calls", "turns", "tool_calls")


def counts(calls: list[Row], tools: list[Row], turns: list[Row]) -> list[tuple[object, ...]]:
    return values(performance(tables(calls, tools, turns)), *COUNTS)


def test_a_turn_and_its_tools_belong_to_the_model_that_put_out_most_in_it() -> None:
    calls = [call("small", output_tokens=9), call("large", output_tokens=5), call("large")]

    rows = counts(calls, [tool()], [turn()])

    assert rows == [("large", 2, 1, 1), ("small", 1, 0, 0)]


def test_each_turn_has_a_model_of_its_own() -> None:
    calls = [call("large", "t1"), call("small", "t1", output_tokens=1), call("small", "t2")]

    rows = counts(calls, [tool("t1"), tool("t2"), tool("t2")], [turn("t1"), turn("t2")])

    assert rows == [("large", 1, 1, 1), ("small", 2, 1, 2)]


def test_of_models_that_put_out_as_much_that_of_more_calls_has_the_turn() -> None:
    calls = [call("a", output_tokens=4), call("b", output_tokens=2), call("b", output_tokens=2)]

    rows = counts(calls, [], [turn()])

    assert rows == [("a", 1, 0, 0), ("b", 2, 1, 0)]


def test_of_models_that_are_alike_that_whose_name_comes_first_has_the_turn() -> None:
    rows = counts([call("b"), call("a")], [], [turn()])

    assert rows == [("a", 1, 1, 0), ("b", 1, 0, 0)]


def test_a_turn_without_calls_belongs_to_the_model_that_put_out_most_in_the_session() -> None:
    calls = [call("large", "t1"), call("small", "t2"), call("large", "t3")]

    rows = counts(calls, [tool("t4"), tool(None)], [turn("t4")])

    assert rows == [("large", 2, 1, 2), ("small", 1, 0, 0)]


def test_what_is_left_of_a_turns_tokens_counts_as_output_and_not_as_a_call() -> None:
    calls = [call("large"), call("small", output_tokens=100, api_call_id="t1/rest")]

    rows = counts(calls, [], [turn()])

    assert rows == [("large", 1, 0, 0), ("small", 0, 1, 0)]


def test_a_model_whose_calls_all_failed_has_a_row() -> None:
    rows = counts([call("large"), failed_call("small")], [], [turn()])

    assert rows == [("large", 1, 1, 0), ("small", 1, 0, 0)]


def test_calls_whose_model_is_not_told_are_those_of_an_unknown_one() -> None:
    rows = counts([call("large"), call(None, "t2")], [tool("t2")], [turn("t1"), turn("t2")])

    assert rows == [("large", 1, 1, 0), ("unknown", 1, 1, 1)]


def test_a_session_that_called_no_model_has_a_row_of_an_unknown_one() -> None:
    rows = counts([], [tool(), tool(None)], [turn()])

    assert rows == [("unknown", 0, 1, 2)]


def test_models_by_metrics_alone_have_the_turns_that_are_told_otherwise() -> None:
    rows = counts([point("large"), point("small", output_tokens=1)], [tool()], [turn()])

    assert rows == [("large", None, 1, 1), ("small", None, 0, 0)]


def test_sessions_have_rows_of_their_own() -> None:
    calls = [call(), call(session_id="r", agent="codex")]

    rows = performance(tables(calls, [tool(session_id="r")], [turn(session_id="r")]))

    told = values(rows, "session_id", "agent", "turns", "tool_calls")
    assert told == [("r", "codex", 1, 1), ("s", "claude_code", 0, 0)]


def test_the_provider_is_that_of_the_calls() -> None:
    calls = [call(provider=None), call(provider="anthropic"), call("gpt", provider="openai")]

    rows = performance(tables(calls))

    assert values(rows, "model", "provider") == [("gpt", "openai"), ("large", "anthropic")]


def test_of_nothing_nothing_is_made() -> None:
    assert performance(tables()) == []
