"""What Claude Code tells of a use of a tool is one row, whatever tells it."""

import pytest

from agentpond.pipeline.core.signal import Signal

from .given import at, calls, capture, span, told

PROTOCOLS = ("grpc", "http-json", "http-protobuf")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_tool_of_a_session_is_one_row(protocol: str) -> None:
    events = capture(f"claude_code/tools/{protocol}")

    rows = calls(events, "tool_name", "success", "status", "file_path")

    assert rows == [
        ("Read", True, "done", "/srv/demo-app/src/calc.py"),
        ("Grep", True, "done", "/srv/demo-app/src"),
        ("Glob", True, "done", "/srv/demo-app"),
        ("Bash", True, "done", None),
        ("Bash", False, "done", None),
        ("Edit", True, "done", "/srv/demo-app/src/calc.py"),
        ("Write", True, "done", "/srv/demo-app/src/stats.py"),
        ("Read", False, "done", "/srv/demo-app/src/missing.py"),
        ("Bash", True, "done", None),
        ("Bash", False, "done", None),
        ("Bash", True, "done", None),
    ]


def test_a_use_has_its_wait_and_its_run_apart() -> None:
    events = capture("claude_code/slow/http-json")

    rows = calls(events, "wait_ms", "duration_ms")

    assert rows == [(38, 1078), (6, 2029), (56, 3030), (16, 2027)]


@pytest.mark.parametrize(
    ("signals", "teller"), [((Signal.LOGS,), ["logs"]), ((Signal.TRACES,), ["traces"])]
)
def test_logs_alone_and_spans_alone_tell_the_same_tools(
    signals: tuple[Signal, ...], teller: list[str]
) -> None:
    both = capture("claude_code/tools/grpc")
    alone = capture("claude_code/tools/grpc", *signals)

    rows = calls(alone, "tool_call_id", "tool_name", "success", "status", "told_by")

    full = calls(both, "tool_call_id", "tool_name", "success", "status")
    assert rows == [(*row, teller) for row in full]


def test_metrics_alone_tell_of_no_use() -> None:
    events = capture("claude_code/tools/grpc", Signal.METRICS)

    rows = calls(events, "tool_name")

    assert rows == []


def test_an_error_has_its_type_and_its_words() -> None:
    events = capture("claude_code/tools/grpc")

    rows = calls(events, "tool_name", "error_type", "error_message")

    missing = "File does not exist. Note: your current working directory is /srv/demo-app."
    assert [row for row in rows if row[1]] == [
        ("Bash", "ShellError", "Shell command failed"),
        ("Read", "TelemetrySafeError", missing),
        ("Bash", "ShellError", "Shell command failed"),
    ]


@pytest.mark.parametrize("signals", [(), (Signal.TRACES,)])
def test_a_redacted_error_is_a_type_and_no_words(signals: tuple[Signal, ...]) -> None:
    events = capture("claude_code/redacted/grpc", *signals)

    rows = calls(events, "success", "error_type", "error_message")

    assert [row for row in rows if not row[0]] == [
        (False, "ShellError", None),
        (False, "TelemetrySafeError", None),
        (False, "ShellError", None),
    ]


def test_a_rejection_without_a_record_is_told_by_the_wait_alone() -> None:
    events = capture("claude_code/rejected/grpc")

    rows = calls(events, "tool_name", "decision", "decision_source", "status", "told_by")

    assert rows == [
        ("Bash", "reject", None, "rejected", ["traces"]),
        ("Write", "reject", None, "rejected", ["traces"]),
        ("Read", "accept", "config", "done", ["logs", "traces"]),
        ("Bash", "reject", "config", "rejected", ["logs", "traces"]),
    ]


def test_what_was_rejected_neither_ran_nor_worked_nor_failed() -> None:
    events = capture("claude_code/rejected/grpc")

    rows = calls(events, "status", "wait_ms", "duration_ms", "success")

    assert [row for row in rows if row[0] == "rejected"] == [
        ("rejected", 11, None, None),
        ("rejected", 2, None, None),
        ("rejected", 2, None, None),
    ]


