"""Check what counts as an error, and what is told of each."""

from typing import Any

import pytest

from .happened import at, decided, edited, errors, failed, ran, told

CALL = {"event_type": "api_request", "model": "claude-sonnet-4-5-20250929", "input_tokens": 3}


def rows(*events: dict[str, Any], agent: str = "claude_code") -> list[dict[str, Any]]:
    """Give what is told of the errors of some events; their ids as numbers."""
    found: list[dict[str, Any]] = errors(told(*events, agent=agent)).rows.to_pylist()
    told_of = [{name: value for name, value in row.items() if value is not None} for row in found]
    return [{**row, "event_id": int.from_bytes(row.get("event_id", b""), "big")} for row in told_of]


def test_a_use_of_a_tool_that_failed_is_an_error() -> None:
    given = ran(5, "npm run build", "Shell command failed")

    found = rows(edited(1, "a.py"), given)

    assert found == [
        {
            "session_id": "s",
            "agent": "claude_code",
            "source": "tool",
            "event_id": 2,
            "at": at(5),
            "turn_id": "t",
            "tool_call_id": "Bash-5",
            "tool_name": "Bash",
            "program": "npm run build",
            "message": "Shell command failed",
            "use": 1,
        }
    ]


def test_what_was_not_allowed_is_no_error() -> None:
    assert rows(decided(1, "Bash", "b", "reject", "user_reject")) == []


def test_an_error_without_words_has_its_type_as_message() -> None:
    (row,) = rows(failed(1, "Read", "{}", "", error_message=None, error_type="McpToolCallError"))

    assert row["message"] == "McpToolCallError"


def test_an_api_call_that_failed_is_an_error_of_its_request() -> None:
    call = {"event_type": "api_error", "time": at(3), "success": False, "request_id": "r"}

    (row,) = rows({**call, "error_message": "Overloaded", "status_code": 529})

    assert [row[name] for name in ("source", "event_id", "at", "message", "call")] == [
        "api",
        1,
        at(3),
        "Overloaded",
        0,
    ]


def test_each_attempt_of_an_api_call_that_failed_is_an_error_of_the_same_event() -> None:
    call = {"event_type": "api_error", "time": at(3), "success": False, "request_id": "r"}

    found = rows({**call, "error_message": "Overloaded", "attempt": 2})

    assert [row["event_id"] for row in found] == [1, 1]


def test_an_api_call_that_failed_without_words_is_named_by_its_status() -> None:
    call = {"event_type": "api_error", "time": at(3), "success": False, "request_id": "r"}

    (row,) = rows({**call, "status_code": 529})

    assert row["message"] == "http 529"


def test_an_api_call_that_worked_is_no_error() -> None:
    assert rows({**CALL, "time": at(1), "request_id": "r", "success": True}) == []


@pytest.mark.parametrize(
    ("event", "source", "message", "program"),
    [
        (
            {
                "event_type": "hook",
                "attributes": {"hook_name": "PostToolUse:Grep", "num_non_blocking_error": "1"},
            },
            "hook",
            None,
            "PostToolUse:Grep",
        ),
        (
            {"event_type": "mcp_connection", "mcp_server": "x", "error_message": "ENOENT"},
            "mcp",
            "ENOENT",
            None,
        ),
        (
            {"event_type": "mcp_connection", "attributes": {"status": "failed"}},
            "mcp",
            None,
            None,
        ),
        (
            {"event_type": "compaction", "success": False, "error_type": "Aborted"},
            "compaction",
            "Aborted",
            None,
        ),
    ],
)
def test_what_failed_besides_tools_and_calls_is_an_error(
    event: dict[str, Any], source: str, message: str | None, program: str | None
) -> None:
    (row,) = rows({**event, "time": at(1)})

    assert [row.get(name) for name in ("source", "message", "program", "at", "event_id")] == [
        source,
        message,
        program,
        at(1),
        1,
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"event_type": "hook", "attributes": {"num_non_blocking_error": "0"}},
        {"event_type": "mcp_connection", "attributes": {"status": "connected"}},
        {"event_type": "compaction", "success": True},
        {"event_type": "user_prompt", "content": "error: it failed"},
    ],
)
def test_what_went_well_is_no_error(event: dict[str, Any]) -> None:
    assert rows({**event, "time": at(1)}) == []


def test_errors_stand_in_order_of_session_and_time() -> None:
    found = rows(
        ran(3, "c", "no"),
        ran(2, "b", "no", session_id="t"),
        ran(1, "a", "no"),
        {"event_type": "compaction", "success": False, "time": at(2)},
    )

    assert [row["event_id"] for row in found] == [3, 4, 1, 2]


def test_errors_of_a_source_are_masked() -> None:
    found = errors(
        told(ran(1, "a", "no"), {"event_type": "compaction", "success": False, "time": at(2)})
    )

    assert (list(found.of("tool")), list(found.of("compaction"))) == ([True, False], [False, True])


def test_without_events_there_are_no_errors() -> None:
    assert len(errors(told())) == 0
