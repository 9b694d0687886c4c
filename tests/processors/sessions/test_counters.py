"""Check what is counted by metrics alone: lines, commits, pull requests and time."""

import pytest

from .given import Row, at, captured, session, sessions, told


def point(metric: str, value: float, **columns: object) -> Row:
    return {
        "signal": "metrics",
        "event_type": "metric",
        "event_name": f"claude_code.{metric}",
        "temporality": "delta",
        "start_time": at(0),
        "value": value,
        **columns,
    }


def test_twenty_two_commits_told_again_each_minute_are_twenty_two() -> None:
    events = told(*(point("commit.count", 22.0, temporality="cumulative") for _ in range(300)))

    row = session(events)

    assert row["commits"] == 22


def test_lines_added_and_removed_are_told_apart() -> None:
    events = told(
        point("lines_of_code.count", 10.0, attributes={"type": "added"}),
        point("lines_of_code.count", 1.0, attributes={"type": "removed"}),
        point("lines_of_code.count", 5.0, attributes={"type": "added"}),
    )

    row = session(events)

    assert (row["lines_added"], row["lines_removed"]) == (15, 1)


def test_lines_of_two_models_are_two_series() -> None:
    running = {"temporality": "cumulative", "attributes": {"type": "added"}}
    events = told(
        point("lines_of_code.count", 10.0, model="a", **running),
        point("lines_of_code.count", 4.0, model="b", **running),
        point("lines_of_code.count", 10.0, model="a", **running),
    )

    row = session(events)

    assert row["lines_added"] == 14


def test_time_of_the_human_and_of_the_agent_is_one_sum() -> None:
    events = told(
        point("active_time.total", 1.5, attributes={"type": "user"}),
        point("active_time.total", 2.25, attributes={"type": "cli"}),
    )

    row = session(events)

    assert row["active_time_s"] == 3.75


def test_what_a_session_with_metrics_did_not_count_is_nothing() -> None:
    events = told(point("pull_request.count", 1.0))

    row = session(events)

    assert (row["pull_requests"], row["commits"], row["active_time_s"]) == (1, 0, 0.0)


def test_what_a_session_without_metrics_did_is_not_told() -> None:
    events = told({"event_type": "user_prompt"})

    row = session(events)

    assert row.keys().isdisjoint({"commits", "lines_added", "active_time_s"})


def test_codex_has_none_of_these_counters() -> None:
    events = told(point("commit.count", 1.0, event_name="codex.turn.cost", agent="codex"))

    row = session(events)

    assert "commits" not in row


@pytest.mark.parametrize(
    ("capture", "counted"),
    [
        ("claude_code/tools/grpc", {"lines_added": 10, "lines_removed": 1, "commits": 1}),
        ("claude_code/cumulative/grpc", {"lines_added": 0, "commits": 0, "active_time_s": 9.718}),
        ("claude_code/slow/grpc", {"lines_added": 0, "commits": 0}),
    ],
)
def test_a_captured_session_counts_what_the_program_did(
    capture: str, counted: dict[str, float]
) -> None:
    events = captured(capture)

    (row,) = sessions(events).values()

    assert {name: row[name] for name in counted} == pytest.approx(counted)


def test_what_calls_do_not_report_the_metric_of_cost_does() -> None:
    events = told({"signal": "traces"}, point("cost.usage", 0.25), point("cost.usage", 0.5))

    row = session(events)

    assert row["reported_cost_usd"] == pytest.approx(0.75)
