"""Check which log records of Codex become one call."""

import pytest

from .codex_given import Row, attempt, calls, error, nothing, prompt, socket, turn, usage


def test_an_attempt_and_its_usage_are_one_call() -> None:
    (call,) = calls(attempt(10, duration_ms=9.0, request_id="req_1"), usage(130, ttft_ms=50.0))

    told = ("success", "status_code", "attempt", "request_id", "duration_ms", "ttft_ms")
    assert [call[name] for name in told] == [True, 200, 0, "req_1", 129.0, 50.0]


def test_cached_input_stays_apart_from_input() -> None:
    (call,) = calls(usage(10))

    assert (call["input_tokens"], call["cache_read_tokens"]) == (100, 900)


def test_a_call_is_named_by_the_record_of_its_usage() -> None:
    (call,) = calls(attempt(10), usage(20))

    assert call["api_call_id"] == "00000000000000000000000000000002"


def test_an_attempt_of_the_same_millisecond_belongs_to_the_usage() -> None:
    (call,) = calls(usage(10), attempt(10))

    assert call["status_code"] == 200


def test_a_failed_attempt_is_a_call_without_usage() -> None:
    failed, worked = calls(attempt(10, 429), attempt(20), usage(30))

    assert (failed["success"], failed["error_message"], failed["output_tokens"]) == (
        False,
        "http 429",
        None,
    )
    assert (worked["success"], worked["status_code"]) == (True, 200)


def test_an_error_after_a_failed_attempt_is_the_same_failure_in_better_words() -> None:
    (call,) = calls(attempt(10, 503), error(11, "unexpected status 503 Service Unavailable"))

    assert call["error_message"] == "unexpected status 503 Service Unavailable"


def test_a_stream_that_broke_is_one_failed_call() -> None:
    (call,) = calls(attempt(10), error(40))

    assert (call["success"], call["status_code"], call["error_message"]) == (
        False,
        200,
        "stream disconnected",
    )


def test_a_response_that_is_complete_twice_once_with_an_error_is_one_call() -> None:
    (call,) = calls(attempt(10), usage(40), error(41, "rate limit exceeded"))

    assert (call["success"], call["output_tokens"]) == (True, 40)
    assert call["error_message"] == "rate limit exceeded"


def test_usage_whose_attempts_were_lost_is_never_left_out() -> None:
    rows = calls(attempt(10), usage(20), usage(30), usage(40))

    assert [row["attempt"] for row in rows] == [0, None, None]
    assert sum(row["output_tokens"] for row in rows) == 120


def test_usage_after_a_failed_attempt_is_not_of_that_attempt() -> None:
    failed, worked = calls(attempt(10, 500), usage(30))

    assert (failed["status_code"], worked["status_code"]) == (500, None)


def test_an_error_whose_attempt_was_lost_is_a_failed_call() -> None:
    (call,) = calls(error(10))

    assert (call["success"], call["status_code"]) == (False, None)


def test_an_attempt_without_an_answer_neither_worked_nor_failed() -> None:
    (call,) = calls(attempt(10))

    assert (call["success"], call["duration_ms"], call["usage_source"]) == (None, None, None)


def test_the_warm_up_of_a_websocket_is_no_call() -> None:
    rows = calls(socket(10), nothing(11), socket(20), usage(30))

    assert [row["output_tokens"] for row in rows] == [40]


def test_a_response_without_tokens_over_http_is_a_call() -> None:
    (call,) = calls(attempt(10), nothing(20))

    assert (call["output_tokens"], call["usage_source"]) == (0, "logs")


def test_asking_for_the_list_of_models_is_no_call() -> None:
    rows = calls(attempt(10, session_id=None, attributes={"endpoint": "/models"}), usage(20))

    assert [row["session_id"] for row in rows] == ["one"]


def test_an_attempt_of_one_session_is_no_answer_to_another() -> None:
    rows = calls(attempt(10, session_id="a"), usage(20, session_id="b"))

    assert [(row["session_id"], row["status_code"]) for row in rows] == [("a", 200), ("b", None)]


@pytest.mark.parametrize("thread", ["guardian", "review", "title"])
def test_a_helper_thread_is_a_session_with_calls_of_its_own(thread: str) -> None:
    rows = calls(prompt(0), usage(10), prompt(5, session_id=thread), usage(15, session_id=thread))

    assert {row["session_id"]: row["output_tokens"] for row in rows} == {"one": 40, thread: 40}


def test_nested_tools_of_code_mode_are_no_calls() -> None:
    tools: list[Row] = [
        {**prompt(12), "event_type": "tool_result", "tool_call_id": name, "tool_name": "exec"}
        for name in ("exec-1", "exec-2", "call_1")
    ]

    rows = calls(prompt(0), attempt(5), usage(10), *tools)

    assert len(rows) == 1


def test_usage_of_a_compaction_counts_although_the_span_of_the_turn_lacks_it() -> None:
    rows = calls(turn(0, 100), usage(10), usage(20, 7000))

    assert sum(row["output_tokens"] for row in rows) == 7040


def test_a_total_told_as_tokens_of_tools_is_not_counted() -> None:
    (call,) = calls(usage(10, attributes={"tool_token_count": "1040"}))

    total = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    assert sum(call[name] for name in total) == 1040


def test_effort_and_service_tier_are_those_of_the_response() -> None:
    (call,) = calls(attempt(10), usage(20, effort="high", speed="priority"))

    assert (call["effort"], call["speed"]) == ("high", "priority")


def test_a_call_belongs_to_the_turn_whose_trace_its_attempt_names() -> None:
    rows = calls(
        turn(0, 100, turn_id="turn-1", trace_id="aa", span_id="b1"),
        attempt(50, trace_id="aa", turn_id="aa"),
        prompt(90, trace_id="cc", turn_id="cc"),
        usage(95),
    )

    assert [row["turn_id"] for row in rows] == ["turn-1"]
