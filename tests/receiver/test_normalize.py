"""Turn records of each dialect into rows, where captures do not show it."""

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from .build import CODEX, TIME_NS, gauge, log, logs, pairs, rows, span, spans

_THREAD = "01a1fa7b-7aa1-7fc1-b33d-bd0db65ee75f"


def genai(told: dict[str, Any], **fields: Any) -> dict[str, Any]:
    (row,) = rows(spans([span(told, **fields)], resource={"service.name": "my-agent"}))
    return row


def test_a_genai_chat_span_is_a_model_call_with_its_usage() -> None:
    row = genai(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5",
            "gen_ai.response.model": "gpt-5-2026-01-01",
            "gen_ai.response.id": "resp_1",
            "gen_ai.conversation.id": "c1",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.cache_read.input_tokens": 60,
            "gen_ai.usage.cache_creation.input_tokens": 10,
            "gen_ai.usage.output_tokens": 7,
            "gen_ai.response.finish_reasons": ["stop"],
        }
    )

    assert {name: row[name] for name in _ASKED} == {
        "event_type": "llm_request",
        "agent": "my-agent",
        "session_id": "c1",
        "request_id": "resp_1",
        "provider": "openai",
        "model": "gpt-5-2026-01-01",
        "input_tokens": 30,
        "cache_read_tokens": 60,
        "cache_write_tokens": 10,
        "output_tokens": 7,
        "stop_reason": "stop",
        "duration_ms": 250.0,
    }


