"""Check the sums of a session: what they add up, and what they say they cover."""

from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.made import API_CALLS, TOOL_CALLS, TURNS
from agentpond.pipeline.testing.builders import batch

from .given import Row, session, told

CALL: Row = {
    "session_id": "s",
    "model": "claude-haiku-4-5",
    "input_tokens": 3,
    "cache_read_tokens": 20,
    "cache_write_tokens": 100,
    "output_tokens": 7,
    "success": True,
    "cost_usd": 0.25,
    "cost_status": "computed",
    "usage_source": "logs",
}


def made(calls: list[Row], tools: list[Row] | None = None, turns: list[Row] | None = None) -> Any:
    return {
        "api_calls": _table(API_CALLS, "api_call_id", calls),
        "tool_calls": _table(TOOL_CALLS, "tool_call_id", tools or []),
        "turns": _table(TURNS, "turn_id", turns or []),
    }


def _table(table: Table, key: str, rows: list[Row]) -> pa.RecordBatch:
    full = [{"session_id": "s", key: str(number), **row} for number, row in enumerate(rows)]
    names = sorted({name for row in full for name in row})
    columns = {name: [row.get(name) for row in full] for name in names}
    return batch(table, len(full), **columns).records


PROMPTED = told({"event_type": "user_prompt"})
METRICS = told({"signal": "metrics", "event_type": "metric"})


def test_tokens_and_costs_of_all_calls_are_added_up() -> None:
    rows = made([CALL, CALL | {"input_tokens": 4, "reasoning_tokens": 2, "cost_usd": 0.5}])

    row = session(PROMPTED, rows)

    assert row["input_tokens"] == 7
    assert row["cache_read_tokens"] == 40
    assert row["cache_write_tokens"] == 200
    assert row["output_tokens"] == 14
    assert row["reasoning_tokens"] == 2
    assert row["cost_usd"] == 0.75


def test_the_models_of_a_session_stand_in_alphabetical_order_once_each() -> None:
    failed: Row = {"model": "a-model-that-failed", "success": False}
    rows = made([CALL, CALL | {"model": "claude-a"}, CALL, failed, CALL | {"model": None}])

    row = session(PROMPTED, rows)

    assert row["models"] == ["a-model-that-failed", "claude-a", "claude-haiku-4-5"]


def test_a_total_says_how_many_of_its_calls_have_a_price() -> None:
    unpriced = CALL | {"cost_usd": None, "cost_status": "unpriced"}
    failed: Row = {"success": False}
    rows = made([CALL, unpriced, unpriced, CALL, failed])

    row = session(PROMPTED, rows)

    assert (row["cost_usd"], row["cost_coverage"]) == (0.5, 0.5)


def test_a_session_of_which_no_call_has_a_price_has_no_cost() -> None:
    rows = made([CALL | {"cost_usd": None, "cost_status": "unpriced"}])

    row = session(PROMPTED, rows)

    assert "cost_usd" not in row
    assert row["cost_coverage"] == 0.0


def test_a_session_without_calls_has_nothing_to_cover() -> None:
    row = session(PROMPTED, made([]))

    assert row.keys().isdisjoint({"cost_usd", "cost_coverage", "input_tokens"})
    assert (row["api_calls"], row["api_errors"], row["models"]) == (0, 0, [])


def test_calls_and_uses_of_tools_that_failed_are_counted_apart() -> None:
    failed: Row = {"success": False}
    tools: list[Row] = [{"success": True}, failed, failed, {"success": None}]
    rows = made([CALL, CALL, failed], tools)

    row = session(PROMPTED, rows)

    assert (row["api_calls"], row["api_errors"]) == (3, 1)
    assert (row["tool_calls"], row["tool_errors"]) == (4, 2)


def test_a_use_of_a_tool_that_was_not_allowed_did_not_fail() -> None:
    rejected: Row = {"success": False, "status": "rejected"}
    rows = made([], [rejected, {"success": False, "status": "done"}])

    row = session(PROMPTED, rows)

    assert (row["tool_calls"], row["tool_errors"]) == (2, 1)


