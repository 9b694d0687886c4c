"""Check that calls which nobody has made yet are not counted as none."""

from dataclasses import replace

import pyarrow as pa

from .given import call, prompt, sessions, tool, turns

COUNTS = ("turn_id", "api_calls", "tool_calls", "errors", "tokens", "cost_usd")


def test_turns_of_sessions_without_api_calls_yet_do_not_count_them() -> None:
    given = replace(sessions([prompt(1)]), unmade={"api_calls": pa.array(["s"])})

    rows = turns(given, *COUNTS)

    assert rows == [("t1", None, 0, None, None, None)]


def test_turns_of_sessions_without_tool_calls_yet_do_not_count_them() -> None:
    given = replace(sessions([prompt(1)]), unmade={"tool_calls": pa.array(["s"])})

    rows = turns(given, *COUNTS)

    assert rows == [("t1", 0, None, None, None, None)]


def test_rows_of_a_maker_that_is_gone_do_not_count_any_more() -> None:
    given = sessions([prompt(1)], [call(2, input_tokens=3, cost_usd=0.5)], [tool(3, 4)])
    never = {name: pa.array(["s"]) for name in ("api_calls", "tool_calls")}

    rows = turns(replace(given, unmade=never), *COUNTS)

    assert rows == [("t1", None, None, None, None, None)]


def test_turns_of_other_sessions_are_counted() -> None:
    given = sessions([prompt(1), prompt(1, session_id="r")])

    rows = turns(replace(given, unmade={"api_calls": pa.array(["r"])}), "session_id", "api_calls")

    assert sorted(rows, key=str) == [("r", None), ("s", 0)]