@pytest.mark.parametrize("signals", [(), (Signal.LOGS,), (Signal.TRACES,)])
def test_an_mcp_tool_has_its_own_name_and_its_server(signals: tuple[Signal, ...]) -> None:
    events = capture("claude_code/mcp/http-json", *signals)

    rows = calls(events, "tool_name", "mcp_server", "success")

    assert rows == [
        ("get_ticket", "tickets", True),
        ("get_ticket", "tickets", False),
        ("list_tickets", "tickets", True),
    ]


def test_the_span_tells_the_name_that_the_redacted_record_hides() -> None:
    events = told(
        {"event_type": "tool_result", "tool_call_id": "a", "tool_name": "mcp_tool"},
        span("tool", 0, 1, tool_call_id="a", tool_name="mcp__tickets__get_ticket"),
    )

    rows = calls(events, "tool_name", "mcp_server")

    assert rows == [("get_ticket", "tickets")]


def test_a_hidden_name_is_better_than_none() -> None:
    events = told({"event_type": "tool_result", "tool_call_id": "a", "tool_name": "mcp_tool"})

    rows = calls(events, "tool_name", "mcp_server")

    assert rows == [("mcp_tool", None)]


def test_hooks_are_no_tool_calls_but_decide_on_them() -> None:
    events = capture("claude_code/hooks/http-json")

    rows = calls(events, "tool_name", "decision", "decision_source", "status")

    assert rows == [
        ("Read", "accept", "config", "done"),
        ("Edit", "accept", "hook", "done"),
        ("Bash", "accept", "config", "done"),
        ("Bash", "reject", "hook", "rejected"),
        ("Agent", "accept", "config", "done"),
        ("Grep", "accept", "config", "done"),
        ("Bash", "accept", "config", "done"),
    ]


def test_the_sub_agent_used_the_tools_below_its_call_and_not_the_call_itself() -> None:
    events = capture("claude_code/hooks/http-json")

    rows = calls(events, "tool_name", "subagent", "subagent_id")

    assert [row for row in rows if row[0] in {"Agent", "Grep"}] == [
        ("Agent", None, None),
        ("Grep", "Explore", "ad73169b18771d254"),
    ]


@pytest.mark.parametrize("signals", [(), (Signal.LOGS,), (Signal.TRACES,)])
def test_what_a_sub_agent_uses_does_not_run_beside_the_call_of_it(
    signals: tuple[Signal, ...],
) -> None:
    events = capture("claude_code/hooks/http-json", *signals)

    rows = calls(events, "parallel_group")

    assert rows == [(None,)] * 7


def test_the_exit_code_is_read_from_the_error_where_it_stands_there() -> None:
    events = told(
        {
            "event_type": "tool_result",
            "tool_call_id": "a",
            "success": False,
            "error_message": "Exit code 3\nno such file",
        },
        {
            "event_type": "tool_result",
            "tool_call_id": "b",
            "success": False,
            "error_message": "make said: Exit code 2",
        },
    )

    rows = calls(events, "exit_code", "success")

    assert rows == [(3, False), (None, False)]


def test_a_wait_is_found_by_the_record_of_the_decision_if_the_span_was_lost() -> None:
    events = told(
        {"event_type": "tool_decision", "tool_call_id": "a", "span_id": "w", "decision": "accept"},
        span("tool_wait", 0, 0.25, span_id="w", parent_span_id="lost"),
    )

    rows = calls(events, "wait_ms", "started_at")

    assert rows == [(250, at(0))]


def test_a_wait_of_another_session_with_the_same_span_is_not_ours() -> None:
    events = told(
        span("tool", 0, 1, tool_call_id="a", span_id="x"),
        span("tool_wait", 0, 0.25, parent_span_id="x", session_id="other"),
    )

    rows = calls(events, "session_id", "wait_ms")

    assert rows == [("s", None)]


def test_a_use_belongs_to_the_turn_that_its_record_names() -> None:
    events = capture("claude_code/tools/grpc")

    rows = calls(events, "turn_id")

    assert set(rows) == {("60b592d5-39bc-40eb-ad00-dbb8a04571e4",)}
