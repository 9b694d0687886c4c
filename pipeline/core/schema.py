"""Fix the tables that telemetry fills: names, types and what each column means.

The columns are a contract with everybody who writes SQL against them: add, never rename.
"""

from dataclasses import dataclass

import pyarrow as pa

from .batch import Table

TEXT = pa.string()
WHOLE = pa.int64()
SMALL = pa.int32()
REAL = pa.float64()
FLAG = pa.bool_()
TIME = pa.timestamp("us")
UUID = pa.binary(16)
MAP = pa.map_(pa.string(), pa.string())
TEXTS = pa.list_(pa.string())
REALS = pa.list_(pa.float64())


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its Arrow type and one sentence for the reader of a query."""

    name: str
    type: pa.DataType
    meaning: str


EVENT_COLUMNS = (
    Column("event_id", UUID, "Hash of the natural key: a record sent twice has the same id."),
    Column("source", TEXT, "The door it came through: `otlp`."),
    Column("signal", TEXT, "`logs`, `traces` or `metrics`."),
    Column("agent", TEXT, "`claude_code`, `codex`, else the service name."),
    Column("agent_version", TEXT, "The agent's own version."),
    Column("scope", TEXT, "Name of the instrumentation scope."),
    Column("event_type", TEXT, "Our word for what happened."),
    Column("event_name", TEXT, "The agent's own full name for it; a span's or metric's name."),
    Column("time", TIME, "When it happened; for a span, when it began."),
    Column("end_time", TIME, "When a span ended."),
    Column("received_at", TIME, "When this service accepted it."),
    Column("sequence", WHOLE, "The agent's own counter."),
    Column("session_id", TEXT, "One run of an agent."),
    Column("parent_session_id", TEXT, "The session that started a sub-agent's session."),
    Column("turn_id", TEXT, "One user prompt and all it caused."),
    Column("trace_id", TEXT, "Hex; NULL if absent or invalid."),
    Column("span_id", TEXT, "Hex; NULL if absent or invalid."),
    Column("parent_span_id", TEXT, "Hex; NULL if absent or invalid."),
    Column("request_id", TEXT, "One request to the model."),
    Column("tool_call_id", TEXT, "One use of a tool."),
    Column("subagent", TEXT, "The kind or name of the sub-agent at work."),
    Column("subagent_id", TEXT, "The sub-agent's own id."),
    Column("user_id", TEXT, "The user, as the agent names him."),
    Column("user_email", TEXT, "The user's mail address."),
    Column("organization_id", TEXT, "The user's organisation."),
    Column("team", TEXT, "The team, where the sender was told it."),
    Column("provider", TEXT, "Who serves the model: `anthropic`, `openai`, ..."),
    Column("model", TEXT, "The model id as sent."),
    Column("query_source", TEXT, "What the model was asked for: main loop, sub-agent, title, ..."),
    Column("tool_name", TEXT, "The tool's name."),
    Column("mcp_server", TEXT, "The MCP server the tool belongs to."),
    Column("skill", TEXT, "The skill at work."),
    Column("decision", TEXT, "`accept` or `reject`."),
    Column("decision_source", TEXT, "Who decided."),
    Column("success", FLAG, "Whether it worked, in the agent's own words."),
    Column("exit_code", SMALL, "A command's exit code."),
    Column("status_code", SMALL, "The HTTP status of the request to the model."),
    Column("attempt", SMALL, "Which attempt this was, as the agent counts."),
    Column("error_type", TEXT, "The kind of error."),
    Column("error_message", TEXT, "The error in words."),
    Column("stop_reason", TEXT, "Why the model stopped."),
    Column("input_tokens", WHOLE, "Input tokens that were not cached."),
    Column("cache_read_tokens", WHOLE, "Input tokens read from the cache."),
    Column("cache_write_tokens", WHOLE, "Input tokens written to the cache."),
    Column("output_tokens", WHOLE, "Output tokens, with those of reasoning."),
    Column("reasoning_tokens", WHOLE, "The part of output_tokens spent on reasoning."),
    Column("reported_cost_usd", REAL, "US dollars, as the agent said."),
    Column("cost_usd", REAL, "US dollars; NULL if it cannot be known."),
    Column("cost_status", TEXT, "`reported`, `computed` or `unpriced`; NULL without usage."),
    Column("duration_ms", REAL, "Milliseconds it took."),
    Column("ttft_ms", REAL, "Milliseconds to the first token."),
    Column("value", REAL, "A metric point's value; a histogram's sum."),
    Column("unit", TEXT, "A metric's unit."),
    Column("temporality", TEXT, "`delta` or `cumulative`."),
    Column("start_time", TIME, "Since when a metric point counts."),
    Column("count", WHOLE, "How many measurements a histogram or summary holds."),
    Column("bounds", pa.list_(REAL), "A histogram's explicit bounds."),
    Column("bucket_counts", pa.list_(WHOLE), "A histogram's bucket counts."),
    Column("min", REAL, "The smallest measurement of a histogram."),
    Column("max", REAL, "The largest measurement of a histogram."),
    Column("severity", SMALL, "OpenTelemetry's severity number."),
    Column("content", TEXT, "Prompt, response, output or command text, after redaction."),
    Column("content_length", WHOLE, "The content's length before redaction, as the agent says."),
    Column("tool_input", TEXT, "What the tool was given, JSON text, after redaction."),
    Column("cwd", TEXT, "The working directory."),
    Column("repository", TEXT, "The repository."),
    Column("branch", TEXT, "The branch."),
    Column("effort", TEXT, "The reasoning effort asked for."),
    Column("speed", TEXT, "The speed or service tier asked for: `normal`, `fast`, `priority`."),
    Column("terminal", TEXT, "The kind of terminal the agent runs in."),
    Column("attributes", MAP, "What no column took: strings as they are, the rest as JSON text."),
    Column("resource_id", pa.uint64(), "The resource that sent it; see `resources`."),
    Column("position", WHOLE, "Where the request stands in the log."),
)

RESOURCE_COLUMNS = (
    Column("resource_id", pa.uint64(), "Hash of the attributes."),
    Column("attributes", MAP, "The resource's attributes as text."),
    Column("first_seen", TIME, "When this service first accepted something of it."),
)

SPAN_EVENT_COLUMNS = (
    Column("event_id", UUID, "The span's event_id."),
    Column("name", TEXT, "The span event's name."),
    Column("time", TIME, "When it happened."),
    Column("attributes", MAP, "Its attributes as text."),
    Column("index", SMALL, "Which of the span's events it is, from 0."),
)


WHOSE = (
    Column("session_id", TEXT, "One run of an agent; see `events`."),
    Column("agent", TEXT, "`claude_code`, `codex`, else the service name."),
)
"""What every table that session-scope processors make begins with."""


def table_of(name: str, columns: tuple[Column, ...], key: tuple[str, ...]) -> Table:
    """Make a table of its columns."""
    return Table(name, pa.schema([pa.field(c.name, c.type) for c in columns]), key)


EVENTS = table_of("events", EVENT_COLUMNS, ("event_id",))
RESOURCES = table_of("resources", RESOURCE_COLUMNS, ("resource_id",))
SPAN_EVENTS = table_of("span_events", SPAN_EVENT_COLUMNS, ("event_id", "index"))

TABLES = {table.name: table for table in (EVENTS, RESOURCES, SPAN_EVENTS)}
COLUMNS = {
    "events": EVENT_COLUMNS,
    "resources": RESOURCE_COLUMNS,
    "span_events": SPAN_EVENT_COLUMNS,
}
