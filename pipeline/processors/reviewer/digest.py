"""Turn what is told of sessions into one digest each: JSON that a model can read, and no larger.

What people and programs wrote goes in only where that is allowed: but for names of agents, models,
tools and programs there are numbers and words of ours. Names of users, folders of homes and mail
addresses never go in. A digest changes with what happened, not with the time: the same session has
the same digest tomorrow.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ...core.found import ERROR_CLUSTERS, INSIGHTS
from ...core.made import API_CALLS, TOOL_CALLS, TURNS
from ...core.schema import TEXT
from ...session.groups import Groups, mask_of
from ...session.joining import last_alike
from ...session.texts import captured, json_objects
from .given import SUMS, Given, models_of, place_of
from .tables import Rows, tables_of

_MOST_TURNS, _MOST_SUMS, _MOST_ERRORS, _MOST_FINDINGS = 64, 16, 24, 24
_HALVINGS = 7
"""After so many there is one row of each table left."""

_WORDS, _NAME = 300, 120
"""Of texts and of names so many characters are told. One row of each table, in characters of four
bytes, is then shorter than the shortest digest that can be asked for."""

_HOMES = r"""(?:/(?:home|Users)/|[A-Za-z]:\\{1,2}Users\\{1,2})[^/\\\s"'`:]+"""
_MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"

# An insight's numbers are told; of its words only names of what there is on any machine.
_NAMES = r'"(tool_name|model|decided_by|agent)": "((?:[^"\\]|\\.)*)"'
# Of a command its program alone, and only where that stands by itself: `git` of `git push origin`.
_PROGRAM = r"(?:\S*/)?(?P<told>[A-Za-z][\w.+-]*)"
_PROGRAMS = r'"program": "(?:[^"\\\s]*/)?([A-Za-z][\w.+-]*)(?: (?:[^"\\]|\\.)*)?"'
_TEXTS = r': "(?:[^"\\]|\\.)*"'
_MARK = "\x01"

_SEVERITIES = pa.array(["info", "warning", "critical"])
_OPEN = pa.array(["active", "stalled"])
_NONE = pa.scalar(None, TEXT)
_MICROSECONDS = 1_000_000


def digests_of(given: Given, max_bytes: int, *, prompts: bool) -> pa.StringArray:
    """Write the digest of each session; ``prompts`` tells what was written, too.

    Where it would be longer than ``max_bytes`` (at least 16 KiB), tables have fewer rows.
    """
    head = json_objects(_session(given))
    parts = {
        "models": _models(given),
        "turns": _turns(given, prompts=prompts),
        "tools": _tools(given),
        "errors": _errors(given, prompts=prompts),
        "findings": _findings(given, prompts=prompts),
    }
    texts = _joined(head, parts, 1)
    for halving in range(1, _HALVINGS):
        long = pc.greater(pc.binary_length(texts), max_bytes)
        if not long.true_count:
            break
        texts = pc.if_else(long, _joined(head, parts, 2**halving), texts)
    return texts


def _joined(head: pa.StringArray, parts: Mapping[str, Rows], share: int) -> pa.StringArray:
    told: list[pa.StringArray | str] = ['{"session":', head]
    for name, rows in parts.items():
        told += [f',"{name}":', tables_of(rows, share)]
    return pc.binary_join_element_wise(*told, "}", "")


def _session(given: Given) -> dict[str, pa.Array]:
    """Tell what a session came to, but for what time alone or the end of the agent changes."""
    turns = given.rows(TURNS.name)
    over = given.groups(TURNS.name).max(turns.column("ended_at"))
    models = pc.binary_join(given.own("models"), ", ")
    return {
        "agent": _name(given.own("agent")),
        "started_by": _name(given.own("started_by")),
        "models": _text(models),
        "seconds": _seconds(over, given.own("started_at")),
        **{name: _rounded(given.own(name)) for name in SUMS},
    }


def _models(given: Given) -> Rows:
    calls, models = given.rows(API_CALLS.name), models_of(given)
    tokens = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    told = {
        "model": _name(models.model),
        "calls": models.groups.counts(),
        "failed": _failed(models.groups, calls.column("success")),
        **{name: models.groups.sum(calls.column(name)) for name in tokens},
        "output_tokens": models.output_tokens,
        "cost_usd": _rounded(models.groups.sum(calls.column("cost_usd"))),
    }
    weights = (told["output_tokens"],)
    return Rows(models.place, told, weights, _MOST_SUMS, given.never(API_CALLS.name))


def _turns(given: Given, *, prompts: bool) -> Rows:
    turns, whose = given.rows(TURNS.name), given.groups(TURNS.name)
    status, began = turns.column("status"), whose.spread(given.own("started_at"))
    told = {
        "number": turns.column("number"),
        "after_s": _seconds(turns.column("started_at"), began),
        "seconds": _in_seconds(turns.column("duration_ms")),
        # It becomes stalled with time alone.
        "status": pc.if_else(pc.is_in(status, value_set=_OPEN), "open", status),
        "prompt_characters": turns.column("prompt_length"),
        **{name: turns.column(name) for name in ("api_calls", "tool_calls", "errors", "tokens")},
        "output_tokens": turns.column("output_tokens"),
        "cost_usd": _rounded(turns.column("cost_usd")),
        **({"prompt": _text(turns.column("prompt"))} if prompts else {}),
    }
    weights = (told["errors"], told["cost_usd"], told["tokens"])
    return Rows(whose.of_row, told, weights, _MOST_TURNS, given.never(TURNS.name))


def _tools(given: Given) -> Rows:
    uses, whose = given.rows(TOOL_CALLS.name), given.groups(TOOL_CALLS.name)
    tools = Groups.by(pa.array(whose.of_row), uses.column("tool_name"), where=whose.of_row >= 0)
    status = uses.column("status")
    refused = mask_of(pc.equal(status, "rejected"))
    told = {
        "tool": _name(tools.first(uses.column("tool_name"))),
        "uses": tools.counts(),
        "failed": _failed(tools.where(~refused), uses.column("success")),
        "not_allowed": tools.where(refused).counts(),
        "without_result": tools.where(mask_of(pc.equal(status, "no_result"))).counts(),
        "seconds": _in_seconds(tools.sum(uses.column("duration_ms"))),
    }
    weights = (told["failed"], told["uses"])
    return Rows(place_of(tools, whose), told, weights, _MOST_SUMS, given.never(TOOL_CALLS.name))


def _errors(given: Given, *, prompts: bool) -> Rows:
    clusters = given.rows(ERROR_CLUSTERS.name)
    # A template has a program's own words wherever no mask fits.
    written = ("template", "command") if prompts else ()
    longer = ("example", "resolved_by") if prompts else ()
    told = {
        **{name: _name(clusters.column(name)) for name in ("category", "fingerprint", "source")},
        "tool": _name(clusters.column("tool_name")),
        "program": _name(captured(clusters.column("command"), rf"^{_PROGRAM}(?:\s|$)")),
        "count": clusters.column("count"),
        "resolved": clusters.column("resolved"),
        "cost_after_usd": _rounded(clusters.column("cost_after_usd")),
        **{name: _name(clusters.column(name)) for name in written},
        **{name: _text(clusters.column(name)) for name in longer},
    }
    weights = (told["count"], told["cost_after_usd"])
    place, never = given.groups(ERROR_CLUSTERS.name).of_row, given.never(ERROR_CLUSTERS.name)
    return Rows(place, told, weights, _MOST_ERRORS, never)


def _findings(given: Given, *, prompts: bool) -> Rows:
    found, turns = given.rows(INSIGHTS.name), given.rows(TURNS.name)
    of_turn = [[rows.column(name) for name in ("session_id", "turn_id")] for rows in (turns, found)]
    message = _text(found.column("message"))
    numbers = _without_words(found.column("payload"))
    told = {
        **{name: _name(found.column(name)) for name in ("kind", "severity", "category")},
        "turn": turns.column("number").take(last_alike(of_turn[0], of_turn[1])),
        "cost_usd": _rounded(found.column("cost_usd")),
        **({"message": message} if prompts else {"numbers": numbers}),
    }
    weights = (severity_of(found.column("severity")), told["cost_usd"])
    place, never = given.groups(INSIGHTS.name).of_row, given.never(INSIGHTS.name)
    return Rows(place, told, weights, _MOST_FINDINGS, never)


def _failed(groups: Groups, success: pa.BooleanArray) -> pa.Int64Array:
    """Count what failed; NULL where nothing tells whether it did."""
    failed = groups.where(mask_of(pc.equal(success, False))).counts()
    told = pa.array(groups.any(mask_of(success.is_valid())))
    return pc.if_else(told, failed, pa.scalar(None, pa.int64()))


def severity_of(severity: pa.StringArray) -> pa.Int32Array:
    """Rank severities: more is more severe, NULL is none that is known."""
    return pc.index_in(severity, value_set=_SEVERITIES)


def _without_words(payload: pa.StringArray) -> pa.StringArray:
    """Leave of JSON objects the numbers, and names that tell of nobody; NULL where it is long."""
    # A payload has no control characters: the marks are ours alone.
    named = pc.replace_substring_regex(payload, _NAMES, rf'"\1": {_MARK}\2{_MARK}')
    named = pc.replace_substring_regex(named, _PROGRAMS, rf'"program": {_MARK}\1{_MARK}')
    masked = pc.replace_substring_regex(named, _TEXTS, ': "<text>"')
    told = pc.replace_substring(masked, _MARK, '"')
    short = pc.less_equal(pc.utf8_length(told), _WORDS)
    return pc.if_else(short, told, _NONE)


def _text(texts: pa.StringArray, most: int = _WORDS) -> pa.StringArray:
    """Tell the beginning of texts, without homes and mail addresses."""
    for pattern, place in ((_HOMES, "~"), (_MAIL, "<email>")):
        texts = _masked(texts, pattern, place)
    return pc.utf8_slice_codeunits(texts, 0, most)


def _name(names: pa.StringArray) -> pa.StringArray:
    return _text(names, _NAME)


def _masked(texts: pa.StringArray, pattern: str, place: str) -> pa.StringArray:
    return pc.replace_substring_regex(texts, pattern, place)


def _seconds(until: pa.TimestampArray, since: pa.TimestampArray) -> pa.DoubleArray:
    spent = pc.subtract(until.cast(pa.int64()), since.cast(pa.int64()))
    return pc.round(pc.divide(spent.cast(pa.float64()), _MICROSECONDS), 1)


def _in_seconds(milliseconds: pa.DoubleArray) -> pa.DoubleArray:
    return pc.round(pc.divide(milliseconds, 1000), 1)


def _rounded(numbers: pa.Array) -> pa.Array:
    return pc.round(numbers, 4) if pa.types.is_floating(numbers.type) else numbers
