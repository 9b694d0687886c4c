"""Check the rows of captured runs against what a person counts in them."""

import pytest

from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors.agent_performance import factory
from agentpond.pipeline.testing import check_factory, check_processor
from agentpond.pipeline.testing.sessions import run_sessions

from ...golden.batches import batch_of
from ...golden.captures import captures
from .given import Row, captured, chain

SEEN: dict[str, Row] = {
    # Eleven calls, eleven uses: the tests, a read and `cat` of what is not there fail; an edit
    # and a new file.
    "claude_code/tools/grpc": {
        "model": "claude-opus-4-6",
        "api_calls": 11,
        "api_errors": 0,
        "turns": 1,
        "output_tokens": 1785,
        "tool_calls": 11,
        "tool_errors": 3,
        "tool_success_rate": pytest.approx(8 / 11),
        "error_rate": pytest.approx(3 / 22),
        "edits": 2,
        "edits_rejected": 0,
        "break_fix_loops": 0,
        "api_call_p50_ms": 358.0,
        "tool_call_p50_ms": 7.0,
    },
    # Three answers came after four attempts that failed.
    "claude_code/api-errors/grpc": {
        "api_calls": 7,
        "api_errors": 4,
        "tool_calls": 2,
        "tool_errors": 0,
        "error_rate": pytest.approx(4 / 9),
        "api_call_ms": [309.0, 323.0, 331.0],
        "tool_call_ms": [2.0, 91.0],
    },
    # Of four uses a read was allowed; `Write` was not, nor were two commands.
    "claude_code/rejected/grpc": {
        "tool_calls": 4,
        "tool_errors": 0,
        "tool_success_rate": 1.0,
        "error_rate": 0.0,
        "edits": 1,
        "edits_rejected": 1,
        "rejected_share": 1.0,
    },
    # Two patches, one refused; a command fails, one is refused, two are interrupted.
    "codex/app_server_long_turn_cost/grpc": {
        "model": "gpt-5.5",
        "api_calls": 11,
        "api_errors": 1,
        "turns": 5,
        "cost_usd": pytest.approx(0.12566),
        "cost_per_turn_usd": pytest.approx(0.025132),
        "tool_calls": 8,
        "tool_errors": 1,
        "tool_success_rate": 0.75,
        "edits": 2,
        "edits_rejected": 1,
        "tool_call_ms": [32.0, 33.0, 51.0, 88.0],
        "turn_p50_ms": 205.165,
    },
    # The tests fail once, a patch mends that.
    "codex/fix_bug_tools/grpc": {
        "api_calls": 5,
        "api_errors": 0,
        "tool_calls": 5,
        "tool_errors": 1,
        "edits": 1,
        "break_fix_loops": 0,
        "api_call_p50_ms": 130.0,
        "api_call_p95_ms": pytest.approx(177.2),
    },
    "claude_code/metrics-only/http-protobuf": {
        "model": "claude-haiku-4-5-20251001",
        "tokens": 19_716,
        "cost_usd": 0.014227,
    },
}


@pytest.mark.parametrize(("name", "seen"), SEEN.items(), ids=SEEN)
def test_a_captured_model_did_what_a_person_counts(name: str, seen: Row) -> None:
    (row,) = captured(name)

    assert {column: row.get(column) for column in seen} == seen


def test_the_model_of_a_sub_agent_has_its_calls_and_the_main_one_the_turn() -> None:
    """An Explore agent works on Haiku for one turn of Sonnet; its `Grep` is among the tools."""
    rows = captured("claude_code/hooks/grpc")

    names = ("model", "api_calls", "turns", "tool_calls", "tool_errors")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("claude-haiku-4-5-20251001", 2, 0, 0, 0),
        ("claude-sonnet-4-5-20250929", 7, 1, 7, 1),
    ]


UNTOLD = {"api_errors", "tool_errors", "tool_success_rate", "error_rate", "edits_rejected"}


@pytest.mark.parametrize("name", ["fix_bug_tools", "app_server_long_turn_cost"])
def test_spans_of_codex_alone_do_not_tell_what_failed(name: str) -> None:
    (row,) = captured(f"codex/{name}/grpc", Signal.TRACES)

    assert row.keys().isdisjoint(UNTOLD | {"break_fix_loops", "rejected_share"})


def test_spans_of_claude_code_alone_tell_what_failed() -> None:
    (row,) = captured("claude_code/tools/grpc", Signal.TRACES)

    assert (row["api_errors"], row["tool_errors"], row["edits"]) == (0, 3, 2)


def test_metrics_alone_tell_what_was_used_and_no_more() -> None:
    (row,) = captured("claude_code/metrics-only/http-protobuf")

    told = {"tokens", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"}
    whose = {"session_id", "agent", "provider", "model"}
    assert row.keys() == told | whose | {"cost_usd", "cost_coverage"}


@pytest.mark.parametrize(
    "name",
    [
        *("claude_code/hooks/grpc", "claude_code/resume/grpc", "claude_code/metrics-only/*"),
        *(
            "codex/app_server_long_turn_cost/grpc",
            "codex/metrics_only/grpc",
            "codex/mcp_tools/grpc",
        ),
    ],
)
def test_the_processor_keeps_the_contract(name: str) -> None:
    batch = batch_of(captures(name)[0])
    made = run_sessions(chain()[:-1], batch)

    check_processor(factory, batches=[batch], made=made)


def test_the_processor_tells_of_itself() -> None:
    check_factory(factory)
