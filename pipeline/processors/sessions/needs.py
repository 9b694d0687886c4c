"""Say what `sessions` is to be given: few columns of all events, more of the few that tell more."""

from ...core.made import API_CALLS, TOOL_CALLS, TURNS
from ...core.schema import EVENTS
from ...core.sessions import Need, Of

WHO = (
    "agent_version",
    "user_id",
    "user_email",
    "organization_id",
    "team",
    "cwd",
    "repository",
    "branch",
    "terminal",
)
"""What any event may tell of its session; see ``who``."""

SERIES = (
    *("session_id", "event_name", "resource_id", "model", "query_source", "effort", "speed"),
    *("subagent", "skill", "mcp_server", "terminal", "user_id", "agent_version"),
    *("attributes.type", "attributes.start_type", "attributes.plugin.name"),
    *("attributes.mcp_tool.name", "attributes.marketplace.name", "attributes.workflow.name"),
)
"""What tells one series of a counter from another: reference of Claude Code, section 5."""

COUNTED = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
"""The columns of tokens that add up to all tokens."""

TOKENS = (*COUNTED, "reasoning_tokens")

EVENTS_NEED = Need(
    EVENTS,
    (
        *("session_id", "agent", "signal", "event_type", "time", "end_time", "received_at"),
        *("sequence", "success", "exit_code", "error_message", "parent_session_id"),
        *WHO,
    ),
)

STEPS_NEED = Need(
    EVENTS,
    (
        *("session_id", "agent", "signal", "event_type", "event_name", "time", "trace_id"),
        *("turn_id", *COUNTED, "content", "attributes.command_name", "attributes.hook_event"),
    ),
    event_types=("user_prompt", "turn", "session_start", "session_end", "hook"),
    label="steps",
)

POINTS_NEED = Need(
    EVENTS,
    (*SERIES, "time", "start_time", "value", "temporality"),
    event_types=("metric",),
    label="points",
)

KIN_NEED = Need(
    EVENTS,
    ("session_id", "event_type", "time", "trace_id", "subagent_id", "parent_session_id"),
    event_types=("session_start", "user_prompt", "turn", "subagent", "tool_result"),
    of=Of.KIN,
)

CALLS_NEED = Need(
    API_CALLS,
    (
        *("session_id", "api_call_id", "turn_id", "model", *TOKENS, "success"),
        *("reported_cost_usd", "cost_usd", "cost_status", "usage_source"),
    ),
)

TOOLS_NEED = Need(
    TOOL_CALLS,
    ("session_id", "tool_call_id", "subagent", "decision_source", "success", "status"),
)

TURNS_NEED = Need(TURNS, ("session_id", "turn_id", "reported_cost_usd"))

NEEDS = (EVENTS_NEED, STEPS_NEED, POINTS_NEED, KIN_NEED, CALLS_NEED, TOOLS_NEED, TURNS_NEED)
