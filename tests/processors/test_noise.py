"""Check which rows of Codex are noise, and that nothing that tells something ever is."""

from collections.abc import Sequence
from typing import Any

import pytest

from agentpond.pipeline.core.batch import Batch, Dropped
from agentpond.pipeline.core.schema import EVENTS, SPAN_EVENTS
from agentpond.pipeline.processors.noise import Config, DropNoise, factory
from agentpond.pipeline.testing import batch, check_processor, events

NOISE: Sequence[tuple[str, dict[str, Any]]] = [
    (
        "stream_chunk",
        {"signal": "logs", "event_type": "stream_chunk", "event_name": "codex.sse_event"},
    ),
    ("codex_startup", {"signal": "logs", "event_name": "codex.startup_phase"}),
    ("codex_internal_log", {"signal": "logs", "scope": "codex_otel::metrics::client"}),
    ("codex_internal_log", {"signal": "logs", "scope": "codex_otel::auth_storage"}),
    *(
        ("codex_internal_span", {"signal": "traces", "event_name": name})
        for name in (
            *("append_items", "fs.get_metadata", "persist_rollout_items", "receiving"),
            *("realtime_conversation.running_state", "fs.read_file", "handle_responses"),
            *("mcp.runtime.refresh_wait", "build_tool_router"),
        )
    ),
    *(
        ("codex_internal_metric", {"signal": "metrics", "event_name": name})
        for name in (
            *("codex.sqlite.init.count", "codex.skills.shadow_selection", "codex.auth.selection"),
            *("codex.thread.skills.truncated", "codex.plugins.loaded_cache.event"),
            *("codex.rollout.size_bytes", "codex.rollout_compression.read"),
            *(
                "codex.auth_storage.operation",
                "codex.shell_snapshot",
                "codex.shell_snapshot.wait_ms",
            ),
            *("codex.sandbox_integrity.check", "codex.cloud_config_bundle.load"),
            *("codex.startup.phase.duration_ms", "codex.mcp.binding_catalog.size"),
        )
    ),
    *(
        (
            "codex_internal_span",
            {
                "signal": "traces",
                "event_type": "span",
                "event_name": name,
                "attributes": {"code.line.number": "1", "busy_ns": "5", "thread.name": "main"},
            },
        )
        for name in ("thread_spawn", "handle_output_item_done", "a.span.nobody.has.seen")
    ),
]

TELLING: Sequence[dict[str, Any]] = [
    {"input_tokens": 0},
    {"output_tokens": 5},
    {"reported_cost_usd": 0.1},
    {"tool_name": "exec_command"},
    {"tool_call_id": "call_1"},
    {"error_message": "http 429"},
    {"error_type": "timeout"},
    {"success": False},
    {"severity": 17},
    {"attributes": {"error": "disk full", "busy_ns": "5"}},
    {"attributes": {"exception.message": "disk full", "busy_ns": "5"}},
    {"attributes": {"startup.status": "failed", "busy_ns": "5"}},
]

KEPT: Sequence[dict[str, Any]] = [
    {"signal": "logs", "event_type": "api_request", "event_name": "codex.sse_event"},
    {"signal": "logs", "event_type": "session_start", "event_name": "codex.conversation_starts"},
    {"signal": "traces", "event_type": "turn", "event_name": "session_task.turn"},
    {"signal": "traces", "event_type": "span", "event_name": "run_turn"},
    {"signal": "traces", "event_type": "span", "event_name": "a.span.nobody.has.seen"},
    {"signal": "metrics", "event_type": "metric", "event_name": "codex.turn.token_usage"},
    {"signal": "metrics", "event_type": "metric", "event_name": "codex.thread.started"},
    {"signal": "metrics", "event_type": "metric", "event_name": None},
    {"signal": "logs", "scope": "codex_otel::event_manager", "event_name": "codex.user_prompt"},
]

