"""Check how sessions are said to have started, and how often they were taken up again."""

from .given import Row, at, captured, session, sessions, told

COUNT: Row = {
    "signal": "metrics",
    "event_type": "metric",
    "event_name": "claude_code.session.count",
    "temporality": "delta",
    "value": 1.0,
}


def started(kind: str, at_s: float, **columns: object) -> Row:
    return COUNT | {"start_time": at(at_s), "attributes": {"start_type": kind}} | columns


def test_a_session_is_started_as_its_first_process_says() -> None:
    events = told(started("resume", 60), started("fresh", 0, time=at(100)))

    row = session(events)

    assert (row["started_by"], row["resumes"]) == ("fresh", 1)


def test_a_cumulative_count_that_is_told_again_is_no_resume() -> None:
    repeated = [started("fresh", 0, temporality="cumulative") for _ in range(5)]
    resumed = [started("resume", 600, temporality="cumulative") for _ in range(5)]
    events = told(*repeated, *resumed)

    row = session(events)

    assert (row["started_by"], row["resumes"]) == ("fresh", 1)


def test_a_session_whose_records_are_numbered_on_was_begun_by_clear() -> None:
    events = told(*({"event_type": "other", "sequence": number} for number in range(7, 12)))

    row = session(events)

    assert (row["started_by"], row["resumes"]) == ("clear", 0)


def test_a_session_begun_by_clear_and_resumed_later_was_still_begun_by_clear() -> None:
    numbers = [7, 8, 0, 1]
    events = told(
        *({"event_type": "other", "sequence": number} for number in numbers),
        started("resume", 119),
    )

    row = session(events)

    assert (row["started_by"], row["resumes"]) == ("clear", 1)


def test_a_session_whose_first_records_are_lost_was_not_begun_by_clear() -> None:
    events = told(
        {"event_type": "other", "sequence": 7, "time": at(10)}, started("fresh", 0, time=at(60))
    )

    row = session(events)

    assert row["started_by"] == "fresh"


def test_logs_alone_tell_of_resumes_by_their_numbers() -> None:
    events = told(*({"event_type": "other", "sequence": number} for number in [0, 1, 0, 1, 0]))

    row = session(events)

    assert row["resumes"] == 2
    assert "started_by" not in row


def test_a_second_start_of_a_codex_conversation_is_a_resume() -> None:
    start = {"agent": "codex", "event_type": "session_start"}
    events = told(start, {"agent": "codex", "event_type": "user_prompt"}, start)

    row = session(events)

    assert (row["started_by"], row["resumes"]) == ("fresh", 1)


def test_the_captured_session_was_resumed_and_continued_and_its_fork_is_another() -> None:
    events = captured("claude_code/resume/grpc")

    rows = sessions(events)

    fresh = [row for row in rows.values() if row["started_by"] == "fresh"]
    assert [(row["resumes"], row["human_activity"]) for row in fresh] == [(2, 3)]
    forked = [row for row in rows.values() if row["started_by"] == "resume"]
    assert [(row["resumes"], row["human_activity"]) for row in forked] == [(0, 1)]
