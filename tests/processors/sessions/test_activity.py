"""Check when a session is active, idle or ended, and when that is looked at again."""

from datetime import timedelta

import pytest

from .given import Row, again, at, session, told

POINT: Row = {
    "signal": "metrics",
    "event_type": "metric",
    "event_name": "claude_code.token.usage",
    "start_time": at(0),
    "value": 1.0,
}


@pytest.mark.parametrize(
    ("silent_s", "status"),
    [(0, "active"), (299, "active"), (300, "idle"), (1799, "idle"), (1800, "ended")],
)
def test_a_session_is_idle_after_five_minutes_and_ended_after_thirty(
    silent_s: int, status: str
) -> None:
    events = told({"event_type": "user_prompt"})

    row = session(events, as_of=at(silent_s))

    assert row["status"] == status


def test_how_long_silence_may_last_is_the_users_to_say() -> None:
    events = told({"event_type": "user_prompt"})

    row = session(events, as_of=at(61), idle_after="1m", ended_after="2m")

    assert row["status"] == "idle"


@pytest.mark.parametrize(("silent_s", "then"), [(0, [at(300)]), (300, [at(1800)]), (1800, [])])
def test_a_session_is_looked_at_again_when_its_status_will_change(
    silent_s: int, then: list[object]
) -> None:
    events = told({"event_type": "user_prompt"})

    asked = again(events, as_of=at(silent_s))

    assert asked == then


def test_a_session_that_can_never_be_idle_is_looked_at_when_it_ends() -> None:
    events = told({"event_type": "user_prompt"})

    asked = again(events, as_of=at(0), idle_after="1h", ended_after="10m")

    assert asked == [at(600)]


def test_an_event_that_comes_days_late_leaves_its_session_ended() -> None:
    events = told({"event_type": "user_prompt", "received_at": at(3 * 86_400)})

    row = session(events, as_of=at(3 * 86_400 + 1))

    assert row["status"] == "ended"


def test_a_session_lasts_from_its_first_event_to_the_end_of_its_last_span() -> None:
    span = {"signal": "traces", "event_type": "turn", "time": at(5), "end_time": at(90)}
    events = told({"event_type": "user_prompt"}, span, {"event_type": "other", "time": at(60)})

    row = session(events)

    assert (row["started_at"], row["last_seen_at"]) == (at(0), at(90))


def test_an_event_without_a_time_counts_as_heard_when_it_was_received() -> None:
    events = told({"event_type": "other", "time": None, "received_at": at(7)})

    row = session(events)

    assert (row["started_at"], row["last_seen_at"]) == (at(7), at(7))


@pytest.mark.parametrize("command", ["exit", "quit", "logout", "clear"])
def test_a_session_has_ended_when_its_last_prompt_says_so(command: str) -> None:
    events = told(
        {"event_type": "user_prompt"},
        {"event_type": "user_prompt", "attributes": {"command_name": command}},
        {"event_type": "other", "time": at(62)},
    )

    row = session(events, as_of=at(63))

    assert (row["status"], row["ended_at"]) == ("ended", at(60))


def test_a_session_that_ended_needs_no_second_look() -> None:
    events = told({"event_type": "user_prompt", "attributes": {"command_name": "exit"}})

    asked = again(events, as_of=at(1))

    assert asked == []


def test_another_slash_command_ends_nothing() -> None:
    events = told({"event_type": "user_prompt", "attributes": {"command_name": "compact"}})

    row = session(events, as_of=at(1))

    assert row["status"] == "active"
    assert "ended_at" not in row


def test_a_prompt_after_the_exit_takes_the_session_up_again() -> None:
    events = told(
        {"event_type": "user_prompt", "attributes": {"command_name": "exit"}},
        {"event_type": "user_prompt"},
    )

    row = session(events, as_of=at(61))

    assert row["status"] == "active"
    assert "ended_at" not in row


def test_a_process_started_after_the_exit_takes_the_session_up_again() -> None:
    start = POINT | {"event_name": "claude_code.session.count", "start_time": at(50)}
    events = told(
        {"event_type": "user_prompt", "attributes": {"command_name": "exit"}},
        start | {"temporality": "delta", "attributes": {"start_type": "resume"}},
    )

    row = session(events, as_of=at(61))

    assert row["status"] == "active"


def test_work_that_goes_on_long_after_the_exit_takes_the_session_up_again() -> None:
    events = told(
        {"event_type": "user_prompt", "attributes": {"command_name": "exit"}},
        {"event_type": "tool_result", "time": at(100)},
    )

    row = session(events, as_of=at(101))

    assert row["status"] == "active"


def test_the_hook_that_runs_at_its_end_ends_a_session() -> None:
    hook = {"event_type": "hook", "attributes": {"hook_event": "SessionEnd"}}
    events = told(
        {"event_type": "user_prompt"}, hook | {"event_name": "claude_code.hook_execution_start"}
    )

    row = session(events, as_of=at(61))

    assert (row["status"], row["ended_at"]) == ("ended", at(60))


def test_a_hook_that_is_only_registered_ends_nothing() -> None:
    hook = {"event_type": "hook", "attributes": {"hook_event": "SessionEnd"}}
    events = told(
        {"event_type": "user_prompt"}, hook | {"event_name": "claude_code.hook_registered"}
    )

    row = session(events, as_of=at(61))

    assert row["status"] == "active"


def test_cumulative_points_told_again_each_minute_keep_no_session_active() -> None:
    points = [POINT | {"temporality": "cumulative"} for _ in range(20)]
    events = told({"event_type": "user_prompt"}, *points)

    row = session(events, as_of=at(60 * 20))

    assert (row["status"], row["last_seen_at"]) == ("idle", at(60 * 20))


def test_a_delta_point_keeps_a_session_active() -> None:
    points = [POINT | {"temporality": "delta"} for _ in range(20)]
    events = told({"event_type": "user_prompt"}, *points)

    row = session(events, as_of=at(60 * 20))

    assert row["status"] == "active"


def test_running_twice_before_a_threshold_gives_the_same_rows() -> None:
    events = told({"event_type": "user_prompt"})

    first = session(events, as_of=at(1))

    assert session(events, as_of=at(1) + timedelta(minutes=4)) == first


def test_a_session_of_metrics_alone_began_when_they_began_to_count() -> None:
    points = [POINT | {"temporality": "delta", "start_time": at(begun)} for begun in (30, 10, 20)]
    events = told(*(point | {"time": at(60)} for point in points))

    row = session(events)

    assert (row["started_at"], row["last_seen_at"]) == (at(10), at(60))


def test_a_total_is_counted_from_before_its_session_perhaps() -> None:
    events = told(POINT | {"temporality": "cumulative", "time": at(60)})

    row = session(events)

    assert row["started_at"] == at(60)


def test_a_session_that_logs_tell_of_began_with_the_first_record() -> None:
    counted = POINT | {"temporality": "delta", "time": at(60)}
    events = told({"event_type": "user_prompt", "time": at(20)}, counted)

    row = session(events)

    assert row["started_at"] == at(20)
