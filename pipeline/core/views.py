"""Fix the views that look over sessions: names, columns, and the SQL that a store runs for them.

They hold nothing: what is asked is worked out from the tables of ``made`` and ``found``. A contract
like those: columns are added, never renamed. The SQL is what DuckDB 1.5 and 2.0 both understand.
"""

from dataclasses import dataclass

from .found import UNKNOWN_MODEL
from .schema import REAL, TEXT, TEXTS, TIME, WHOLE, Column
from .sessions import SESSIONLESS

LEAST_SESSIONS = 2
"""In how many sessions of one agent and project an error must come before advice is given."""

SHOWN_EVIDENCE = 5
"""How many sessions and events a line of advice names."""


@dataclass(frozen=True, slots=True)
class View:
    """A view: its columns in order, the tables it reads, and its query."""

    name: str
    columns: tuple[Column, ...]
    reads: tuple[str, ...]
    sql: str


ERROR_CLUSTERS_ALL_COLUMNS = (
    Column("fingerprint", TEXT, "A hash of the template: the same on any machine, in any run."),
    Column("template", TEXT, "What the errors have in common; what differs is `<path>`, `<n>`."),
    Column("category", TEXT, "The kind of error, in most sessions."),
    Column("source", TEXT, "What failed, in most sessions: `tool`, `api`, `hook`, ..."),
    Column("tool_name", TEXT, "The tool that failed first, in most sessions."),
    Column("agents", TEXTS, "The agents that had it."),
    Column("count", WHOLE, "Errors."),
    Column("sessions", WHOLE, "Sessions that had it, without what names no session."),
    Column("users", WHOLE, "Different users, by mail address or id; NULL if none is told."),
    Column("first_at", TIME, "When the first of them was known."),
    Column("last_at", TIME, "When the last of them was known."),
    Column("example", TEXT, "The line that matters, as it came, in the session that had it last."),
    Column("example_session_id", TEXT, "The session that had it last."),
    Column("example_event_id", TEXT, "The event that tells of the first error there."),
    Column("resolved", WHOLE, "Errors after which the same tool worked again in the session."),
    Column("resolved_by", TEXT, "The command with which it worked again, in most sessions."),
    Column("cost_after_usd", REAL, "US dollars from the errors to what worked; NULL if unpriced."),
    Column(
        "cost_after_coverage",
        REAL,
        "Share of the calls behind cost_after_usd that have a price: those of the sessions, each "
        "weighted with its turns_after.",
    ),
    Column("turns_after", WHOLE, "Turns in which those calls were made."),
    Column("advice", TEXT, "A line for the agent's instructions, that of most sessions."),
)

AGENT_PERFORMANCE_ALL_COLUMNS = (
    Column("agent", TEXT, "`claude_code`, `codex`, else the service name."),
    Column("provider", TEXT, "Who serves the model."),
    Column("model", TEXT, "The model id as sent; `unknown` where it is not told."),
    Column("sessions", WHOLE, "Sessions that called it, without what names no session."),
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
    Column("cost_per_turn_usd", REAL, "cost_usd by turns, of the sessions that tell both."),
    Column("tool_calls", WHOLE, "Uses of tools in its turns."),
    Column("tool_errors", WHOLE, "Of these, those that failed; NULL if nothing would tell."),
    Column("tool_successes", WHOLE, "Of these, those that worked; NULL if nothing would tell."),
    Column("tool_success_rate", REAL, "Share of its uses of tools that worked, of those told of."),
    Column("error_rate", REAL, "Share of its API calls and uses of tools that failed."),
    Column("edits", WHOLE, "Edits of files that it asked for."),
    Column("edits_rejected", WHOLE, "Of these, those that were not allowed."),
    Column("rejected_share", REAL, "edits_rejected by edits."),
    Column("break_fix_loops", WHOLE, "Runs of edits and failing tests in turn."),
    Column("api_call_p50_ms", REAL, "Milliseconds of an API call, the median over all sessions."),
    Column("api_call_p95_ms", REAL, "Milliseconds of an API call, the 95th percentile."),
    Column("tool_call_p50_ms", REAL, "Milliseconds of a use of a tool, the median."),
    Column("tool_call_p95_ms", REAL, "Milliseconds of a use of a tool, the 95th percentile."),
    Column("turn_p50_ms", REAL, "Milliseconds of a turn, the median."),
    Column("turn_p95_ms", REAL, "Milliseconds of a turn, the 95th percentile."),
)