_ASKED = (
    *("event_type", "agent", "session_id", "request_id", "provider", "model", "input_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "output_tokens", "stop_reason", "duration_ms"),
)


def test_genai_names_of_old_are_understood() -> None:
    row = genai(
        {
            "gen_ai.system": "anthropic",
            "gen_ai.operation.name": "text_completion",
            "gen_ai.usage.prompt_tokens": 5,
            "gen_ai.usage.completion_tokens": 3,
        }
    )

    assert [row["provider"], row["input_tokens"], row["output_tokens"]] == ["anthropic", 5, 3]


def test_an_input_count_smaller_than_the_cached_one_is_already_of_uncached_input() -> None:
    row = genai({"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 9})

    assert (row["input_tokens"], row["cache_read_tokens"]) == (5, 9)


def test_a_genai_tool_span_is_a_tool() -> None:
    row = genai(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "grep",
            "gen_ai.tool.call.id": "call_1",
            "gen_ai.tool.call.arguments": '{"q":1}',
        }
    )

    assert [row["event_type"], row["tool_name"], row["tool_call_id"], row["tool_input"]] == [
        "tool",
        "grep",
        "call_1",
        '{"q":1}',
    ]


def test_a_genai_metric_keeps_its_model() -> None:
    (row,) = rows(gauge("gen_ai.client.token.usage", {"gen_ai.request.model": "m"}, 4.0))

    assert (row["event_type"], row["model"], row["value"]) == ("metric", "m", 4.0)


def test_a_failed_span_tells_its_error() -> None:
    row = genai({}, status=Status(code=Status.STATUS_CODE_ERROR, message="no such model"))

    assert (row["success"], row["error_message"]) == (False, "no such model")


def test_links_kind_and_trace_state_of_a_span_are_kept() -> None:
    link = Span.Link(trace_id=b"fedcba9876543210", span_id=b"76543210", attributes=pairs({"a": 1}))

    row = genai({}, kind=Span.SPAN_KIND_CLIENT, links=[link], trace_state="x=y")

    assert row["attributes"] == {
        "span.kind": "client",
        "span.links": '[{"trace_id":"66656463626139383736353433323130",'
        '"span_id":"3736353433323130","trace_state":"","attributes":{"a":1}}]',
        "span.trace_state": "x=y",
    }


def test_a_span_event_becomes_a_row_of_its_own_table() -> None:
    event = Span.Event(name="retry", time_unix_nano=TIME_NS, attributes=pairs({"attempt": 2}))

    (row,) = rows(spans([span({}, events=[event])]), table="span_events")

    assert (row["name"], row["index"], row["attributes"]) == ("retry", 0, {"attempt": "2"})


def test_a_span_event_that_repeats_a_log_is_left_out() -> None:
    names = ["codex.tool_result", "codex.retry"]
    told = [Span.Event(name=name) for name in names]

    found = rows(
        spans([span({}, events=told)], scope="codex_exec", resource={}),
        spans([span({}, events=told, span_id=b"76543210")], scope="somebody"),
        table="span_events",
    )

    assert sorted(row["name"] for row in found) == [
        "codex.retry",
        "codex.retry",
        "codex.tool_result",
    ]


@pytest.mark.parametrize(
    ("output", "exit_code"),
    [
        ("Chunk ID: a1\nWall time: 0.1 seconds\nProcess exited with code 3\nOutput:\n", 3),
        ("Process exited with code -1\n", -1),
        ("Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess.", 0),
        ("Chunk ID: a1\nProcess running with session ID 5\nProcess exited with code 3", None),
        ("Output:\nProcess exited with code 3", None),
        ("Process exited with code 99999999999", None),
        ("", None),
    ],
)
def test_codex_tells_an_exit_code_in_the_text_above_the_output(
    output: str, exit_code: int | None
) -> None:
    told = {"event.name": "codex.tool_result", "output": output}

    (row,) = rows(logs([log(told)], CODEX))

    assert row["exit_code"] == exit_code


def test_a_prompt_that_quotes_an_exit_code_has_none() -> None:
    told = {"event.name": "codex.user_prompt", "prompt": "Process exited with code 3"}

    (row,) = rows(logs([log(told)], CODEX))

    assert row["exit_code"] is None


@pytest.mark.parametrize(
    ("told", "decision", "kept"),
    [
        ("approved", "accept", {}),
        ("denied", "reject", {}),
        ("approved_for_session", "accept", {"decision": "approved_for_session"}),
        ("timed_out", "reject", {"decision": "timed_out"}),
    ],
)
def test_codex_decisions_are_accept_or_reject_and_their_own_words_are_kept(
    told: str, decision: str, kept: dict[str, str]
) -> None:
    (row,) = rows(logs([log({"event.name": "codex.tool_decision", "decision": told})], CODEX))

    assert (row["decision"], row["attributes"]) == (decision, kept)


@pytest.mark.parametrize(
    ("name", "subagent"),
    [("/root", None), ("/root/count_lines", "/root/count_lines"), ("Curie", "Curie")],
)
def test_the_main_agent_of_codex_is_no_subagent(name: str, subagent: str | None) -> None:
    told = {"event.name": "codex.tool_result", "agent_name": name}

    (row,) = rows(logs([log(told)], CODEX))

    assert row["subagent"] == subagent


@pytest.mark.parametrize(
    ("told", "event_type"),
    [
        ({"event.kind": "response.created", "duration_ms": "1"}, "stream_chunk"),
        ({"event.kind": "response.completed", "input_token_count": "5"}, "api_request"),
        ({"event.kind": "response.completed", "error.message": "cut"}, "api_error"),
        ({"event.kind": "response.failed", "error.message": "{}"}, "stream_chunk"),
        ({"error.message": "cut", "duration_ms": "1"}, "stream_chunk"),
        ({"event.kind": "response.completed", "duration_ms": "1"}, "stream_chunk"),
    ],
)
def test_the_kinds_of_codex_sse_events_are_told_apart(
    told: dict[str, Any], event_type: str
) -> None:
    (row,) = rows(logs([log({"event.name": "codex.sse_event"} | told)], CODEX))

    assert row["event_type"] == event_type


def codex(name: str, told: dict[str, Any]) -> dict[str, Any]:
    (row,) = rows(logs([log({"event.name": f"codex.{name}", **told})], scope=CODEX))
    return row


def test_a_failed_tools_output_is_its_error() -> None:
    row = codex("tool_result", {"success": "false", "output": "unsupported call: x"})

    assert (row["error_message"], row["content"]) == ("unsupported call: x", "unsupported call: x")


@pytest.mark.parametrize(
    ("success", "output", "decision"),
    [
        ("false", "approval policy is Never; reject command — you cannot ask", "reject"),
        ("false", "patch rejected: writing is blocked by read-only sandbox", "reject"),
        ("false", "exec_command failed: rejected by user approval settings", "reject"),
        ("false", "unsupported call: x", None),
        ("true", "Output:\nrejected by user approval settings", None),
    ],
)
def test_the_output_of_a_tool_that_settings_refused_tells_the_decision(
    success: str, output: str, decision: str | None
) -> None:
    row = codex("tool_result", {"success": success, "output": output})

    assert (row["decision"], row["decision_source"]) == (decision, decision and "config")


@pytest.mark.parametrize(
    ("tool", "output", "child"),
    [
        ("spawn_agent", f'{{"agent_id":"{_THREAD}","nickname":"Rawls"}}', _THREAD),
        ("spawn_agent", '{"task_name":"/root/count_lines"}', None),
        ("exec_command", f'{{"agent_id":"{_THREAD}"}}', None),
    ],
)
def test_the_result_of_a_spawn_tells_the_sub_agents_id(
    tool: str, output: str, child: str | None
) -> None:
    row = codex("tool_result", {"tool_name": tool, "output": output})

    assert (row["subagent_id"], row["parent_session_id"]) == (child, None)


@pytest.mark.parametrize(
    ("kind", "parent", "child"), [("spawn", "sender", "receiver"), ("result", "receiver", "sender")]
)
def test_a_message_between_agents_tells_parent_from_child(
    kind: str, parent: str, child: str
) -> None:
    threads = {"sender_thread_id": "sender", "receiver_thread_id": "receiver"}

    row = codex("agent_communication", {"kind": kind, **threads})

    assert (row["parent_session_id"], row["subagent_id"]) == (parent, child)
