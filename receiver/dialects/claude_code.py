"""Claude Code's dialect. Source: reference of Claude Code 2.1.197, sections 3 to 8."""

import pyarrow as pa
import pyarrow.compute as pc

from ...pipeline.core.signal import Signal
from ..wire.jsontext import string_member
from .rules import Columns, Dialect, Lift, lift, look

_STANDARD = (
    lift("session_id", "session.id"),
    lift("user_id", "user.id"),
    lift("user_email", "user.email"),
    lift("organization_id", "organization.id"),
    lift("team", "team"),
    lift("agent_version", "app.version"),
    lift("terminal", "terminal.type"),
    lift("repository", "vcs.repository.url.full", "vcs.repository.name"),
    lift("branch", "vcs.ref.head.name"),
    lift("model", "model", "gen_ai.request.model"),
    lift("query_source", "query_source"),
    lift("effort", "effort"),
    lift("speed", "speed"),
    lift("skill", "skill.name", "skill_name"),
    lift("mcp_server", "mcp_server.name", "server_name"),
)

_USAGE = (
    lift("input_tokens", "input_tokens"),
    lift("output_tokens", "output_tokens"),
    lift("cache_read_tokens", "cache_read_tokens"),
    lift("cache_write_tokens", "cache_creation_tokens"),
)

_LOGS = (
    *_STANDARD,
    *_USAGE,
    lift("sequence", "event.sequence"),
    lift("turn_id", "prompt.id"),
    lift("request_id", "request_id"),
    lift("tool_call_id", "tool_use_id"),
    lift("tool_name", "tool_name"),
    lift("tool_input", "tool_input"),
    lift("subagent", "agent.name"),
    lift("subagent", "agent_type", on="subagent_completed"),
    lift("decision", "decision", on="tool_decision"),
    lift("decision", "decision_type", on="tool_result"),
    lift("decision_source", "source", on="tool_decision"),
    lift("decision_source", "decision_source", on="tool_result"),
    lift("success", "success"),
    lift("status_code", "status_code"),
    lift("attempt", "attempt"),
    lift("attempt", "total_attempts", on="api_retries_exhausted"),
    lift("error_type", "error_type"),
    lift("error_type", "error_code", on="mcp_server_connection"),
    lift("error_message", "error"),
    lift("duration_ms", "duration_ms"),
    lift("duration_ms", "total_duration_ms", on="hook_execution_complete"),
    lift("duration_ms", "total_retry_duration_ms", on="api_retries_exhausted"),
    lift("reported_cost_usd", "cost_usd"),
    Lift("reported_cost_usd", ("cost_usd_micros",), scale=1e-6),
    lift("content", "prompt", on="user_prompt"),
    lift("content", "response", on="assistant_response"),
    lift("content", "body", on="api_request_body api_response_body"),
    lift("content", "system_prompt", on="system_prompt"),
    lift("content_length", "prompt_length", on="user_prompt"),
    lift("content_length", "response_length", on="assistant_response"),
    lift("content_length", "body_length", on="api_request_body api_response_body"),
    lift("content_length", "system_prompt_length", on="system_prompt"),
    look("_tool_parameters", "tool_parameters"),
)

_SPANS = (
    *_STANDARD,
    *_USAGE,
    lift("provider", "gen_ai.system"),
    lift("request_id", "request_id", "gen_ai.response.id"),
    lift("tool_call_id", "tool_use_id", "gen_ai.tool.call.id"),
    lift("tool_name", "tool_name"),
    lift("tool_input", "tool_input", on="tool"),
    lift("subagent", "subagent_type"),
    lift("subagent_id", "agent_id"),
    lift("decision", "decision", on="tool.blocked_on_user", pattern="^(accept|reject)$"),
    lift("decision_source", "source", on="tool.blocked_on_user", pattern="^(config|hook|user_.+)$"),
    lift("success", "success"),
    lift("status_code", "status_code"),
    lift("attempt", "attempt"),
    lift("error_message", "error"),
    lift("stop_reason", "stop_reason"),
    lift("duration_ms", "duration_ms", "interaction.duration_ms"),
    lift("ttft_ms", "ttft_ms"),
    lift("content", "user_prompt", on="interaction"),
    lift("content_length", "user_prompt_length", on="interaction"),
    lift("content", "full_command", on="tool"),
    lift("content", "response.model_output", on="llm_request"),
)

_POINTS = (
    *_STANDARD,
    lift("subagent", "agent.name"),
    lift("tool_name", "tool_name"),
    lift("decision", "decision", on="code_edit_tool.decision"),
    lift("decision_source", "source", on="code_edit_tool.decision"),
)

_LOG_TYPES = {
    "user_prompt": "user_prompt",
    "assistant_response": "assistant_response",
    "api_request": "api_request",
    "api_error": "api_error",
    "api_refusal": "api_refusal",
    "tool_decision": "tool_decision",
    "tool_result": "tool_result",
    "subagent_completed": "subagent",
    "compaction": "compaction",
    "hook_execution_start": "hook",
    "hook_execution_complete": "hook",
    "hook_registered": "hook",
    "mcp_server_connection": "mcp_connection",
    "skill_activated": "skill",
    "permission_mode_changed": "permission_mode",
    "plugin_loaded": "startup",
}

_SPAN_TYPES = {
    "interaction": "turn",
    "llm_request": "llm_request",
    "tool": "tool",
    "tool.blocked_on_user": "tool_wait",
    "tool.execution": "tool_execution",
    "hook": "hook",
}


def _provider(columns: Columns) -> pa.Array:
    """Name the API that Claude Code speaks, wherever a model is named."""
    spoken = pc.if_else(
        columns["model"].is_valid(), pa.scalar("anthropic"), pa.scalar(None, pa.string())
    )
    return pc.coalesce(columns["provider"], spoken)


def _derive(columns: Columns) -> dict[str, pa.Array]:
    return {"provider": _provider(columns)}


def _derive_logs(columns: Columns) -> dict[str, pa.Array]:
    """Find what MCP tools hide: their names stand in ``tool_parameters`` alone (section 6)."""
    derived = _derive(columns)
    parameters = columns["_tool_parameters"]
    if parameters.null_count == len(parameters):
        return derived
    hidden = pc.equal(columns["tool_name"], pa.scalar("mcp_tool"))
    named = string_member(parameters, "mcp_tool_name")
    derived["tool_name"] = pc.if_else(
        hidden, pc.coalesce(named, columns["tool_name"]), columns["tool_name"]
    )
    derived["mcp_server"] = pc.coalesce(
        columns["mcp_server"], string_member(parameters, "mcp_server_name")
    )
    command = pc.if_else(
        pc.equal(columns["tool_name"], pa.scalar("Bash")),
        string_member(parameters, "full_command"),
        pa.scalar(None, pa.string()),
    )
    derived["content"] = pc.coalesce(columns["content"], command)
    return derived


CLAUDE_CODE = Dialect(
    agent="claude_code",
    prefix="claude_code.",
    short_names=True,
    numbered=True,
    scopes=("com.anthropic.claude_code",),
    lifts={Signal.LOGS: _LOGS, Signal.TRACES: _SPANS, Signal.METRICS: _POINTS},
    types={Signal.LOGS: _LOG_TYPES, Signal.TRACES: _SPAN_TYPES, Signal.METRICS: {}},
    derive={
        Signal.LOGS: _derive_logs,
        Signal.TRACES: _derive,
        Signal.METRICS: _derive,
    },
)
