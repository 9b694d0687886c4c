"""Show two sessions side by side: what they did, took and cost, and how far they are apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ..exporters.duckdb.sql import literal
from ..pipeline.core.errors import Permanent
from ..pipeline.core.views import performance_over
from .reading import Reader, Row, write_json
from .shown import console, percent, plain, usd, when
from .which import session_of, short_ids

SHOWN_OF_EACH = 6

_LONG_MS = 10_000


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the comparison: the key in JSON, what people read, how a value is written."""

    key: str
    label: str
    write: Callable[[Any], str]


def _text(value: Any) -> str:
    return plain(value)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    minutes, seconds = divmod(round(abs(value)), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if value < 0 else ""
    return f"{sign}{hours} h {minutes} min" if hours else f"{sign}{minutes} min {seconds} s"


def _ms(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f} ms" if abs(value) < _LONG_MS else f"{value / 1000:,.1f} s"


def _list(value: list[str] | None) -> str:
    return ", ".join(map(plain, value or ()))


def _counts(value: Mapping[str, int] | None) -> str:
    most = sorted((value or {}).items(), key=lambda each: (-abs(each[1]), each[0]))
    more = ", ..." if len(most) > SHOWN_OF_EACH else ""
    return ", ".join(f"{number} {plain(name)}" for name, number in most[:SHOWN_OF_EACH]) + more


MEASURES = (
    Measure("agent", "agent", _text),
    Measure("agent_version", "its version", _text),
    Measure("models", "models", _list),
    Measure("project", "project", _text),
    Measure("started_at", "started (UTC)", when),
    Measure("last_seen_at", "last heard of", when),
    Measure("lasted_s", "lasted", _seconds),
    Measure("status", "status", _text),
    Measure("turns", "turns", _number),
    Measure("api_calls", "API calls", _number),
    Measure("api_errors", "API errors", _number),
    Measure("tool_calls", "tool calls", _number),
    Measure("tool_errors", "tool errors", _number),
    Measure("tools", "tools", _counts),
    Measure("input_tokens", "input tokens", _number),
    Measure("cache_read_tokens", "cache read", _number),
    Measure("cache_write_tokens", "cache written", _number),
    Measure("output_tokens", "output tokens", _number),
    Measure("reasoning_tokens", "of it reasoning", _number),
    Measure("cache_share", "cache share", percent),
    Measure("cost_usd", "cost", usd),
    Measure("cost_coverage", "calls priced", percent),
    Measure("cost_per_turn_usd", "cost per turn", usd),
    Measure("error_density", "errors/100 events", _number),
    Measure("tool_success_rate", "tools that worked", percent),
    Measure("error_rate", "calls that failed", percent),
    Measure("rejected_share", "edits rejected", percent),
    Measure("break_fix_loops", "break/fix loops", _number),
    Measure("api_call_p50_ms", "API call, median", _ms),
    Measure("api_call_p95_ms", "API call, p95", _ms),
    Measure("tool_call_p50_ms", "tool call, median", _ms),
    Measure("tool_call_p95_ms", "tool call, p95", _ms),
    Measure("turn_p50_ms", "turn, median", _ms),
    Measure("turn_p95_ms", "turn, p95", _ms),
    Measure("insights", "findings", _counts),
)

_WORDS = (_text, _list, when)
_BY_NAME = ("tools", "insights")

_SESSIONS = """
SELECT *, coalesce(repository, cwd) AS project,
    (epoch_us(last_seen_at) - epoch_us(started_at)) / 1e6 AS lasted_s,
    cache_read_tokens / nullif(
        coalesce(input_tokens, 0) + cache_read_tokens + coalesce(cache_write_tokens, 0), 0
    ) AS cache_share,
    cost_usd / nullif(turns, 0) AS cost_per_turn_usd
FROM sessions WHERE session_id IN ({ids})
"""
_RATES = (
    *("tool_success_rate", "error_rate", "rejected_share", "break_fix_loops", "api_call_p50_ms"),
    *("api_call_p95_ms", "tool_call_p50_ms", "tool_call_p95_ms", "turn_p50_ms", "turn_p95_ms"),
)
_TOOLS = """
SELECT session_id, coalesce(tool_name, 'not told') AS name, count(*) AS n
FROM tool_calls WHERE session_id IN ({ids}) GROUP BY ALL ORDER BY ALL
"""
_KINDS = """
SELECT session_id, kind AS name, count(*) AS n
FROM (
    SELECT session_id, kind FROM insights
    UNION ALL SELECT session_id, kind FROM reviews WHERE kind = 'review'
)
WHERE session_id IN ({ids}) GROUP BY ALL ORDER BY ALL
"""


def show_two(reader: Reader, first: str, second: str, *, as_json: bool) -> None:
    """Print two sessions side by side. Raises Permanent or Retryable."""
    reader.require("sessions", "tool_calls", "agent_performance", "insights", "reviews")
    ids = [session_of(reader, each) for each in (first, second)]
    told = _told(reader, ids)
    one, other = (told[each] for each in ids)
    if as_json:
        write_json(_as_json(one, other))
        return
    short = short_ids(reader, ids)
    table = Table(show_edge=False, pad_edge=False)
    for title in ("", *(short[each] for each in ids), "difference"):
        table.add_column(Text(title), overflow="fold")
    for measure in MEASURES:
        cells = _cells(measure, one[measure.key], other[measure.key])
        if any(cells):
            table.add_row(Text(measure.label), *map(Text, cells))
    console().print(table)


def _told(reader: Reader, ids: list[str]) -> dict[str, Row]:
    """Look up all measures of some sessions, by their ids."""
    named = ", ".join(map(literal, ids))
    found = {row["session_id"]: row for row in reader.rows(_SESSIONS.format(ids=named))}
    for each in ids:
        if each not in found:
            raise Permanent(
                f"nothing was made of session {each} yet. Make it now: agentpond process",
                reason="unknown_session",
            )
    rows = f"(SELECT * FROM agent_performance WHERE session_id IN ({named})) AS chosen"  # noqa: S608 - quoted
    rates = {row["session_id"]: row for row in reader.rows(performance_over(rows, "session_id"))}
    tools, kinds = (reader.rows(sql.format(ids=named)) for sql in (_TOOLS, _KINDS))
    keys = [measure.key for measure in MEASURES]
    whole = {
        each: {
            **row,
            **{name: rates.get(each, {}).get(name) for name in _RATES},
            "tools": _by_name(tools, each),
            "insights": _by_name(kinds, each),
        }
        for each, row in found.items()
    }
    return {
        each: {"session_id": each, **{key: row[key] for key in keys}} for each, row in whole.items()
    }


def _by_name(rows: list[Row], session_id: str) -> dict[str, int]:
    return {row["name"]: row["n"] for row in rows if row["session_id"] == session_id}


def _as_json(one: Row, other: Row) -> Row:
    keys = [measure.key for measure in MEASURES if measure.write not in _WORDS]
    numbers = [key for key in keys if key not in _BY_NAME]
    return {
        "first": one,
        "second": other,
        "difference": {key: difference(one[key], other[key]) for key in keys},
        "ratio": {key: ratio(one[key], other[key]) for key in numbers},
    }


def difference(one: Any, other: Any) -> Any:
    """Give what the second has more, also of each of several counts; None for what is no number."""
    if _is_number(one) and _is_number(other):
        return other - one
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        return {name: other.get(name, 0) - one.get(name, 0) for name in names}
    return None


def ratio(one: Any, other: Any) -> float | None:
    """Give how many times the first the second is."""
    if _is_number(one) and _is_number(other) and one:
        return float(other / one)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cells(measure: Measure, one: Any, other: Any) -> tuple[str, str, str]:
    apart = difference(one, other)
    if isinstance(apart, dict):
        apart = {name: number for name, number in apart.items() if number}
        words = ", ".join(f"{number:+} {plain(name)}" for name, number in apart.items())
        return measure.write(one), measure.write(other), words
    return measure.write(one), measure.write(other), _apart(measure, one, other, apart)


def _apart(measure: Measure, one: Any, other: Any, apart: float | None) -> str:
    if apart is None:
        return ""
    if not apart:
        return "same"
    if measure.write is percent:
        # A percentage of a percentage would be read wrongly.
        return f"{apart * 100:+.1f} points"
    times = ratio(one, other)
    sign = "+" if apart > 0 else ""
    return f"{sign}{measure.write(apart)}" + (f" (x{times:.2f})" if times is not None else "")
