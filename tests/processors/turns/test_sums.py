"""Check what a turn gathers: its prompt, times, calls, tokens and cost."""

import pytest

from .given import Row, answer, at, call, prompt, sessions, span, tool, turns


def test_a_prompt_begins_a_turn() -> None:
    given = sessions([prompt(1, content="Fix it.", content_length=7)])

    rows = turns(given, "session_id", "agent", "turn_id", "number", "prompt", "prompt_length")

    assert rows == [("s", "claude_code", "t1", 1, "Fix it.", 7)]


def test_turns_are_numbered_in_the_order_in_which_they_began() -> None:
    given = sessions([prompt(9, "a"), prompt(1, "z"), prompt(5, "m")])

    rows = turns(given, "number", "turn_id")

    assert rows == [(1, "z"), (2, "m"), (3, "a")]


def test_each_session_numbers_its_own_turns() -> None:
    given = sessions([prompt(1, "a"), prompt(2, "b", session_id="t"), prompt(3, "c")])

    rows = turns(given, "session_id", "number", "turn_id")

    assert rows == [("s", 1, "a"), ("s", 2, "c"), ("t", 1, "b")]


def test_the_prompt_of_the_span_stands_in_for_that_of_the_log() -> None:
    given = sessions([span(1, 9, content="From the span.")])

    rows = turns(given, "prompt")

    assert rows == [("From the span.",)]


def test_the_prompt_of_the_log_goes_before_that_of_the_span() -> None:
    given = sessions([span(1, 9, content="From the span."), prompt(2, content="From the log.")])

    rows = turns(given, "prompt")

    assert rows == [("From the log.",)]


def test_a_turn_ends_with_its_span() -> None:
    given = sessions([span(1, 9), prompt(2)], [call(30)])

    rows = turns(given, "started_at", "ended_at", "duration_ms")

    assert rows == [(at(1), at(9), 8000.0)]


def test_a_turn_without_a_span_ends_with_the_last_that_was_heard_of_it() -> None:
    given = sessions([prompt(1), answer(6)], [call(4)], [tool(2, 11.5)])

    rows = turns(given, "started_at", "ended_at", "duration_ms")

    assert rows == [(at(1), at(11.5), 10_500.0)]


def test_a_turn_is_not_stretched_by_what_is_said_of_its_cost_later() -> None:
    cost: Row = {"event_type": "turn_cost", "reported_cost_usd": 0.5}
    given = sessions([prompt(1), prompt(150, **cost)], [call(4)])

    rows = turns(given, "ended_at", "reported_cost_usd")

    assert rows == [(at(4), 0.5)]


def test_the_cost_of_a_turn_that_nothing_else_tells_of_makes_no_turn() -> None:
    given = sessions([prompt(150, "unheard-of", event_type="turn_cost", reported_cost_usd=0.5)])

    rows = turns(given, "turn_id")

    assert rows == []


def test_what_calls_are_said_to_cost_goes_before_what_the_turn_is() -> None:
    cost: Row = {"event_type": "turn_cost", "reported_cost_usd": 0.5}
    given = sessions([prompt(1), prompt(9, **cost)], [call(4, reported_cost_usd=0.25)])

    rows = turns(given, "reported_cost_usd")

    assert rows == [(0.25,)]


def test_a_turn_whose_prompt_was_lost_is_told_by_its_calls() -> None:
    given = sessions([], [call(4, "lost"), call(6, "lost")])

    rows = turns(given, "turn_id", "started_at", "api_calls", "prompt")

    assert rows == [("lost", at(4), 2, None)]


def test_calls_before_any_prompt_are_of_no_turn() -> None:
    given = sessions([prompt(5)], [call(1, None), call(6)])

    rows = turns(given, "turn_id", "api_calls")

    assert rows == [("t1", 1)]


def test_tokens_are_added_up_without_counting_those_of_reasoning_twice() -> None:
    given = sessions(
        [prompt(1)],
        [call(2, cache_read_tokens=100, reasoning_tokens=3), call(3, cache_write_tokens=20)],
    )

    rows = turns(given, "tokens", "input_tokens", "cache_read_tokens", "reasoning_tokens")

    assert rows == [(150, 20, 100, 3)]


def test_tokens_that_nothing_tells_of_are_not_zero() -> None:
    given = sessions([prompt(1)], [call(2, input_tokens=None, output_tokens=None)])

    rows = turns(given, "tokens", "input_tokens")

    assert rows == [(None, None)]


def test_a_cost_says_what_share_of_the_calls_with_usage_it_covers() -> None:
    unpriced = call(3, cost_usd=None, cost_status="unpriced")
    failed = call(4, cost_usd=None, cost_status=None, success=False)
    given = sessions([prompt(1)], [call(2), unpriced, failed])

    rows = turns(given, "cost_usd", "cost_coverage")

    assert rows == [(0.25, 0.5)]


def test_a_turn_without_a_price_costs_nobody_knows_what() -> None:
    given = sessions([prompt(1)], [call(2, cost_usd=None, cost_status="unpriced")])

    rows = turns(given, "cost_usd", "cost_coverage")

    assert rows == [(None, 0.0)]


def test_calls_and_tools_that_failed_are_its_errors() -> None:
    given = sessions(
        [prompt(1)],
        [call(2, success=False), call(3), call(4, success=None)],
        [tool(2, 3, success=False), tool(2, 3, success=True), tool(2, 3, "rejected")],
    )

    rows = turns(given, "api_calls", "tool_calls", "errors")

    assert rows == [(3, 3, 2)]


def test_a_use_of_a_tool_that_was_not_allowed_is_no_error() -> None:
    given = sessions([prompt(1)], [], [tool(2, 3, "rejected", success=False)])

    rows = turns(given, "tool_calls", "errors")

    assert rows == [(1, 0)]


CODEX: Row = {"agent": "codex"}


def test_the_errors_of_a_turn_of_codex_that_spans_alone_tell_of_are_not_known() -> None:
    given = sessions(
        [span(1, 9, **CODEX)], [call(2, **CODEX, usage_source="traces")], [tool(2, 3, **CODEX)]
    )

    rows = turns(given, "api_calls", "tool_calls", "errors")

    assert rows == [(1, 1, None)]


@pytest.mark.parametrize(
    ("told", "calls"),
    [
        ([prompt(1, **CODEX)], [call(2, **CODEX)]),
        ([span(1, 9, **CODEX)], [call(2, **CODEX, usage_source="logs")]),
        ([span(1, 9)], [call(2, usage_source="traces")]),
    ],
    ids=["prompt", "call", "claude_code"],
)
def test_what_would_tell_of_an_error_tells_that_there_was_none(
    told: list[Row], calls: list[Row]
) -> None:
    rows = turns(sessions(told, calls), "errors")

    assert rows == [(0,)]


def test_a_session_that_was_only_started_has_no_turn() -> None:
    given = sessions([prompt(1, None, event_type="session_start", **CODEX)])

    rows = turns(given, "turn_id")

    assert rows == []


def test_what_a_session_without_a_prompt_calls_is_one_turn_from_its_start() -> None:
    given = sessions([prompt(1, None, event_type="session_start", **CODEX)], [call(3, "s/1")])

    rows = turns(given, "turn_id", "started_at", "api_calls", "prompt")

    assert rows == [("s/1", at(1), 1, None)]
