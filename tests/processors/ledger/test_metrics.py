"""Check what metrics count for where nothing else tells of a session's usage."""

from typing import Any

import pytest

from .made import NO_USAGE, USAGE, Row, calls_of, log, point, span


def genai(value: float, kind: str, **columns: Any) -> Row:
    told = {"event_name": "gen_ai.client.token.usage", "agent": "my-agent", "query_source": None}
    return point(value, attributes={"gen_ai.token.type": kind}, **{**told, **columns})


def tokens(*rows: Row) -> list[int | None]:
    return [row["output_tokens"] for row in calls_of(*rows)]


def test_delta_points_add_up() -> None:
    told = [point(10, 0), point(5, 1000, since=0)]

    assert tokens(*told) == [15]


def test_a_cumulative_series_counts_with_its_greatest_value() -> None:
    told = [point(10, 0, temporality="cumulative"), point(15, 1000, temporality="cumulative")]

    assert tokens(*told) == [15]


def test_a_resumed_session_counts_again_from_nothing() -> None:
    told = [
        point(10, 0, temporality="cumulative"),
        point(15, 1000, temporality="cumulative"),
        point(4, 9000, since=8000, temporality="cumulative"),
        point(7, 10_000, since=8000, temporality="cumulative"),
    ]

    assert tokens(*told) == [22]


def test_processes_side_by_side_count_each_for_itself() -> None:
    told = [
        point(10, 0, since=-1000, temporality="cumulative"),
        point(2, 10, since=-900, temporality="cumulative"),
        point(20, 1000, since=-1000, temporality="cumulative"),
        point(3, 1010, since=-900, temporality="cumulative"),
    ]

    assert tokens(*told) == [23]


def test_a_session_may_go_over_to_delta() -> None:
    told = [point(15, 0, temporality="cumulative"), point(4, 9000, since=8000)]

    assert tokens(*told) == [19]


def test_series_of_other_attributes_count_each_for_itself() -> None:
    told = [
        point(10, temporality="cumulative", effort="low"),
        point(3, temporality="cumulative", effort="high"),
        point(2, temporality="cumulative", skill="hello"),
    ]

    assert tokens(*told) == [15]


def test_each_model_kind_and_speed_is_a_row() -> None:
    told = [
        point(1),
        point(2, query_source="subagent"),
        point(3, speed="fast"),
        point(4, model="claude-haiku-4-5"),
    ]

    rows = calls_of(*told)

    assert {row["api_call_id"]: row["output_tokens"] for row in rows} == {
        "metrics/anthropic/claude-sonnet-4-5/main/-": 1,
        "metrics/anthropic/claude-sonnet-4-5/subagent/-": 2,
        "metrics/anthropic/claude-sonnet-4-5/main/fast": 3,
        "metrics/anthropic/claude-haiku-4-5/main/-": 4,
    }


def test_each_kind_of_token_has_its_column() -> None:
    told = [
        point(1, attributes={"type": "input"}),
        point(2, attributes={"type": "output"}),
        point(3, attributes={"type": "cacheRead"}),
        point(4, attributes={"type": "cacheCreation"}),
    ]

    (row,) = calls_of(*told)

    assert (
        row["input_tokens"],
        row["output_tokens"],
        row["cache_read_tokens"],
        row["cache_write_tokens"],
        row["reasoning_tokens"],
    ) == (1, 2, 3, 4, None)


def test_cost_is_what_the_metric_of_cost_says() -> None:
    told = [point(1), point(0.25, event_name="claude_code.cost.usage", attributes={})]

    rows = calls_of(*told)

    assert [(row["output_tokens"], row["reported_cost_usd"]) for row in rows] == [(1, 0.25)]


def test_tokens_are_whole() -> None:
    told = [point(0.1 + 0.2), point(1e6 - 0.3)]

    assert tokens(*told) == [1_000_000]


def test_metrics_of_a_session_that_logs_tell_of_count_nothing() -> None:
    told = [point(1000), log(request_id="req_1")]

    rows = calls_of(*told)

    assert [row["usage_source"] for row in rows] == ["logs"]


