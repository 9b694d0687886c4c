"""Fix the tables that session-scope processors make: names, types and what each column means.

Those of what they find out (errors, insights, ...) stand in ``found``. A contract like that of
``schema``: add, never rename. Each has `session_id` and `agent`.
"""

from .batch import Table
from .found import FOUND_COLUMNS, FOUND_TABLES
from .schema import FLAG, REAL, SMALL, TEXT, TEXTS, TIME, WHOLE, WHOSE, Column, table_of

TOKEN_COLUMNS = (
    Column("input_tokens", WHOLE, "Input tokens that were not cached."),
    Column("cache_read_tokens", WHOLE, "Input tokens read from the cache."),
    Column("cache_write_tokens", WHOLE, "Input tokens written to the cache."),
    Column("output_tokens", WHOLE, "Output tokens, with those of reasoning."),
    Column("reasoning_tokens", WHOLE, "The part of output_tokens spent on reasoning."),
)

SUM_OF_TURN = "/rest"
"""What the `api_call_id` ends in of a row that is all a turn spent besides its other calls."""

API_CALL_COLUMNS = (
    *WHOSE,
    Column("api_call_id", TEXT, "The request id, or a name made of what told of the call."),
    Column("turn_id", TEXT, "The turn it belongs to; see `turns`."),
    Column("time", TIME, "When it was over; for a row of metrics, the last point."),
    Column("provider", TEXT, "Who serves the model: `anthropic`, `openai`, ..."),
    Column("model", TEXT, "The model id as sent."),
    Column("query_source", TEXT, "What the model was asked for: main loop, sub-agent, title, ..."),
    Column("subagent", TEXT, "The kind or name of the sub-agent that asked."),
    Column("subagent_id", TEXT, "The sub-agent's own id."),
    Column("request_id", TEXT, "The id of the request, where the agent tells one."),
    *TOKEN_COLUMNS[:3],
    Column("cache_write_1h_tokens", WHOLE, "The part of cache_write_tokens kept for an hour."),
    *TOKEN_COLUMNS[3:],
    Column("duration_ms", REAL, "Milliseconds the call took; its last attempt, where told."),
    Column("ttft_ms", REAL, "Milliseconds to the first token."),
    Column("attempt", SMALL, "Which attempt this was, as the agent counts."),
    Column("success", FLAG, "False for a call that failed; it has no usage."),
    Column("stop_reason", TEXT, "Why the model stopped."),
    Column("status_code", SMALL, "The HTTP status of the answer."),
    Column("error_message", TEXT, "The error in words."),
    Column("effort", TEXT, "The reasoning effort asked for."),
    Column("speed", TEXT, "The speed or service tier: `normal`, `fast`, `priority`, `batch`."),
    Column("reported_cost_usd", REAL, "US dollars, as the agent said."),
    Column("computed_cost_usd", REAL, "US dollars, from tokens and prices; NULL without a price."),
    Column("cost_gap_usd", REAL, "reported_cost_usd less computed_cost_usd, where there are both."),
    Column("cost_usd", REAL, "US dollars to count with; NULL if it cannot be known."),
    Column(
        "cost_status", TEXT, "`reported`, `computed`, `disputed` or `unpriced`; NULL if it failed."
    ),
    Column("cost_note", TEXT, "Why the two costs differ, or why there is no price."),
    Column("price_id", TEXT, "The price that was used: list, model, date and tier."),
    Column("usage_source", TEXT, "Whose numbers these are: `logs`, `traces` or `metrics`."),
    Column("told_by", TEXTS, "All signals that told of the call."),
)

TOOL_CALL_COLUMNS = (
    *WHOSE,
    Column("tool_call_id", TEXT, "The agent's own id of this use of a tool."),
    Column("turn_id", TEXT, "The turn it belongs to; see `turns`."),
    Column("tool_name", TEXT, "The tool's name."),
    Column("mcp_server", TEXT, "The MCP server the tool belongs to."),
    Column("subagent", TEXT, "The kind or name of the sub-agent that used it."),
    Column("subagent_id", TEXT, "The sub-agent's own id."),
    Column("parent_tool_call_id", TEXT, "The code-mode call that made this one."),
    Column("started_at", TIME, "When it began: the decision was due."),
    Column("ended_at", TIME, "When its result was there; NULL if none came."),
    Column("wait_ms", REAL, "Milliseconds it waited for a decision."),
    Column("duration_ms", REAL, "Milliseconds it ran, without the wait where that is known."),
    Column("decision", TEXT, "`accept` or `reject`."),
    Column("decision_source", TEXT, "Who decided."),
    Column("success", FLAG, "Whether it worked: False also for an exit code other than 0."),
    Column("exit_code", SMALL, "A command's exit code, also where the agent hides it in text."),
    Column("error_type", TEXT, "The kind of error."),
    Column("error_message", TEXT, "The error in words."),
    Column("status", TEXT, "`done`, `rejected`, `pending` or `no_result`."),
    Column("file_path", TEXT, "The file it was about."),
    Column("parallel_group", WHOLE, "Number of the group of uses that ran at one time in a turn."),
    Column("trace_id", TEXT, "The trace of its span; hex."),
    Column("span_id", TEXT, "Its span; hex."),
    Column("told_by", TEXTS, "All signals that told of it."),
)

