"""Codex's dialect. Source: reference of Codex CLI 0.169, sections 3 to 9."""

import pyarrow as pa
import pyarrow.compute as pc

from ...pipeline.core.signal import Signal
from .rules import Columns, Dialect, Lift, lift, look
from .tokens import uncached

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

# `/root` is the main agent; a sub-agent has a nickname, a thread id or a path below `/root/`.
_SUBAGENT = "^([^/]|/root/)"

# Only the lines that Codex itself writes above a command's output, not the output.
_EXIT_CODE = (
    r"^(?:(?:Chunk ID: [^\n]*\n)?(?:Wall time: [^\n]*\n)?Process exited with code |Exit code: )"
    r"(?P<code>-?[0-9]{1,9})\b"
)

# What a failed tool puts out where the settings forbid even to ask; no `tool_decision` comes
# then (seen with 0.169.0).
_REFUSED = (
    r"^(?:approval policy is \w+; reject command|patch rejected: )"
    r"|rejected by user approval setting"
)

# What a v1 `spawn_agent` gives back (seen with 0.169.0): the only word in log records of who
# started whom.
_SPAWNED = r'^\{"agent_id": ?"(?P<id>[0-9a-f-]{36})"'

_NULL_TEXT = pa.scalar(None, pa.string())

# Input counts include cached and cache-write tokens (fact 6): `_n_input` is what Codex tells.
_LOGS = (
    lift("session_id", "conversation.id"),
    lift("parent_session_id", "parent.conversation.id"),
    lift("_sender", "sender_thread_id"),
    lift("_receiver", "receiver_thread_id"),
    look("_message", "kind"),
    lift("turn_id", "turn.id"),
    lift("user_id", "user.account_id"),
    lift("user_email", "user.email"),
    lift("agent_version", "app.version"),
    lift("terminal", "terminal.type"),
    lift("sequence", "tool_result_seq"),
    lift("model", "model", "slug"),
    lift("effort", "model_reasoning_effort", "reasoning_effort"),
    lift("speed", "service_tier", "speed"),
    lift("request_id", "auth.request_id"),
    lift("tool_call_id", "call_id"),
    lift("tool_call_id", "item.id", on="guardian_assessment"),
    lift("tool_name", "tool_name"),
    lift("tool_input", "arguments"),
    lift("mcp_server", "mcp_server"),
    lift("skill", "skill.name"),
    lift("subagent", "agent_name", on="tool_result", pattern=_SUBAGENT),
    lift("decision", "decision", on="tool_decision", pattern="^(approved|denied)$"),
    # What else it may be tells more than `accept` or `reject` does, so it also stays.
    Lift("decision", ("decision",), on=frozenset({"tool_decision"}), keep=True),
    lift("decision_source", "source", on="tool_decision"),
    lift("success", "success"),
    lift("status_code", "http.response.status_code"),
    lift("attempt", "attempt"),
    lift("error_message", "error.message"),
    lift("duration_ms", "duration_ms"),
    lift("duration_ms", "initial_duration_ms", on="sandbox_outcome"),
    lift("ttft_ms", "ttft_ms"),
    lift("_n_input", "input_token_count"),
    lift("cache_read_tokens", "cached_token_count"),
    lift("cache_write_tokens", "cache_write_token_count"),
    lift("output_tokens", "output_token_count"),
    lift("reasoning_tokens", "reasoning_token_count"),
    lift("reported_cost_usd", "usage.estimated_usd"),
    lift("content", "prompt", on="user_prompt"),
    lift("content", "output", on="tool_result"),
    lift("content", "response", on="agent_response"),
    lift("content", "content", on="agent_communication"),
    lift("content_length", "prompt_length", on="user_prompt"),
    lift("content_length", "response_length", on="agent_response"),
    look("_kind", "event.kind"),
    look("_provider_name", "provider_name"),
)

_SPANS = (
    lift("session_id", "conversation.id", "thread.id", "thread_id", pattern=_UUID),
    # Spans of the code-mode host name a session of their own there (seen with 0.169.0).
    lift("session_id", "session.id", on="mcp.tools.call", pattern=_UUID),
    lift("turn_id", "turn.id", "turn_id", "submission.id"),
    lift("model", "model"),
    lift("effort", "codex.turn.reasoning_effort", "codex.request.reasoning_effort"),
    lift("tool_call_id", "call_id", "tool.call_id"),
    lift("tool_name", "tool_name", "tool.name"),
    lift("mcp_server", "mcp.server.name"),
    lift("error_type", "error.type"),
    lift("cwd", "cwd"),
    lift("_n_input", "gen_ai.usage.input_tokens", "codex.turn.token_usage.input_tokens"),
    lift(
        "cache_read_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "codex.turn.token_usage.cached_input_tokens",
    ),
    lift(
        "cache_write_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "codex.turn.token_usage.cache_write_input_tokens",
    ),
    lift("output_tokens", "gen_ai.usage.output_tokens", "codex.turn.token_usage.output_tokens"),
    lift(
        "reasoning_tokens",
        "codex.usage.reasoning_output_tokens",
        "codex.turn.token_usage.reasoning_output_tokens",
    ),
)