def test_metrics_of_a_session_that_spans_tell_of_count_nothing() -> None:
    told = [point(1000), span(request_id="req_1")]

    rows = calls_of(*told)

    assert [row["usage_source"] for row in rows] == ["traces"]


def test_metrics_count_beside_logs_that_tell_of_errors_alone() -> None:
    error = log(event_type="api_error", request_id="req_1", **NO_USAGE)

    rows = calls_of(point(10), error)

    assert [(row["success"], row["usage_source"]) for row in rows] == [
        (None, "metrics"),
        (False, None),
    ]


def test_metrics_of_one_session_count_while_logs_tell_of_another() -> None:
    told = [point(10), log(request_id="req_1", session_id="two")]

    rows = calls_of(*told)

    assert [(row["session_id"], row["usage_source"]) for row in rows] == [
        ("one", "metrics"),
        ("two", "logs"),
    ]


def test_metrics_that_count_something_else_are_no_usage() -> None:
    told = [
        point(1, event_name="claude_code.session.count"),
        point(1, event_name="other_agent.token.usage"),
    ]

    assert calls_of(*told) == []


def test_the_input_of_genai_metrics_includes_what_was_cached() -> None:
    told = [genai(100, "input"), genai(30, "cache_read"), genai(20, "output")]

    (row,) = calls_of(*told)

    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (70, 30, 20)


def test_points_without_a_session_are_rows_of_their_day() -> None:
    told = [genai(100, "input", session_id=None), genai(20, "output", session_id=None)]

    rows = calls_of(*told)

    assert [(row["session_id"], row["input_tokens"]) for row in rows] == [
        ("no-session:my-agent:2026-11-20", 100)
    ]


def test_points_without_a_session_count_unless_their_own_user_tells_of_usage() -> None:
    told = [
        log(request_id="req_1", session_id=None, user_id="ada"),
        point(1000, session_id=None, user_id="ada"),
        point(77, session_id=None, user_id="bob"),
    ]

    rows = calls_of(*told)

    told_by = {row["usage_source"]: row["output_tokens"] for row in rows}
    assert told_by == {"logs": USAGE["output_tokens"], "metrics": 77}


@pytest.mark.parametrize(("of_log", "of_point"), [("ada", None), (None, "ada"), (None, None)])
def test_a_user_whom_one_signal_does_not_name_is_not_counted_twice(
    of_log: str | None, of_point: str | None
) -> None:
    told = [
        log(request_id="req_1", session_id=None, user_id=of_log),
        point(1000, session_id=None, user_id=of_point),
    ]

    rows = calls_of(*told)

    assert [row["usage_source"] for row in rows] == ["logs"]


def test_a_process_that_began_the_day_before_counts_nothing_that_a_session_tells_today() -> None:
    yesterday_ms = -86_400_000
    told = [
        genai(100, "input", session_id=None, since=yesterday_ms, temporality="cumulative"),
        span(request_id="resp_1", agent="my-agent"),
    ]

    rows = calls_of(*told)

    assert [row["usage_source"] for row in rows] == ["traces"]


def test_points_of_a_model_of_which_no_session_tells_count() -> None:
    told = [
        genai(100, "input", session_id=None, model="an-embedding"),
        span(request_id="resp_1", agent="my-agent"),
    ]

    rows = calls_of(*told)

    assert sorted(row["model"] for row in rows) == ["an-embedding", "claude-sonnet-4-5"]


def test_points_without_a_session_count_nothing_where_a_session_tells_meanwhile() -> None:
    told = [genai(100, "input", session_id=None), span(request_id="resp_1", agent="my-agent")]

    rows = calls_of(*told)

    assert [(row["session_id"], row["usage_source"]) for row in rows] == [("one", "traces")]


def test_points_of_a_team_without_other_signals_count() -> None:
    told = [
        genai(100, "input", session_id=None, team="blue"),
        span(request_id="resp_1", agent="my-agent", team="red"),
    ]

    rows = calls_of(*told)

    assert [row["usage_source"] for row in rows] == ["metrics", "traces"]


def test_claude_codes_points_without_a_session_are_of_those_who_tell_none() -> None:
    told = [point(100, session_id=None), log(request_id="req_1")]

    rows = calls_of(*told)

    assert [row["usage_source"] for row in rows] == ["metrics", "logs"]
