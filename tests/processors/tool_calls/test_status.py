"""A use without a result is pending while it may still come, and then it has none."""

from datetime import timedelta

import pytest

from agentpond.pipeline.processors.tool_calls import Config, factory
from agentpond.pipeline.testing import builders

from .given import Row, again, at, calls, capture, span, told

PROMPT: Row = {"event_type": "user_prompt", "turn_id": "t1"}
DECISION: Row = {
    "event_type": "tool_decision",
    "tool_call_id": "a",
    "decision": "accept",
    "turn_id": "t1",
}


def test_a_use_that_began_just_now_is_pending() -> None:
    events = told(PROMPT, DECISION)

    rows = calls(events, "status", "success", "ended_at", as_of=10)

    assert rows == [("pending", None, None)]


def test_a_pending_use_is_looked_at_again_when_it_will_be_given_up() -> None:
    events = told(PROMPT, DECISION)

    asked = again(events, as_of=10)

    assert asked == [("s", at(1 + 1800))]


@pytest.mark.parametrize(("as_of", "status"), [(1800.9, "pending"), (1801, "no_result")])
def test_a_use_is_given_up_after_30_minutes_of_silence(as_of: float, status: str) -> None:
    events = told(PROMPT, DECISION)

    rows = calls(events, "status", as_of=as_of)

    assert rows == [(status,)]


def test_a_use_that_was_given_up_is_not_looked_at_again() -> None:
    events = told(PROMPT, DECISION)

    asked = again(events, as_of=1801)

    assert asked == []


def test_a_use_of_an_earlier_turn_has_no_result() -> None:
    events = told(PROMPT, DECISION, {"event_type": "user_prompt", "turn_id": "t2"})

    rows = calls(events, "status", as_of=10)

    assert rows == [("no_result",)]


def test_a_use_of_a_turn_that_ended_has_no_result() -> None:
    events = told({**PROMPT, "trace_id": "trace"}, DECISION, span("turn", 0, 5, trace_id="trace"))

    rows = calls(events, "status", as_of=10)

    assert rows == [("no_result",)]


def test_a_use_of_a_session_that_ended_has_no_result() -> None:
    events = told(PROMPT, DECISION, {"event_type": "session_end"})

    rows = calls(events, "status", as_of=10)

    assert rows == [("no_result",)]


def test_a_use_after_an_ended_session_was_resumed_is_pending() -> None:
    events = told(PROMPT, {"event_type": "session_end"}, DECISION)

    rows = calls(events, "status", as_of=10)

    assert rows == [("pending",)]


def test_a_use_that_its_span_calls_aborted_has_no_result() -> None:
    events = told(
        PROMPT,
        DECISION,
        span("tool", 1, 3, tool_call_id="a", attributes={"aborted": "true"}),
        agent="codex",
    )

    rows = calls(events, "status", "ended_at", as_of=10)

    assert rows == [("no_result", None)]


def test_a_span_of_claude_code_that_ended_without_a_run_has_no_result() -> None:
    events = told(PROMPT, DECISION, span("tool", 1, 3, tool_call_id="a"))

    rows = calls(events, "status", as_of=10)

    assert rows == [("no_result",)]


def test_a_process_that_was_killed_leaves_a_use_without_a_result() -> None:
    events = capture("claude_code/killed-sigkill/http-protobuf")

    rows = calls(events, "status", "wait_ms", as_of=24 * 3600)

    assert rows == [("done", 6), ("no_result", 3)]


def test_a_result_ends_what_was_pending() -> None:
    events = told(PROMPT, DECISION, {"event_type": "tool_result", "tool_call_id": "a"})

    rows = calls(events, "status", "started_at", "ended_at", as_of=10)

    assert rows == [("done", at(1), at(2))]


def test_the_span_of_any_other_agent_is_a_use_of_its_own() -> None:
    events = told(
        span("tool", 0, 2, tool_call_id="a", tool_name="search", subagent="helper"),
        agent="my-agent",
    )

    rows = calls(events, "tool_name", "subagent", "status", "success", "duration_ms")

    assert rows == [("search", "helper", "done", None, 2_000)]


def test_an_error_that_a_span_tells_is_a_failure() -> None:
    events = told(span("tool", 0, 2, tool_call_id="a", error_type="timeout"), agent="my-agent")

    rows = calls(events, "success", "error_type")

    assert rows == [(False, "timeout")]


def test_a_result_without_an_id_is_known_by_its_event() -> None:
    events = told({"event_type": "tool_result", "tool_name": "Bash"})

    rows = calls(events, "tool_call_id", "tool_name")

    assert rows == [("00000000000000000000000000000001", "Bash")]


def test_results_without_ids_are_uses_of_their_own() -> None:
    events = told({"event_type": "tool_result"}, {"event_type": "tool_result"})

    rows = calls(events, "status")

    assert rows == [("done",), ("done",)]


def test_a_decision_without_an_id_is_no_use() -> None:
    events = told({"event_type": "tool_decision", "decision": "accept"})

    rows = calls(events, "status")

    assert rows == []


def test_the_last_decision_counts() -> None:
    events = told(PROMPT, {**DECISION, "decision": "reject"}, DECISION)

    rows = calls(events, "decision", as_of=10)

    assert rows == [("accept",)]


def test_another_patience_is_another_version() -> None:
    patient = Config(pending_for=timedelta(hours=2))

    versions = [
        factory.build(config, builders.settings()).version for config in (Config(), patient)
    ]

    assert versions[0] != versions[1]