ADVICE_COLUMNS = (
    Column("advice_id", TEXT, "Stays the same: a hash of fingerprint, agent and project."),
    Column("agent", TEXT, "The agent it is for."),
    Column("project", TEXT, "The repository, else the directory; NULL where none is told."),
    Column("file", TEXT, "The file of instructions it is for: `CLAUDE.md` or `AGENTS.md`."),
    Column("line", TEXT, "The line to put there: the advice of most of the sessions."),
    Column("fingerprint", TEXT, "The error it may spare; see `error_clusters_all`."),
    Column("template", TEXT, "What the errors have in common; what differs is `<path>`, `<n>`."),
    Column("category", TEXT, "The kind of error, in most sessions."),
    Column("tool_name", TEXT, "The tool that failed first, in most sessions."),
    Column("errors", WHOLE, "Errors, in all sessions of the agent and project."),
    Column("sessions", WHOLE, "Sessions that had it; at least two."),
    Column("users", WHOLE, "Different users, by mail address or id; NULL if none is told."),
    Column("cost_after_usd", REAL, "US dollars from the errors to what worked; NULL if unpriced."),
    Column("turns_after", WHOLE, "Turns in which that was spent."),
    Column("first_at", TIME, "When the first error was known."),
    Column("last_at", TIME, "When the last error was known."),
    Column("evidence", TEXTS, "Ids of sessions that had it, the latest first, at most five."),
    Column("example_event_ids", TEXTS, "Events that tell of the first error of such sessions."),
    Column("adopted_at", TIME, "Since when somebody says that the line is there; NULL if nobody."),
    Column(
        "sessions_before",
        WHOLE,
        "Those that tell of errors and began before; else all of them.",
    ),
    Column("errors_before", WHOLE, "Errors in these."),
    Column("rate_before", REAL, "errors_before by sessions_before."),
    Column(
        "sessions_after",
        WHOLE,
        "Those that began since; NULL without adoption.",
    ),
    Column("errors_after", WHOLE, "Errors in these."),
    Column("rate_after", REAL, "errors_after by sessions_after."),
)

# Of what stands in several sessions, that of most; of two as frequent, the first by the alphabet.
_MOST = "mode({0} ORDER BY {0}) AS {0}"
_TOTAL = "sum({0})::BIGINT AS {0}"
# Of all single durations: percentiles of percentiles are none.
_QUANTILES = """
    list_aggregate(flatten(list({0}_ms)), 'quantile_cont', 0.5) AS {0}_p50_ms,
    list_aggregate(flatten(list({0}_ms)), 'quantile_cont', 0.95) AS {0}_p95_ms"""
_USERS = 'nullif(count(DISTINCT "user"), 0) AS users'
_WHOSE = 'SELECT session_id, coalesce(user_email, user_id) AS "user" FROM sessions'
_NAMED = f"NOT starts_with(session_id, '{SESSIONLESS}:')"
_LAST = "ORDER BY last_at NULLS FIRST, session_id) FILTER (example IS NOT NULL"
# How many calls a share is of is not told; turns are, and there is one at least.
_WEIGHT = "greatest(coalesce(turns_after, 1), 1)"
# Of a session that does not tell both, the share that failed of both is not told either.
_DONE = "(api_calls + tool_calls)"
# What agent_performance says is a share; of how many calls, the ledger knows.
_PRICED = f"""
    SELECT session_id, coalesce(model, '{UNKNOWN_MODEL}') AS model, count(cost_usd) AS priced,
        count(cost_status) AS with_usage
    FROM api_calls GROUP BY ALL"""  # noqa: S608 - of a constant