# Spans with nothing in their attributes but which line of Codex ran.
BARE: dict[str, Any] = {"signal": "traces", "agent": "codex", "attributes": {"busy_ns": "5"}}
SPEAKING: Sequence[dict[str, Any]] = [
    {"event_type": "span", "session_id": "s"},
    {"event_type": "span", "turn_id": "t"},
    {"event_type": "span", "model": "gpt-5.5"},
    {"event_type": "span", "mcp_server": "tickets"},
    {"event_type": "span", "attributes": {"busy_ns": "5", "rpc.method": "thread/start"}},
    {"event_type": "span", "event_name": "receiving_stream"},
    {"event_type": "span", "event_name": "session_task.run"},
    {"event_type": "span", "event_name": "handle_response_stream_error"},
    *({"event_type": kind} for kind in ("turn", "tool", "tool_execution", "llm_request")),
]


def run(rows: Batch, **options: Any) -> tuple[int, dict[str, int]]:
    out = list(DropNoise(Config(**options)).process(rows))
    dropped = {each.reason: each.rows for each in out if isinstance(each, Dropped)}
    return sum(len(each) for each in out if isinstance(each, Batch)), dropped


@pytest.mark.parametrize(("kind", "row"), NOISE)
def test_noise_is_left_out_and_counted_by_kind(kind: str, row: dict[str, Any]) -> None:
    rows = events(2, agent=["codex", "codex"], **row)

    kept, dropped = run(rows)

    assert (kept, dropped) == (0, {kind: 2})


@pytest.mark.parametrize(("kind", "row"), NOISE)
@pytest.mark.parametrize("told", TELLING)
def test_a_row_that_tells_something_is_never_noise(
    kind: str, row: dict[str, Any], told: dict[str, Any]
) -> None:
    rows = events(1, agent="codex", **{**row, **told})

    kept, dropped = run(rows)

    assert (kept, dropped) == (1, {}), kind


@pytest.mark.parametrize("row", KEPT)
def test_what_no_table_names_stays(row: dict[str, Any]) -> None:
    rows = events(1, agent="codex", **row)

    kept, dropped = run(rows)

    assert (kept, dropped) == (1, {})


@pytest.mark.parametrize("row", SPEAKING)
def test_a_span_that_tells_more_than_a_line_of_code_stays(row: dict[str, Any]) -> None:
    rows = events(1, **{**BARE, **row})

    kept, dropped = run(rows)

    assert (kept, dropped) == (1, {})


@pytest.mark.parametrize("word", ["none", "", "false", "ready"])
def test_a_word_that_denies_an_error_tells_of_none(word: str) -> None:
    row = {"signal": "metrics", "event_name": "codex.sqlite.init.count"}
    rows = events(1, agent="codex", **row, attributes={"error": word})

    kept, dropped = run(rows)

    assert (kept, dropped) == (0, {"codex_internal_metric": 1})


@pytest.mark.parametrize(("kind", "row"), NOISE)
def test_a_kind_can_be_kept(kind: str, row: dict[str, Any]) -> None:
    rows = events(1, agent="codex", **row)

    kept, dropped = run(rows, keep=(kind,))

    assert (kept, dropped) == (1, {})


@pytest.mark.parametrize("agent", ["claude_code", "another", None])
def test_other_agents_are_not_touched(agent: str | None) -> None:
    rows = events(2, agent=[agent, "codex"], signal="traces", event_name="append_items")

    kept, dropped = run(rows)

    assert (kept, dropped) == (1, {"codex_internal_span": 1})


def test_span_events_pass() -> None:
    rows = batch(SPAN_EVENTS, 2, name="codex.retry")

    (out,) = DropNoise(Config()).process(rows)

    assert out is rows


def test_noise_keeps_the_contract() -> None:
    names = [row.get("event_name") for _, row in NOISE]
    signals = [row["signal"] for _, row in NOISE]
    rows = events(len(NOISE), agent="codex", event_name=names, signal=signals)

    check_processor(factory, batches=[rows, batch(EVENTS, 1, agent="codex")])
