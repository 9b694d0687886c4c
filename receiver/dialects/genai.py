"""The dialect of every other agent: OpenTelemetry's GenAI conventions, where it speaks them.

Source: semantic conventions for generative AI 1.42 (spans, events, metrics), and the names they
had before. A sender that speaks none of it is kept whole: nothing is lifted, all stays in
``attributes``.
"""

import pyarrow as pa
import pyarrow.compute as pc

from ...pipeline.core.signal import Signal
from .rules import Columns, Dialect, lift, look
from .tokens import uncached

_NULL_TEXT = pa.scalar(None, pa.string())

_COMMON = (
    lift("session_id", "gen_ai.conversation.id", "session.id"),
    lift("request_id", "gen_ai.response.id"),
    lift("tool_call_id", "gen_ai.tool.call.id"),
    lift("subagent", "gen_ai.agent.name"),
    lift("subagent_id", "gen_ai.agent.id"),
    lift("user_id", "user.id", "enduser.id"),
    lift("user_email", "user.email"),
    lift("team", "team"),
    lift("provider", "gen_ai.provider.name", "gen_ai.system"),
    lift("model", "gen_ai.response.model", "gen_ai.request.model"),
    lift("tool_name", "gen_ai.tool.name"),
    lift("mcp_server", "mcp.server.name"),
    lift("status_code", "http.response.status_code"),
    lift("error_type", "error.type", "exception.type"),
    lift("error_message", "error.message", "exception.message"),
    lift("_n_input", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    lift("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
    lift("cache_write_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    lift("output_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    lift("reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"),
    lift("tool_input", "gen_ai.tool.call.arguments"),
    lift("repository", "vcs.repository.url.full", "vcs.repository.name"),
    lift("branch", "vcs.ref.head.name"),
    look("_operation", "gen_ai.operation.name"),
    look("_finish_reasons", "gen_ai.response.finish_reasons"),
)

# gen_ai.operation.name; a span of an operation we do not know is a span.
_SPAN_TYPES = {
    "chat": "llm_request",
    "generate_content": "llm_request",
    "text_completion": "llm_request",
    "execute_tool": "tool",
    "invoke_agent": "turn",
}
_LOG_TYPES = {
    "gen_ai.client.inference.operation.details": "api_request",
    "gen_ai.user.message": "user_prompt",
    "gen_ai.assistant.message": "assistant_response",
    "gen_ai.choice": "assistant_response",
    "gen_ai.tool.message": "tool_result",
}


def _derive(columns: Columns) -> dict[str, pa.Array]:
    reason = pc.struct_field(
        pc.extract_regex(columns["_finish_reasons"], r'^\["(?P<first>[^"\\]*)"'), "first"
    )
    return {"input_tokens": uncached(columns), "stop_reason": reason}


def _derive_spans(columns: Columns) -> dict[str, pa.Array]:
    at = pc.index_in(columns["_operation"], pa.array(list(_SPAN_TYPES)))
    kind = pa.array(list(_SPAN_TYPES.values())).take(at)
    return {**_derive(columns), "event_type": pc.coalesce(kind, columns["event_type"])}


GENAI = Dialect(
    agent=None,
    lifts=dict.fromkeys(Signal, _COMMON),
    types={Signal.LOGS: _LOG_TYPES, Signal.TRACES: {}, Signal.METRICS: {}},
    derive={
        Signal.LOGS: _derive,
        Signal.TRACES: _derive_spans,
        Signal.METRICS: _derive,
    },
)