def clusters_over(rows: str) -> str:
    """Write the query that adds up rows of `error_clusters` with the same fingerprint."""
    return f"""
SELECT fingerprint, max(template) AS template, {_each(_MOST, "category", "source", "tool_name")},
    list_sort(list(DISTINCT agent) FILTER (agent IS NOT NULL)) AS agents,
    sum("count")::BIGINT AS "count", count(*) FILTER ({_NAMED}) AS sessions, {_USERS},
    min(first_at) AS first_at, max(last_at) AS last_at, last(example {_LAST}) AS example,
    last(session_id {_LAST}) AS example_session_id,
    last(example_event_id::VARCHAR {_LAST}) AS example_event_id,
    {_each(_TOTAL, "resolved")}, {_each(_MOST, "resolved_by")},
    sum(cost_after_usd) AS cost_after_usd,
    sum(cost_after_coverage * {_WEIGHT})
        / sum({_WEIGHT}) FILTER (cost_after_coverage IS NOT NULL) AS cost_after_coverage,
    {_each(_TOTAL, "turns_after")}, {_each(_MOST, "advice")}
FROM {rows} LEFT JOIN ({_WHOSE}) AS whose USING (session_id)
GROUP BY fingerprint
"""  # noqa: S608 - of constants, and of what the caller wrote


def performance_over(rows: str, by: str) -> str:
    """Write the query that adds up rows of `agent_performance`; shares are made of the sums."""
    return f"""
SELECT {by}, count(DISTINCT session_id) FILTER ({_NAMED}) AS sessions,
    {_each(_TOTAL, "api_calls", "api_errors", "tokens", "input_tokens", "cache_read_tokens")},
    {_each(_TOTAL, "cache_write_tokens", "output_tokens")}, sum(cost_usd) AS cost_usd,
    sum(priced) / nullif(sum(with_usage), 0) AS cost_coverage, {_each(_TOTAL, "turns")},
    sum(cost_usd) FILTER (turns IS NOT NULL)
        / nullif(sum(turns) FILTER (cost_usd IS NOT NULL), 0) AS cost_per_turn_usd,
    {_each(_TOTAL, "tool_calls", "tool_errors", "tool_successes")},
    sum(tool_successes) / nullif(sum(tool_successes + tool_errors), 0) AS tool_success_rate,
    sum(api_errors + tool_errors) FILTER ({_DONE} IS NOT NULL)
        / nullif(sum({_DONE}) FILTER (api_errors + tool_errors IS NOT NULL), 0) AS error_rate,
    {_each(_TOTAL, "edits", "edits_rejected")},
    sum(edits_rejected) FILTER (edits IS NOT NULL)
        / nullif(sum(edits) FILTER (edits_rejected IS NOT NULL), 0) AS rejected_share,
    {_each(_TOTAL, "break_fix_loops")}, {_each(_QUANTILES, "api_call", "tool_call", "turn")}
FROM {rows} LEFT JOIN ({_PRICED}) AS ledger USING (session_id, model)
GROUP BY {by}
"""  # noqa: S608 - of constants, and of what the caller wrote


def _each(pattern: str, *names: str) -> str:
    return ", ".join(pattern.format(name) for name in names)


