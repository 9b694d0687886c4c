"""Check the rows of captured sessions against what a person counts in them."""

from importlib import import_module
from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.sessions import SessionProcessor
from agentpond.pipeline.testing.builders import settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

from ...golden.captures import Capture, captures
from .given import Row, events_of

CHAIN = ("ledger", "tool_calls", "turns", "sessions")


def processors() -> list[SessionProcessor]:
    factories = [import_module(f"agentpond.pipeline.processors.{name}").factory for name in CHAIN]
    return [each.build(each.config(), settings(each.name)) for each in factories]


def made_of(events: Batch) -> dict[str, pa.Table]:
    return run_sessions(processors(), events)


def rows(name: str) -> list[Row]:
    """Give the rows of the capture's sessions, but for that of events without a session."""
    (capture,) = captures(name)
    told = rows_of(made_of(events_of(capture))["sessions"])
    return [row for row in told if not row["session_id"].startswith("no-session")]


SEEN: dict[str, Row] = {
    "claude_code/rejected/grpc": {
        "turns": 1,
        "api_calls": 4,
        "api_errors": 0,
        "tool_calls": 4,
        "tool_errors": 0,
        "human_activity": 1,
        "agent_activity": 7,
        "models": ["claude-opus-4-6"],
        "input_tokens": 22,
        "output_tokens": 302,
        "cost_coverage": 1.0,
        "resumes": 0,
        "started_by": "fresh",
        "status": "ended",
        "team": "platform",
        "capture_ratio": 1.0,
    },
    "claude_code/slow/grpc": {
        "turns": 1,
        "api_calls": 5,
        "tool_calls": 4,
        "input_tokens": 26,
        "cache_read_tokens": 94_400,
        "cache_write_tokens": 1200,
        "output_tokens": 268,
    },
    "claude_code/cumulative/grpc": {
        "turns": 1,
        "api_calls": 5,
        "tool_calls": 4,
        "input_tokens": 26,
        "resumes": 0,
        "cache_read_tokens": 94_400,
        "cache_write_tokens": 1200,
        "output_tokens": 268,
        "active_time_s": pytest.approx(9.718),
        "capture_ratio": 1.0,
    },
    "claude_code/killed-sigkill/http-protobuf": {
        "turns": 1,
        "api_calls": 2,
        "tool_calls": 2,
        "output_tokens": 123,
        "status": "ended",
        "active_time_s": 0.0,
        "human_activity": 1,
    },
    "claude_code/metrics-only/http-protobuf": {
        "models": ["claude-haiku-4-5-20251001"],
        "input_tokens": 1235,
        "output_tokens": 101,
        "active_time_s": 0.803,
        "started_by": "fresh",
        "events": 7,
    },
    "claude_code/logs-only/http-protobuf": {
        "turns": 1,
        "api_calls": 2,
        "tool_calls": 1,
        "input_tokens": 1235,
        "human_activity": 1,
        "agent_activity": 4,
        "events": 6,
        "resumes": 0,
    },
    "codex/app_server_long_turn_cost/grpc": {
        "turns": 5,
        "tool_calls": 8,
        "input_tokens": 10_980,
        "cache_read_tokens": 85_120,
        "capture_ratio": 1.0,
        "output_tokens": 940,
        "reasoning_tokens": 448,
        "reported_cost_usd": 0.061725,
        "models": ["gpt-5.5"],
        "started_by": "fresh",
        "resumes": 0,
    },
    "codex/chatgpt_auth_websocket/grpc": {
        "turns": 1,
        "api_calls": 5,
        "tool_calls": 5,
        "user_email": "dev@example.com",
        "human_activity": 1,
        "agent_activity": 10,
    },
}


@pytest.mark.parametrize(("name", "seen"), SEEN.items(), ids=SEEN)
def test_a_captured_session_is_what_a_person_counts(name: str, seen: Row) -> None:
    (row,) = rows(name)

    assert {column: row[column] for column in seen} == seen


@pytest.mark.parametrize(
    ("name", "untold"),
    [
        ("claude_code/metrics-only/http-protobuf", {"turns", "api_calls", "human_activity"}),
        ("claude_code/logs-only/http-protobuf", {"commits", "lines_added", "active_time_s"}),
        ("codex/app_server_long_turn_cost/grpc", {"commits", "lines_added"}),
        ("codex/logs_only/grpc", {"capture_ratio"}),
    ],
)
def test_what_a_captured_session_does_not_tell_is_null(name: str, untold: set[str]) -> None:
    (row,) = rows(name)

    assert row.keys().isdisjoint(untold)


def test_metrics_of_a_gateway_that_tell_too_many_tokens_lower_the_share() -> None:
    (row,) = rows("claude_code/gateway-usage-frames/http-json")

    assert row["capture_ratio"] < 1


# Without the gateway's (there the program counts too much itself) and the killed one's.
RUNS = captures("claude_code/*/grpc")


@pytest.mark.parametrize("capture", RUNS, ids=lambda capture: capture.scenario)
def test_tokens_of_a_captured_run_are_the_programs_own(capture: Capture) -> None:
    names = {"input_tokens": "inputTokens", "output_tokens": "outputTokens"}

    told = rows_of(made_of(events_of(capture))["sessions"])

    runs: list[dict[str, Any]] = capture.facts["runs"]
    usage = [models for run in runs for models in run["modelUsage"].values()]
    assert {name: sum(row.get(name, 0) for row in told) for name in names} == {
        name: sum(models[theirs] for models in usage) for name, theirs in names.items()
    }
