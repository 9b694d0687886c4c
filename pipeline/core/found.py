"""Fix the tables of what processors find out: names, types and what each column means.

A contract like that of ``schema``: add, never rename. Each has `session_id` and `agent`.
"""

from .batch import Table
from .schema import REAL, REALS, TEXT, TEXTS, TIME, UUID, WHOLE, WHOSE, Column, table_of

UNKNOWN_MODEL = "unknown"
"""Stands in `agent_performance` for a model that is not told: a key is never NULL."""

ERROR_CLUSTER_COLUMNS = (
    *WHOSE,
    Column("fingerprint", TEXT, "A hash of the template: the same on any machine, in any run."),
    Column("template", TEXT, "What errors have in common; what differs is `<path>`, `<n>`, ..."),
    Column("category", TEXT, "The kind of error: `missing_file`, `test_failure`, `timeout`, ..."),
    Column("source", TEXT, "What failed: `tool`, `api`, `hook`, `mcp` or `compaction`."),
    Column("example", TEXT, "The line that matters of the first error, as it came."),
    Column("tool_name", TEXT, "The tool that failed first."),
    Column("mcp_server", TEXT, "The MCP server that tool, or what failed, belongs to."),
    Column("command", TEXT, "The program that failed first, with its subcommand."),
    Column("count", WHOLE, "Errors."),
    Column("first_at", TIME, "When the first of them was known."),
    Column("last_at", TIME, "When the last of them was known."),
    Column("resolved", WHOLE, "Errors after which the same tool worked again; NULL if untold."),
    Column("resolved_by", TEXT, "The command with which it first worked again, where it is told."),
    Column(
        "cost_after_usd",
        REAL,
        "US dollars of the API calls from the error to the next success of the same tool, else to "
        "the turn's end; a call within several such spans counts once. NULL without a price.",
    ),
    Column("cost_after_coverage", REAL, "Share of those calls with usage that have a price."),
    Column("turns_after", WHOLE, "Turns in which those calls were made."),
    Column("example_event_id", UUID, "The event that tells of the first error."),
    Column("advice", TEXT, "A line for the agent's instructions that may spare the error."),
)

CORRELATION_COLUMNS = (
    *WHOSE,
    Column("error_event_id", UUID, "The event that tells of the error."),
    Column("cause_event_id", UUID, "The event that tells of what was done to the file before."),
    Column("cause", TEXT, "Who did it: `agent` (an edit) or `human` (named it, decided on it)."),
    Column("file_path", TEXT, "The file, as the cause names it."),
    Column("error_at", TIME, "When the error was known."),
    Column("time_delta_ms", REAL, "Milliseconds from the cause to the error."),
    Column("confidence", REAL, "0.7 for an edit of the agent, 0.5 for a human's action."),
    Column("turn_id", TEXT, "The turn of the error; see `turns`."),
    Column("tool_call_id", TEXT, "The use of a tool that failed, if it was one; see `tool_calls`."),
    Column("fingerprint", TEXT, "The error's cluster; see `error_clusters`."),
)

INSIGHT_COLUMNS = (
    *WHOSE,
    Column("insight_id", TEXT, "A hash of what it is about: it stays the same from run to run."),
    Column("kind", TEXT, "The rule that found it: `error_density`, `break_fix_loop`, ..."),
    Column("severity", TEXT, "`info`, `warning` or `critical`."),
    Column("category", TEXT, "`errors`, `loops`, `cost`, `turns`, `permissions` or `capture`."),
    Column("message", TEXT, "What was found and what to do about it, in a sentence or two."),
    Column("payload", TEXT, "The numbers behind it, as a JSON object."),
    Column("at", TIME, "When what it is about began."),
    Column("turn_id", TEXT, "The turn it is about, if it is about one; see `turns`."),
    Column("cost_usd", REAL, "US dollars it cost; NULL where that cannot be told."),
    Column("provider", TEXT, "Who serves the agent's model."),
    Column("model", TEXT, "The agent's model: of several, that with the most output."),
    Column("processor_version", TEXT, "The version of the processor that found it."),
    Column("evidence", TEXTS, "The ids of events that show it, at most 20; see `events.event_id`."),
)