# An error of a session counts as before or after as that session began: whether the agent had
# read the line by then is not told of a session that was under way.
_ADVICE = f"""
WITH told AS (SELECT session_id FROM error_clusters),
known AS (
    SELECT session_id, agent, coalesce(repository, cwd) AS project, started_at,
        coalesce(user_email, user_id) AS "user"
    FROM sessions
    WHERE {_NAMED} AND (tool_errors IS NOT NULL OR session_id IN (FROM told))
),
hits AS (
    SELECT known.*, clusters.* EXCLUDE (session_id, agent), left(md5(
        fingerprint || '|' || coalesce(known.agent, '') || '|' || coalesce(project, '')
    ), 12) AS advice_id
    FROM error_clusters AS clusters JOIN known USING (session_id)
),
found AS (
    SELECT advice_id, agent, project, {_each(_MOST, "advice")}, fingerprint,
        max(template) AS template, {_each(_MOST, "category", "tool_name")},
        sum("count")::BIGINT AS errors, count(*) AS sessions, {_USERS},
        sum(cost_after_usd) AS cost_after_usd, {_each(_TOTAL, "turns_after")},
        min(first_at) AS first_at, max(last_at) AS last_at,
        list(session_id ORDER BY last_at DESC NULLS LAST, session_id)[1:{SHOWN_EVIDENCE}]
            AS evidence,
        (list(example_event_id::VARCHAR ORDER BY last_at DESC NULLS LAST, session_id)
            FILTER (example_event_id IS NOT NULL))[1:{SHOWN_EVIDENCE}] AS example_event_ids,
        max(adopted_at) AS adopted_at,
        sum("count") FILTER (adopted_at IS NULL OR started_at < adopted_at) AS errors_before,
        sum("count") FILTER (started_at >= adopted_at) AS errors_after
    FROM hits LEFT JOIN advice_adopted USING (advice_id)
    GROUP BY advice_id, agent, project, fingerprint
    HAVING count(*) >= {LEAST_SESSIONS} AND count(advice) > 0
),
sizes AS (SELECT agent, project, count(*) AS all_sessions FROM known GROUP BY ALL),
split AS (
    SELECT advice_id, count(*) FILTER (known.started_at < adopted_at) AS sessions_before,
        count(*) FILTER (known.started_at >= adopted_at) AS sessions_after
    FROM found JOIN known
        ON known.agent IS NOT DISTINCT FROM found.agent
        AND known.project IS NOT DISTINCT FROM found.project
    WHERE adopted_at IS NOT NULL GROUP BY advice_id
),
counted AS (
    SELECT found.* EXCLUDE (errors_before, errors_after),
        coalesce(sessions_before, all_sessions) AS sessions_before, sessions_after,
        coalesce(errors_before, 0)::BIGINT AS errors_before,
        CASE WHEN adopted_at IS NOT NULL THEN coalesce(errors_after, 0)::BIGINT END AS errors_after
    FROM found LEFT JOIN split USING (advice_id)
    LEFT JOIN sizes ON sizes.agent IS NOT DISTINCT FROM found.agent
        AND sizes.project IS NOT DISTINCT FROM found.project
)
SELECT advice_id, agent, project,
    CASE WHEN agent = 'claude_code' THEN 'CLAUDE.md' ELSE 'AGENTS.md' END AS file,
    advice AS line, fingerprint, template, category, tool_name, errors, sessions, users,
    cost_after_usd, turns_after, first_at, last_at, evidence, example_event_ids, adopted_at,
    sessions_before, errors_before, errors_before / nullif(sessions_before, 0) AS rate_before,
    sessions_after, errors_after, errors_after / nullif(sessions_after, 0) AS rate_after
FROM counted
"""  # noqa: S608 - of constants

VIEWS = (
    View(
        "error_clusters_all",
        ERROR_CLUSTERS_ALL_COLUMNS,
        ("error_clusters", "sessions"),
        clusters_over("error_clusters"),
    ),
    View(
        "agent_performance_all",
        AGENT_PERFORMANCE_ALL_COLUMNS,
        ("agent_performance", "api_calls"),
        performance_over("agent_performance", "agent, provider, model"),
    ),
    View("advice", ADVICE_COLUMNS, ("error_clusters", "sessions", "advice_adopted"), _ADVICE),
)
VIEW_COLUMNS = {view.name: view.columns for view in VIEWS}
