"""Check that each call is one row, and what each signal adds to it."""

from .made import NO_USAGE, at, calls_of, log, point, prompt, span


def test_a_log_and_a_span_of_one_request_are_one_call() -> None:
    told = [log(request_id="req_1"), span(request_id="req_1")]

    rows = calls_of(*told)

    assert [(row["api_call_id"], row["told_by"]) for row in rows] == [("req_1", ["logs", "traces"])]


def test_the_same_request_id_in_two_sessions_is_two_calls() -> None:
    told = [log(request_id="req_1"), log(request_id="req_1", session_id="two")]

    rows = calls_of(*told)

    assert [row["session_id"] for row in rows] == ["one", "two"]


def test_a_field_is_the_logs_where_they_tell_it() -> None:
    told = [
        log(request_id="req_1", duration_ms=310.0),
        span(request_id="req_1", duration_ms=2046.0),
    ]

    rows = calls_of(*told)

    assert [row["duration_ms"] for row in rows] == [310.0]


def test_a_field_that_logs_do_not_tell_is_the_spans() -> None:
    told = [
        log(request_id="req_1"),
        span(request_id="req_1", ttft_ms=208.0, stop_reason="end_turn", subagent_id="a1"),
    ]

    rows = calls_of(*told)

    assert [(row["ttft_ms"], row["stop_reason"], row["subagent_id"]) for row in rows] == [
        (208.0, "end_turn", "a1")
    ]


def test_tokens_are_all_from_one_teller() -> None:
    told = [
        log(request_id="req_1", cache_read_tokens=None),
        span(request_id="req_1", cache_read_tokens=7),
    ]

    rows = calls_of(*told)

    assert [(row["usage_source"], row["cache_read_tokens"]) for row in rows] == [("logs", None)]


def test_logs_without_tokens_leave_them_to_the_span() -> None:
    told = [log(request_id="req_1", **NO_USAGE), span(request_id="req_1")]

    rows = calls_of(*told)

    assert [(row["usage_source"], row["output_tokens"]) for row in rows] == [("traces", 58)]


def test_a_transcript_tells_what_nothing_else_does() -> None:
    told = [log(request_id="req_1", source="transcript", signal=None, reported_cost_usd=None)]

    rows = calls_of(*told)

    assert [(row["usage_source"], row["told_by"]) for row in rows] == [
        ("transcript", ["transcript"])
    ]


def test_a_transcript_of_a_call_that_a_span_tells_adds_no_tokens() -> None:
    told = [
        span(request_id="req_1"),
        log(request_id="req_1", source="transcript", signal=None, output_tokens=1),
    ]

    rows = calls_of(*told)

    assert [(row["output_tokens"], row["told_by"]) for row in rows] == [
        (58, ["traces", "transcript"])
    ]


def test_a_record_sent_again_under_another_id_is_the_same_call() -> None:
    told = [log(request_id="req_1"), log(3, request_id="req_1", output_tokens=60)]

    rows = calls_of(*told)

    assert [row["output_tokens"] for row in rows] == [60]


def test_a_call_is_over_when_its_span_ends() -> None:
    rows = calls_of(span(-400, until=25, request_id="req_1"))

    assert [row["time"] for row in rows] == [at(25)]


def test_a_call_belongs_to_the_turn_that_had_begun_last() -> None:
    told = [prompt(-20, "first"), prompt(-10, "second"), log(request_id="req_1")]

    rows = calls_of(*told)

    assert [row["turn_id"] for row in rows] == ["second"]


def test_what_ended_without_an_error_worked() -> None:
    rows = calls_of(span(request_id="req_1", success=None, agent="my-agent"))

    assert [row["success"] for row in rows] == [True]


def test_an_error_is_a_call_that_failed_and_has_no_usage() -> None:
    error = {"event_type": "api_error", "status_code": 400, "error_message": "No.", "attempt": 1}
    failed = {"success": False, "status_code": 400, "error_message": "No.", "attempt": 1}
    told = [
        log(request_id="req_1", **NO_USAGE | error),
        span(request_id="req_1", **NO_USAGE | failed),
    ]

    rows = calls_of(*told)

    assert [
        (row["success"], row["status_code"], row["error_message"], row["usage_source"])
        for row in rows
    ] == [(False, 400, "No.", None)]


def test_an_error_after_three_attempts_is_three_rows() -> None:
    error = {"event_type": "api_error", "status_code": 529, "attempt": 3}

    rows = calls_of(log(request_id="req_1", **NO_USAGE | error))

    assert [(row["api_call_id"], row["attempt"], row["status_code"]) for row in rows] == [
        ("req_1", 3, 529),
        ("req_1/attempt-1", 1, None),
        ("req_1/attempt-2", 2, None),
    ]


def test_attempts_before_the_one_that_worked_cost_nothing() -> None:
    told = [log(request_id="req_1", reported_cost_usd=0.1), span(request_id="req_1", attempt=2)]

    rows = calls_of(*told)

    assert [(row["success"], row["reported_cost_usd"], row["cost_status"]) for row in rows][1:] == [
        (False, None, None)
    ]


def test_earlier_attempts_are_told_by_who_counts_them() -> None:
    told = [log(request_id="req_1"), span(request_id="req_1", attempt=2)]

    rows = calls_of(*told)

    assert [row["told_by"] for row in rows] == [["logs", "traces"], ["traces"]]


def test_attempts_without_bound_are_not_believed() -> None:
    rows = calls_of(span(request_id="req_1", attempt=2_000_000_000))

    assert len(rows) == 101


def test_calls_of_helpers_count_like_any_other() -> None:
    told = [
        log(1, request_id="req_1", query_source="repl_main_thread"),
        log(2, request_id="req_2", query_source="generate_session_title"),
        log(3, request_id="req_3", query_source="compact"),
    ]

    rows = calls_of(*told, point(174))

    assert [(row["query_source"], row["output_tokens"]) for row in rows] == [
        ("repl_main_thread", 58),
        ("generate_session_title", 58),
        ("compact", 58),
    ]


def test_what_an_agent_says_of_turns_and_helpers_is_no_call() -> None:
    told = [
        log(request_id="req_1"),
        log(request_id="req_1", event_type="assistant_response"),
        log(event_type="subagent"),
        log(event_type="turn_cost"),
    ]

    rows = calls_of(*told)

    assert [row["api_call_id"] for row in rows] == ["req_1"]


def test_attempts_that_failed_stand_in_order_in_the_time_of_their_call() -> None:
    rows = calls_of(span(-300, 0, request_id="req_1", attempt=3))

    assert {row["attempt"]: row["time"] for row in rows} == {1: at(-200), 2: at(-100), 3: at(0)}


def test_attempts_stand_before_the_last_one_where_nobody_tells_when_the_first_began() -> None:
    error = {"event_type": "api_error", "attempt": 3, "duration_ms": 30.0}

    rows = calls_of(log(request_id="req_1", **NO_USAGE | error))

    assert {row["attempt"]: row["time"] for row in rows} == {1: at(-32), 2: at(-31), 3: at(0)}


def test_a_refusal_is_why_the_model_stopped() -> None:
    refusal = log(-38, request_id="req_1", event_type="api_refusal", **NO_USAGE)

    rows = calls_of(refusal, log(request_id="req_1"))

    assert [(row["stop_reason"], row["success"], row["time"]) for row in rows] == [
        ("refusal", True, at(0))
    ]


def test_a_refusal_without_a_request_is_no_call() -> None:
    rows = calls_of(log(event_type="api_refusal", **NO_USAGE))

    assert rows == []