_POINTS = (
    lift("session_id", "conversation.id"),
    lift("turn_id", "turn.id"),
    lift("model", "model", "model_slug"),
    lift("effort", "reasoning_effort"),
    lift("speed", "speed"),
    lift("tool_name", "tool"),
    lift("mcp_server", "server"),
    lift("skill", "skill"),
    lift("success", "success"),
    lift("status_code", "status", on="api_request api_request.duration_ms"),
)

_LOG_TYPES = {
    "conversation_starts": "session_start",
    "startup_phase": "startup",
    "user_prompt": "user_prompt",
    "agent_response": "assistant_response",
    "api_request": "api_attempt",
    "websocket_request": "api_attempt",
    "sse_event": "stream_chunk",
    "tool_decision": "tool_decision",
    # A reviewer's verdict on a tool call, and what became of the call's first run.
    "guardian_assessment": "tool_decision",
    "sandbox_outcome": "tool_execution",
    "tool_result": "tool_result",
    "skill_invocation": "skill",
    "agent_communication": "subagent",
    "turn_cost": "turn_cost",
}

_SPAN_TYPES = {
    "session_task.turn": "turn",
    "session_task.review": "turn",
    # Both are of one response: this names the turn and the model,
    "try_run_sampling_request": "llm_attempt",
    # and this the turn and the session. The tokens are on `handle_responses`, beside it.
    "sampling": "llm_stream",
    "unified_exec.exec_command": "tool_execution",
    "mcp.tools.call": "tool_execution",
    "run_auto_compact": "compaction",
}

# Span events that repeat a log record (section 9, "They mirror logs").
_MIRRORS = frozenset(
    f"codex.{name}"
    for name in (
        "conversation_starts",
        "startup_phase",
        "user_prompt",
        "api_request",
        "auth_recovery",
        "turn_ttft",
        "sandbox_outcome",
        "websocket_connect",
        "websocket_request",
        "tool_result",
    )
)

_DECISIONS = {
    "approved": "accept",
    "approved_for_session": "accept",
    "approved_execpolicy_amendment": "accept",
    "denied": "reject",
    "timed_out": "reject",
    "abort": "reject",
}
_SOURCES = {
    "Config": "config",
    "User": "user",
    "AutomatedReviewer": "automated_reviewer",
}
_PROVIDERS = {"OpenAI": "openai"}

# Their trace is the thread's start, not a turn (section 4, "turn via trace").
_OUTSIDE_TURNS = pa.array(["codex.conversation_starts", "codex.startup_phase"])


def _provider(columns: Columns) -> pa.Array:
    """Name the API that Codex speaks, wherever a model is named."""
    return pc.if_else(columns["model"].is_valid(), pa.scalar("openai"), _NULL_TEXT)


def _word(told: pa.Array, words: dict[str, str]) -> pa.Array:
    """Translate words; one that is not in the table stays as it is."""
    at = pc.index_in(told, pa.array(list(words)))
    return pc.coalesce(pa.array(list(words.values())).take(at), told)


def _sse_type(columns: Columns) -> pa.Array:
    """Tell the three kinds of `codex.sse_event` apart (section 5).

    A usage record is a finished call. A `response.completed` with an error is a failed one; the
    error records of other kinds announce the same failure and stay stream chunks.
    """
    usage = columns["_n_input"].is_valid()
    failed = pc.and_(
        columns["error_message"].is_valid(),
        pc.fill_null(pc.equal(columns["_kind"], pa.scalar("response.completed")), False),
    )
    told = pc.if_else(failed, pa.scalar("api_error"), columns["event_type"])
    told = pc.if_else(usage, pa.scalar("api_request"), told)
    sse = pc.equal(columns["event_name"], pa.scalar("codex.sse_event"))
    return pc.if_else(pc.fill_null(sse, False), told, columns["event_type"])


def _turn(columns: Columns) -> pa.Array:
    inside = pc.invert(pc.is_in(columns["event_name"], _OUTSIDE_TURNS))
    # `/models` is asked for between turns, and alone tells no conversation (section 5).
    named = pc.and_(
        pc.and_(inside, columns["event_name"].is_valid()), columns["session_id"].is_valid()
    )
    return pc.coalesce(columns["turn_id"], pc.if_else(named, columns["trace_id"], _NULL_TEXT))