REVIEW_COLUMNS = (
    *INSIGHT_COLUMNS,
    Column("made_by", TEXT, "`model`, or `rules` where the model could not be asked."),
    Column("reviewer_model", TEXT, "The model that reviewed, as its endpoint names it."),
    Column("reviewed_at", TIME, "When the review was made."),
    Column("digest", TEXT, "A hash of what was reviewed: the same is not reviewed twice."),
)

AGENT_PERFORMANCE_COLUMNS = (
    *WHOSE,
    Column("provider", TEXT, "Who serves the model."),
    Column("model", TEXT, "The model id as sent; `unknown` where it is not told."),
    Column("api_calls", WHOLE, "Calls of the model; NULL where only metrics tell of them."),
    Column("api_errors", WHOLE, "Calls of the model that failed; NULL if nothing would tell."),
    Column("tokens", WHOLE, "All tokens: input, cached, written to the cache, output."),
    Column("input_tokens", WHOLE, "Input tokens that were not cached."),
    Column("cache_read_tokens", WHOLE, "Input tokens read from the cache."),
    Column("cache_write_tokens", WHOLE, "Input tokens written to the cache."),
    Column("output_tokens", WHOLE, "Output tokens, with those of reasoning."),
    Column("cost_usd", REAL, "US dollars of its calls; NULL if none has a price."),
    Column("cost_coverage", REAL, "Share of its calls with usage that have a price."),
    Column("turns", WHOLE, "Turns in which it put out more tokens than any other model."),
    Column("cost_per_turn_usd", REAL, "cost_usd by turns."),
    Column("tool_calls", WHOLE, "Uses of tools in its turns."),
    Column("tool_errors", WHOLE, "Of these, those that failed; NULL if nothing would tell."),
    Column("tool_successes", WHOLE, "Of these, those that worked; NULL if nothing would tell."),
    Column("tool_success_rate", REAL, "Share of its uses of tools that worked, of those told of."),
    Column("error_rate", REAL, "Share of its API calls and uses of tools that failed."),
    Column("edits", WHOLE, "Edits of files that it asked for."),
    Column(
        "edits_rejected",
        WHOLE,
        "Of these, those that were not allowed; NULL if nothing would tell.",
    ),
    Column("rejected_share", REAL, "edits_rejected by edits."),
    Column("break_fix_loops", WHOLE, "Runs of edits and failing tests in turn; NULL if untold."),
    Column("api_call_p50_ms", REAL, "Milliseconds of an API call, the median."),
    Column("api_call_p95_ms", REAL, "Milliseconds of an API call, the 95th percentile."),
    Column("tool_call_p50_ms", REAL, "Milliseconds of a use of a tool, the median."),
    Column("tool_call_p95_ms", REAL, "Milliseconds of a use of a tool, the 95th percentile."),
    Column("turn_p50_ms", REAL, "Milliseconds of a turn, the median."),
    Column("turn_p95_ms", REAL, "Milliseconds of a turn, the 95th percentile."),
    Column("api_call_ms", REALS, "Milliseconds of each API call, for percentiles over sessions."),
    Column("tool_call_ms", REALS, "Milliseconds of each use of a tool, likewise."),
    Column("turn_ms", REALS, "Milliseconds of each turn, likewise."),
)

ERROR_CLUSTERS = table_of("error_clusters", ERROR_CLUSTER_COLUMNS, ("session_id", "fingerprint"))
CORRELATIONS = table_of(
    "correlations", CORRELATION_COLUMNS, ("session_id", "error_event_id", "file_path")
)
INSIGHTS = table_of("insights", INSIGHT_COLUMNS, ("session_id", "insight_id"))
REVIEWS = table_of("reviews", REVIEW_COLUMNS, ("session_id", "insight_id"))
AGENT_PERFORMANCE = table_of(
    "agent_performance", AGENT_PERFORMANCE_COLUMNS, ("session_id", "model")
)

FOUND_TABLES: dict[str, Table] = {
    table.name: table
    for table in (ERROR_CLUSTERS, CORRELATIONS, INSIGHTS, AGENT_PERFORMANCE, REVIEWS)
}
FOUND_COLUMNS = {
    "error_clusters": ERROR_CLUSTER_COLUMNS,
    "correlations": CORRELATION_COLUMNS,
    "insights": INSIGHT_COLUMNS,
    "agent_performance": AGENT_PERFORMANCE_COLUMNS,
    "reviews": REVIEW_COLUMNS,
}