TURN_COLUMNS = (
    *WHOSE,
    Column("turn_id", TEXT, "The agent's own id of the turn, else `<session_id>/<number>`."),
    Column("number", WHOLE, "Which turn of the session it is, from 1."),
    Column("started_at", TIME, "When the prompt was given."),
    Column("ended_at", TIME, "When it was over, else the last that was heard of it."),
    Column("duration_ms", REAL, "Milliseconds from start to end."),
    Column("prompt", TEXT, "The prompt, after redaction."),
    Column("prompt_length", WHOLE, "The prompt's length, as the agent says."),
    Column("api_calls", WHOLE, "Calls of the model."),
    Column("tool_calls", WHOLE, "Uses of tools."),
    Column("errors", WHOLE, "API calls and tool calls that failed; NULL if nothing would tell."),
    Column("tokens", WHOLE, "All tokens: input, cached, written to the cache, output."),
    *TOKEN_COLUMNS,
    Column("cost_usd", REAL, "US dollars of its calls; NULL if none has a price."),
    Column("cost_coverage", REAL, "Share of its calls with usage that have a price."),
    Column("reported_cost_usd", REAL, "US dollars, as the agent said of the turn or its calls."),
    Column("status", TEXT, "`done`, `active`, `stalled` or `aborted`."),
)

SESSION_COLUMNS = (
    *WHOSE,
    Column("started_at", TIME, "The first that was heard of it."),
    Column("last_seen_at", TIME, "The last that was heard of it."),
    Column("ended_at", TIME, "When it ended, where the agent said so."),
    Column("status", TEXT, "`active`, `idle` or `ended`, as of the processor's last run."),
    Column("started_by", TEXT, "`fresh`, `resume`, `continue`, `clear`, `subagent`, `review`."),
    Column("resumes", WHOLE, "How often it was taken up again."),
    Column("agent_version", TEXT, "The agent's own version, the last one heard."),
    Column("parent_session_id", TEXT, "The session that started this one."),
    Column("user_id", TEXT, "The user, as the agent or the sender's token names him."),
    Column("user_email", TEXT, "The user's mail address."),
    Column("organization_id", TEXT, "The user's organisation."),
    Column("team", TEXT, "The team."),
    Column("cwd", TEXT, "The working directory."),
    Column("repository", TEXT, "The repository."),
    Column("branch", TEXT, "The branch, the last one heard."),
    Column("terminal", TEXT, "The kind of terminal the agent runs in."),
    Column("models", TEXTS, "The models that were called, also where that failed, in order."),
    Column("events", WHOLE, "Rows of `events`."),
    Column("turns", WHOLE, "Turns."),
    Column("api_calls", WHOLE, "Calls of the model; NULL where only metrics tell of them."),
    Column("api_errors", WHOLE, "Calls of the model that failed; NULL if nothing would tell."),
    Column("tool_calls", WHOLE, "Uses of tools."),
    Column("tool_errors", WHOLE, "Uses of tools that failed; NULL if nothing would tell."),
    *TOKEN_COLUMNS,
    Column("cost_usd", REAL, "US dollars of its calls; NULL if none has a price."),
    Column("cost_coverage", REAL, "Share of its calls with usage that have a price."),
    Column("reported_cost_usd", REAL, "US dollars, as the agent said of its calls or turns."),
    Column("error_density", REAL, "Events that tell of an error, per 100 events."),
    Column("human_activity", WHOLE, "Prompts and decisions of the human."),
    Column("agent_activity", WHOLE, "API calls, tool results and answers of the agent."),
    Column("lines_added", WHOLE, "Lines added; from metrics alone."),
    Column("lines_removed", WHOLE, "Lines removed; from metrics alone."),
    Column("commits", WHOLE, "Commits; from metrics alone."),
    Column("pull_requests", WHOLE, "Pull requests; from metrics alone."),
    Column("active_time_s", REAL, "Seconds of use, the human's and the agent's; from metrics."),
    Column(
        "capture_ratio", REAL, "What the records hold of what the agent's counters or spans say."
    ),
)

API_CALLS = table_of("api_calls", API_CALL_COLUMNS, ("session_id", "api_call_id"))
TOOL_CALLS = table_of("tool_calls", TOOL_CALL_COLUMNS, ("session_id", "tool_call_id"))
TURNS = table_of("turns", TURN_COLUMNS, ("session_id", "turn_id"))
SESSIONS = table_of("sessions", SESSION_COLUMNS, ("session_id",))

MADE_TABLES: dict[str, Table] = {
    **{table.name: table for table in (API_CALLS, TOOL_CALLS, TURNS, SESSIONS)},
    **FOUND_TABLES,
}
MADE_COLUMNS = {
    "api_calls": API_CALL_COLUMNS,
    "tool_calls": TOOL_CALL_COLUMNS,
    "turns": TURN_COLUMNS,
    "sessions": SESSION_COLUMNS,
    **FOUND_COLUMNS,
}
