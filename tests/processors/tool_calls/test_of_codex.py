"""What Codex tells of a use of a tool is one row, with what it hides in text."""

from typing import Any

import pytest

from agentpond.pipeline.core.signal import Signal

from .given import Row, at, calls, capture, span, told

PROTOCOLS = ("grpc", "http-json", "http-protobuf")


def result(seconds: float, duration_ms: float, **columns: Any) -> Row:
    """Make the record of a result that Codex sends, with the duration it tells."""
    usual = {"event_type": "tool_result", "tool_call_id": "a", "tool_name": "exec_command"}
    return {**usual, "time": at(seconds), "duration_ms": duration_ms, "success": True, **columns}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_command_that_exits_with_1_did_not_work(protocol: str) -> None:
    events = capture(f"codex/fix_bug_tools/{protocol}")

    rows = calls(events, "tool_name", "exit_code", "success", "file_path", "parallel_group")

    assert rows == [
        ("exec_command", 0, True, None, None),
        ("exec_command", 1, False, None, 1),
        ("exec_command", 0, True, None, 1),
        ("apply_patch", 0, True, "src/calc.py", None),
        ("exec_command", 0, True, None, None),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_failure_is_told_in_the_words_of_the_tool(protocol: str) -> None:
    events = capture(f"codex/tool_failures/{protocol}")

    rows = calls(events, "tool_name", "success", "exit_code", "error_message")

    never = (
        "approval policy is Never; reject command — you cannot ask for escalated permissions if "
        "the approval policy is Never"
    )
    image = "unable to locate image at `/no/such/image.png`: No such file or directory (os error 2)"
    parse = "failed to parse function arguments: key must be a string at line 1 column 2"
    assert rows == [
        ("exec_command", False, 1, "cat: /no/such/file: No such file or directory"),
        ("exec_command", False, 1, "touch: cannot touch 'src/new.py': Read-only file system"),
        ("no_such_tool", False, None, "unsupported call: no_such_tool"),
        ("exec_command", False, None, parse),
        ("view_image", False, None, image),
        ("exec_command", True, 0, None),
        ("write_stdin", False, None, "write_stdin failed: Unknown process id 424242"),
        ("exec_command", False, None, never),
    ]


@pytest.mark.parametrize("signals", [(), (Signal.LOGS,), (Signal.TRACES,)])
def test_an_mcp_tool_has_its_own_name_and_its_server(signals: tuple[Signal, ...]) -> None:
    events = capture("codex/mcp_tools/grpc", *signals)

    rows = calls(events, "tool_name", "mcp_server")

    assert rows == [
        ("lookup_ticket", "tickets"),
        ("lookup_ticket", "tickets"),
        ("create_ticket", "tickets"),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rejected_and_interrupted_uses_are_told_apart(protocol: str) -> None:
    events = capture(f"codex/app_server_long_turn_cost/{protocol}")

    rows = calls(events, "tool_name", "decision", "decision_source", "status", "file_path")

    assert rows == [
        ("exec_command", "accept", "user", "done", None),
        ("exec_command", "reject", "user", "rejected", None),
        ("exec_command", "accept", "user", "done", None),
        ("apply_patch", "reject", "user", "rejected", "/opt/demo-outside.txt"),
        ("apply_patch", "accept", "config", "done", "docs/NOTES.md"),
        ("exec_command", "accept", "config", "done", None),
        ("exec_command", "accept", "config", "no_result", None),
        ("exec_command", None, None, "no_result", None),
    ]


def test_what_was_interrupted_has_no_end() -> None:
    events = capture("codex/app_server_long_turn_cost/grpc")

    rows = calls(events, "status", "ended_at", "duration_ms", "success")

    assert rows[-2:] == [("no_result", None, None, None), ("no_result", None, None, None)]


def test_the_wait_for_a_person_is_no_run() -> None:
    events = told(
        {
            "event_type": "tool_decision",
            "tool_call_id": "a",
            "decision": "accept",
            "decision_source": "user",
            "time": at(30),
        },
        result(31, 31_000),
        agent="codex",
    )

    rows = calls(events, "started_at", "wait_ms", "duration_ms")

    assert rows == [(at(0), 30_000, 1_000)]


def test_the_wall_time_in_the_output_is_the_run_after_a_review() -> None:
    events = told(
        {
            "event_type": "tool_decision",
            "tool_call_id": "a",
            "decision": "accept",
            "decision_source": "automated_reviewer",
        },
        result(1, 252, content="Chunk ID: ab\nWall time: 0.0450 seconds\nOutput:\n"),
        agent="codex",
    )

    rows = calls(events, "wait_ms", "duration_ms")

    assert rows == [(207, 45)]


def test_without_a_question_all_was_run_and_no_wait_is_told() -> None:
    events = told(
        {"event_type": "tool_decision", "tool_call_id": "a", "decision_source": "config"},
        result(1, 252, content="Wall time: 0.0450 seconds\nOutput:\n"),
        agent="codex",
    )

    rows = calls(events, "wait_ms", "duration_ms")

    assert rows == [(None, 252)]


def test_what_a_person_turned_down_was_all_wait() -> None:
    events = told(
        {
            "event_type": "tool_decision",
            "tool_call_id": "a",
            "decision": "reject",
            "decision_source": "user",
        },
        result(9, 8_000, success=False),
        agent="codex",
    )

    rows = calls(events, "status", "wait_ms", "duration_ms")

    assert rows == [("rejected", 8_000, None)]


def test_a_process_that_still_runs_gave_its_result() -> None:
    events = told(
        result(1, 10, content="Wall time: 1.0 seconds\nProcess running with session ID 7\n"),
        agent="codex",
    )

    rows = calls(events, "status", "exit_code", "success")

    assert rows == [("done", None, True)]


def test_the_end_of_a_long_output_is_the_error() -> None:
    output = "Exit code: 1\nWall time: 1 seconds\nOutput:\n" + "x" * 600 + "\nlast line\n"
    events = told(result(1, 10, exit_code=1, content=output), agent="codex")

    rows = calls(events, "error_message")

    assert rows == [("x" * 490 + "\nlast line",)]


def test_the_mark_of_a_cut_output_is_no_part_of_the_error() -> None:
    output = "Output:\nno space left\n[... telemetry preview truncated ...]"
    events = told(result(1, 10, exit_code=1, content=output), agent="codex")

    rows = calls(events, "error_message")

    assert rows == [("no space left",)]


def test_a_command_that_the_sandbox_stopped_says_so() -> None:
    events = told(
        result(1, 10, exit_code=1),
        {
            "event_type": "tool_execution",
            "event_name": "codex.sandbox_outcome",
            "tool_call_id": "a",
            "attributes": {"outcome": "denied"},
        },
        agent="codex",
    )

    rows = calls(events, "error_type", "status")

    assert rows == [("sandbox_denied", "done")]


@pytest.mark.parametrize(("outcome", "decision"), [("allow", "accept"), ("deny", "reject")])
def test_a_guardian_decides_where_no_decision_is_told(outcome: str, decision: str) -> None:
    events = told(
        {
            "event_type": "tool_decision",
            "event_name": "codex.guardian_assessment",
            "tool_call_id": "a",
            "attributes": {"outcome": outcome},
        },
        result(1, 10),
        agent="codex",
    )

    rows = calls(events, "decision", "decision_source")

    assert rows == [(decision, "automated_reviewer")]


@pytest.mark.parametrize(
    ("told_as", "decision", "status"),
    [
        ("approved_with_network_policy_allow", "accept", "done"),
        ("denied_with_network_policy_deny", "reject", "rejected"),
    ],
)
def test_a_decision_is_to_accept_or_to_reject(told_as: str, decision: str, status: str) -> None:
    events = told(
        {"event_type": "tool_decision", "tool_call_id": "a", "decision": told_as},
        result(1, 10),
        agent="codex",
    )

    rows = calls(events, "decision", "status")

    assert rows == [(decision, status)]


def test_what_the_settings_refused_before_it_ran_is_rejected() -> None:
    refused = result(1, 5, success=False, decision="reject", decision_source="config")
    events = told(refused, agent="codex")

    rows = calls(events, "decision", "decision_source", "status", "duration_ms")

    assert rows == [("reject", "config", "rejected", None)]


def test_the_record_of_a_decision_counts_before_what_the_result_tells_of_it() -> None:
    events = told(
        {"event_type": "tool_decision", "tool_call_id": "a", "decision": "reject"}
        | {"decision_source": "user"},
        result(1, 5, success=False, decision="reject", decision_source="config"),
        agent="codex",
    )

    rows = calls(events, "decision", "decision_source")

    assert rows == [("reject", "user")]


def test_a_captured_use_that_the_settings_refused_is_rejected() -> None:
    events = capture("codex/tool_failures/grpc")

    rows = calls(events, "status", "decision_source")

    assert rows[-1] == ("rejected", "config")
    assert [status for status, _ in rows].count("rejected") == 1


@pytest.mark.parametrize(
    ("told_as", "name"),
    [
        ("multi_agent_v1wait_agent", "wait_agent"),
        ("collaborationspawn_agent", "spawn_agent"),
        ("functionsexec_command", "exec_command"),
        ("functions", "functions"),
        ("exec_command", "exec_command"),
    ],
)
def test_the_name_that_a_span_tells_is_freed_of_its_namespace(told_as: str, name: str) -> None:
    events = told(span("tool", 0, 1, tool_call_id="a", tool_name=told_as), agent="codex")

    rows = calls(events, "tool_name")

    assert rows == [(name,)]


def test_the_session_that_a_call_started_did_not_make_the_call() -> None:
    started = result(1, 5, tool_name="spawn_agent", subagent_id="child")

    rows = calls(told(started, agent="codex"), "tool_name", "subagent_id")

    assert rows == [("spawn_agent", None)]


def test_spans_alone_tell_a_command_that_failed() -> None:
    run = {"event_name": "unified_exec.exec_command", "attributes": {"outcome": "failed"}}
    events = told(
        span("tool", 0, 2, tool_call_id="a", tool_name="exec_command"),
        span("tool_execution", 0, 1, tool_call_id="a", **run),
        agent="codex",
    )

    rows = calls(events, "status", "success", "duration_ms", "ended_at")

    assert rows == [("done", False, 1_000, at(2))]


def test_code_mode_makes_uses_within_a_use() -> None:
    events = told(
        result(1, 100, tool_call_id="call_1", tool_name="exec"),
        result(4.2, 100, tool_call_id="exec-1"),
        result(4.4, 100, tool_call_id="exec-2", tool_name="apply_patch"),
        result(5, 1_000, tool_call_id="call_2", tool_name="exec"),
        result(7, 1_000, tool_call_id="call_3", tool_name="exec"),
        agent="codex",
    )

    rows = calls(events, "tool_call_id", "parent_tool_call_id", "parallel_group")

    assert rows == [
        ("call_1", None, None),
        ("call_2", None, None),
        ("exec-1", "call_2", None),
        ("exec-2", "call_2", None),
        ("call_3", None, None),
    ]


def test_of_two_code_mode_uses_at_one_time_the_one_around_made_the_nested_one() -> None:
    events = told(
        result(2, 1_000, tool_call_id="short", tool_name="exec"),
        result(6, 100, tool_call_id="exec-1"),
        result(9, 9_000, tool_call_id="long", tool_name="exec"),
        agent="codex",
    )

    rows = calls(events, "tool_call_id", "parent_tool_call_id")

    assert rows == [("long", None), ("short", None), ("exec-1", "long")]


def test_a_nested_use_that_outlives_its_maker_still_has_it() -> None:
    events = told(
        result(2, 1_000, tool_call_id="maker", tool_name="exec"),
        result(4, 2_500, tool_call_id="exec-1"),
        agent="codex",
    )

    rows = calls(events, "tool_call_id", "parent_tool_call_id")

    assert rows == [("maker", None), ("exec-1", "maker")]


def test_a_code_mode_use_of_another_session_makes_none_of_ours() -> None:
    events = told(
        result(4, 100, tool_call_id="exec-1"),
        result(5, 5_000, tool_call_id="maker", tool_name="exec", session_id="other"),
        agent="codex",
    )

    rows = calls(events, "tool_call_id", "parent_tool_call_id")

    assert rows == [("maker", None), ("exec-1", None)]


def test_nested_uses_at_one_time_are_parallel_and_their_maker_is_not() -> None:
    events = told(
        result(4.5, 400, tool_call_id="exec-1"),
        result(4.6, 400, tool_call_id="exec-2"),
        result(5, 1_000, tool_call_id="maker", tool_name="exec"),
        agent="codex",
    )

    rows = calls(events, "tool_call_id", "parallel_group")

    assert rows == [("maker", None), ("exec-1", 1), ("exec-2", 1)]