def test_what_failed_is_not_known_of_a_session_of_codex_that_spans_alone_tell_of() -> None:
    events = told({"agent": "codex", "signal": "traces", "event_type": "turn"})
    rows = made([CALL | {"usage_source": "traces"}], [{"status": "done"}])

    row = session(events, rows)

    assert (row["api_calls"], row["tool_calls"]) == (1, 1)
    assert row.keys().isdisjoint({"api_errors", "tool_errors"})


@pytest.mark.parametrize(("agent", "signal"), [("codex", "logs"), ("claude_code", "traces")])
def test_log_records_and_spans_of_claude_code_would_tell_what_failed(
    agent: str, signal: str
) -> None:
    events = told({"agent": agent, "signal": signal, "event_type": "other"})

    row = session(events, made([CALL], [{"status": "done"}]))

    assert (row["api_errors"], row["tool_errors"]) == (0, 0)


def test_metrics_alone_tell_tokens_and_costs_but_not_how_many_calls() -> None:
    rows = made([CALL | {"usage_source": "metrics"}])

    row = session(METRICS, rows)

    assert (row["input_tokens"], row["cost_usd"]) == (3, 0.25)
    untold = {"api_calls", "api_errors", "tool_calls", "tool_errors", "turns"}
    assert row.keys().isdisjoint(untold | {"human_activity", "agent_activity"})


def test_usage_told_by_metrics_is_no_count_of_calls_where_logs_tell_of_prompts() -> None:
    rows = made([CALL | {"usage_source": "metrics"}])

    row = session(PROMPTED, rows)

    assert "api_calls" not in row


def test_what_calls_are_said_to_cost_counts_before_what_turns_are() -> None:
    rows = made([CALL | {"reported_cost_usd": 0.5}], turns=[{"reported_cost_usd": 9.0}])

    row = session(PROMPTED, rows)

    assert (row["reported_cost_usd"], row["turns"]) == (0.5, 1)


def test_what_turns_are_said_to_cost_counts_where_no_call_tells() -> None:
    rows = made([CALL], turns=[{"reported_cost_usd": 0.25}, {"reported_cost_usd": 0.5}])

    row = session(PROMPTED, rows)

    assert (row["reported_cost_usd"], row["turns"]) == (0.75, 2)


@pytest.mark.parametrize(
    "error",
    [
        {"success": False},
        {"event_type": "api_error"},
        {"exit_code": 1},
        {"error_message": "Overloaded"},
    ],
    ids=str,
)
def test_errors_are_counted_per_hundred_events(error: Row) -> None:
    fine: Row = {"event_type": "tool_result", "success": True, "exit_code": 0}

    row = session(told(error, fine, fine, fine))

    assert (row["events"], row["error_density"]) == (4, 25.0)


def test_prompts_and_a_humans_decisions_are_the_humans_activity() -> None:
    sources = ["user", "user_temporary", "user_permanent", "user_reject", "config", "hook", None]
    rows = made([], [{"decision_source": source} for source in sources])

    row = session(told({"event_type": "user_prompt"}, {"event_type": "user_prompt"}), rows)

    assert row["human_activity"] == 6


@pytest.mark.parametrize(
    "text",
    [
        "<task-notification> <task-id>b1</task-id>",
        "The following is the Codex agent history whose next action you review",
        "Generate a concise, single-line task title for it",
    ],
)
def test_a_prompt_that_no_human_gave_is_not_the_humans_activity(text: str) -> None:
    events = told({"event_type": "user_prompt", "content": text})

    row = session(events)

    assert row["human_activity"] == 0


def test_prompts_are_not_counted_again_from_spans() -> None:
    span: Row = {"event_type": "turn", "signal": "traces"}

    row = session(told({"event_type": "user_prompt"}, span))

    assert row["human_activity"] == 1


def test_prompts_are_counted_from_spans_where_there_are_no_logs() -> None:
    span: Row = {"event_type": "turn", "signal": "traces"}

    row = session(told(span, span, {"event_type": "llm_request", "signal": "traces"}))

    assert row["human_activity"] == 2


def test_calls_results_and_answers_are_the_agents_activity() -> None:
    tools: list[Row] = [{"status": "done"}, {"status": "done"}, {"status": "rejected"}]
    events = told({"event_type": "user_prompt"}, {"event_type": "assistant_response"})

    row = session(events, made([CALL, CALL, CALL], tools))

    assert row["agent_activity"] == 6