def _exit_code(columns: Columns) -> pa.Array:
    """Read the exit code that Codex tells in the output's text alone (fact 9)."""
    ran = pc.equal(columns["event_name"], pa.scalar("codex.tool_result"))
    output = pc.if_else(pc.fill_null(ran, pa.scalar(False)), columns["content"], _NULL_TEXT)
    if output.null_count == len(output):
        return columns["exit_code"]
    return pc.struct_field(pc.extract_regex(output, _EXIT_CODE), "code").cast(pa.int32())


def _spawned(columns: Columns) -> pa.Array:
    """Read the id of the sub-agent that a tool call started in its output's text."""
    started = pc.and_(
        pc.equal(columns["event_name"], pa.scalar("codex.tool_result")),
        pc.equal(columns["tool_name"], pa.scalar("spawn_agent")),
    )
    output = pc.if_else(started, columns["content"], _NULL_TEXT)
    if output.null_count == len(output):
        return columns["subagent_id"]
    told = pc.struct_field(pc.extract_regex(output, _SPAWNED), "id")
    return pc.coalesce(columns["subagent_id"], told)


def _kin(columns: Columns) -> dict[str, pa.Array]:
    """Tell parent from child in what agents send each other: a result goes up, all else down."""
    spawned = _spawned(columns)
    if "_sender" not in columns and "_receiver" not in columns:
        return {"subagent_id": spawned}
    up = pc.fill_null(pc.equal(columns["_message"], pa.scalar("result")), pa.scalar(False))
    parent = pc.if_else(up, columns["_receiver"], columns["_sender"])
    child = pc.if_else(up, columns["_sender"], columns["_receiver"])
    return {
        "parent_session_id": pc.coalesce(columns["parent_session_id"], parent),
        "subagent_id": pc.coalesce(spawned, child),
    }


def _failed_output(columns: Columns) -> pa.Array:
    """Give what failed tools put out."""
    failed = pc.fill_null(pc.invert(columns["success"]), pa.scalar(False))
    tool = pc.equal(columns["event_type"], pa.scalar("tool_result"))
    return pc.if_else(pc.and_(failed, tool), columns["content"], _NULL_TEXT)


def _decided(columns: Columns, failed_output: pa.Array) -> dict[str, pa.Array]:
    """Tell what was decided, also where a tool's output alone says that it was refused."""
    decision = _word(columns["decision"], _DECISIONS)
    source = _word(columns["decision_source"], _SOURCES)
    if failed_output.null_count == len(failed_output):
        return {"decision": decision, "decision_source": source}
    refused = pc.match_substring_regex(failed_output, _REFUSED)
    refused = pc.fill_null(refused, pa.scalar(False))
    return {
        "decision": pc.if_else(refused, pa.scalar("reject"), decision),
        "decision_source": pc.if_else(refused, pa.scalar("config"), source),
    }


def _derive_logs(columns: Columns) -> dict[str, pa.Array]:
    failed_output = _failed_output(columns)
    return {
        "event_type": _sse_type(columns),
        "turn_id": _turn(columns),
        "input_tokens": uncached(columns),
        "provider": pc.coalesce(
            pc.ascii_lower(_word(columns["_provider_name"], _PROVIDERS)), _provider(columns)
        ),
        **_decided(columns, failed_output),
        "exit_code": _exit_code(columns),
        # Codex tells a failed tool's error nowhere else.
        "error_message": pc.coalesce(columns["error_message"], failed_output),
        **_kin(columns),
    }


def _derive_spans(columns: Columns) -> dict[str, pa.Array]:
    usage = pc.and_(
        pc.equal(columns["event_name"], pa.scalar("handle_responses")),
        columns["_n_input"].is_valid(),
    )
    # A tool's own span is named like the tool; others name it too (guardian_scoring_observation).
    named = pc.fill_null(pc.equal(columns["event_name"], columns["tool_name"]), pa.scalar(False))
    tool = pc.and_(columns["tool_call_id"].is_valid(), named)
    plain = pc.equal(columns["event_type"], pa.scalar("span"))
    kind = pc.if_else(pc.and_(plain, tool), pa.scalar("tool"), columns["event_type"])
    return {
        "event_type": pc.if_else(usage, pa.scalar("llm_request"), kind),
        "input_tokens": uncached(columns),
        "provider": _provider(columns),
    }


def _derive_points(columns: Columns) -> dict[str, pa.Array]:
    return {"provider": _provider(columns)}


CODEX = Dialect(
    agent="codex",
    prefix="codex.",
    scopes=("codex",),
    lifts={Signal.LOGS: _LOGS, Signal.TRACES: _SPANS, Signal.METRICS: _POINTS},
    types={Signal.LOGS: _LOG_TYPES, Signal.TRACES: _SPAN_TYPES, Signal.METRICS: {}},
    derive={
        Signal.LOGS: _derive_logs,
        Signal.TRACES: _derive_spans,
        Signal.METRICS: _derive_points,
    },
    mirrors=_MIRRORS,
)
