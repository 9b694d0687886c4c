"""What is found in captured runs is what the run was made to show, over each protocol."""

from typing import Any

import pytest

from agentpond.pipeline.processors.insights import factory
from agentpond.pipeline.testing import check_processor
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

from ...golden.batches import batch_of
from ...golden.captures import captures
from .given import everything

PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http-json", "http-protobuf"])

Found = tuple[str, str, str]


def found(name: str) -> list[Found]:
    """Give kind, severity and the first sentence of what is found in a captured run."""
    (capture,) = captures(name)
    made = run_sessions(everything(), batch_of(capture))
    rows = rows_of(made["insights"], "kind", "severity", "message")
    return sorted((row["kind"], row["severity"], row["message"].split(". ")[0]) for row in rows)


@PROTOCOLS
@pytest.mark.parametrize(
    "run", ["claude_code/tools", "claude_code/basic", "codex/simple_chat", "codex/fix_bug_tools"]
)
def test_in_runs_in_which_nothing_went_wrong_nothing_is_found(run: str, protocol: str) -> None:
    assert found(f"{run}/{protocol}") == []


@PROTOCOLS
def test_tools_that_were_not_allowed_are_found(protocol: str) -> None:
    rows = found(f"claude_code/rejected/{protocol}")

    assert rows == [
        ("denied_tools", "info", "Bash was not allowed 2 times, decided by config"),
        ("denied_tools", "info", "Write was not allowed 1 time"),
    ]


@PROTOCOLS
def test_a_command_that_the_policy_of_codex_refuses_is_found(protocol: str) -> None:
    rows = found(f"codex/tool_failures/{protocol}")

    assert rows == [
        ("denied_tools", "info", "exec_command was not allowed 1 time, decided by config")
    ]


@PROTOCOLS
def test_calls_that_claude_code_made_again_are_found(protocol: str) -> None:
    rows = found(f"claude_code/api-errors/{protocol}")

    assert rows == [("retries", "warning", "4 API calls failed")]


@PROTOCOLS
def test_calls_of_codex_that_were_refused_for_their_rate_are_found(protocol: str) -> None:
    rows = found(f"codex/api_error_recovered/{protocol}")

    assert rows == [
        ("rate_limits", "warning", '2 API calls were refused for rate or overload ("http 429")')
    ]


@PROTOCOLS
def test_turns_that_were_broken_off_and_one_that_was_refused_are_found(protocol: str) -> None:
    rows = found(f"codex/app_server_long_turn_cost/{protocol}")

    turns = [(kind, sentence) for kind, _, sentence in rows if kind != "denied_tools"]
    assert turns == [
        ("abandoned_turn", "Turn 3 was broken off after 1 API call and 1 use of a tool."),
        ("abandoned_turn", "Turn 4 was broken off after 1 API call and 1 use of a tool."),
        (
            "unanswered_prompt",
            "The prompt of turn 5 was never answered: no API call of it succeeded",
        ),
    ]


@PROTOCOLS
def test_what_claude_code_keeps_back_unless_it_is_asked_for_is_found(protocol: str) -> None:
    rows = found(f"claude_code/redacted/{protocol}")

    assert rows == [("missing_signals", "info", "Tools failed, and nothing tells with what words")]


def test_a_run_of_claude_code_that_was_killed_left_a_turn_that_stands_still() -> None:
    rows = found("claude_code/killed-sigkill/http-protobuf")

    assert [kind for kind, *_ in rows] == ["stalled_turn"]


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("claude_code/metrics-only/http-protobuf", "OTEL_LOGS_EXPORTER"),
        ("codex/metrics_only/http-protobuf", "exporter"),
    ],
)
def test_metrics_alone_lack_all_the_rest(name: str, agent: str) -> None:
    (capture,) = captures(name)
    (row,) = rows_of(run_sessions(everything(), batch_of(capture))["insights"])

    assert row["kind"] == "missing_signals"
    assert agent in row["message"]


@pytest.mark.parametrize(
    "name",
    [
        "claude_code/rejected/http-json",
        "claude_code/api-errors/grpc",
        "codex/app_server_long_turn_cost/grpc",
        "codex/metrics_only/http-protobuf",
    ],
)
def test_it_keeps_the_contract_on_captured_runs(name: str) -> None:
    batch = batch_of(captures(name)[0])
    made: Any = run_sessions(everything(), batch)

    check_processor(factory, {}, batches=[batch], made=made)

    assert len(made["insights"]) > 0
