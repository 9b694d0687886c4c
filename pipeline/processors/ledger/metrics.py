"""Turn metric points of sessions that nothing else tells of into a row for each model and kind.

A resumed or a parallel process counts again from 0, in a series of its own.
Sources: reference of Claude Code, section 5; semantic conventions for generative AI, metrics.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, codes_of, mask_of
from ...session.series import counted
from .told import told_table

TYPE = "metric"
"""The type of the events that points are."""

_TOKENS = "claude_code.token.usage"
_COST = "claude_code.cost.usage"
_GENAI_TOKENS = "gen_ai.client.token.usage"

_NAMES = pa.array([_TOKENS, _COST, _GENAI_TOKENS])
"""The metrics whose meaning we know: what another agent counts as input, nobody tells."""

_KINDS = {
    "input_tokens": ("input",),
    "cache_read_tokens": ("cacheRead", "cache_read"),
    "cache_write_tokens": ("cacheCreation", "cache_creation"),
    "output_tokens": ("output", "completion"),
}
"""What points call our tokens, in `type` or `gen_ai.token.type`."""

_KIND_COLUMNS = ("attributes.type", "attributes.gen_ai.token.type")

_ROW = ("session_id", "agent", "provider", "model", "query_source", "speed")
"""What tells one row from another."""

_SERIES = (
    "event_name",
    "resource_id",
    "effort",
    "subagent",
    "skill",
    "mcp_server",
    "terminal",
    "user_id",
    "agent_version",
    "attributes.mcp_tool.name",
    "attributes.plugin.name",
    "attributes.marketplace.name",
    "attributes.workflow.name",
    "attributes.gen_ai.operation.name",
    "attributes.server.address",
)
"""What else tells one series from another."""

COLUMNS = (
    *("time", "start_time", "value", "temporality", "team"),
    *_ROW,
    *_SERIES,
    *_KIND_COLUMNS,
)
"""The columns of ``events`` that rows are made of."""


def points_of(events: pa.RecordBatch) -> pa.RecordBatch:
    """Give the events that are points of tokens or cost."""
    named = pc.is_in(events.column("event_name"), value_set=_NAMES)
    told = pc.and_(events.column("value").is_valid(), events.column("temporality").is_valid())
    return events.filter(pc.and_(named, told))


def metric_calls(points: pa.RecordBatch) -> pa.Table:
    """Give the rows that points stand for, in the schema TOLD."""
    rows = Groups.by(*(points.column(name) for name in _ROW))
    counting = rows.where(_counted(points, rows))
    columns = {name: rows.first(points.column(name)) for name in _ROW}
    return told_table(
        rows.count,
        {
            **columns,
            **_tokens(points, counting),
            "api_call_id": _names(columns),
            "time": rows.max(points.column("time")),
            "reported_cost_usd": counting.where(_is(points, (_COST,))).sum(points.column("value")),
            "usage_source": pa.repeat(pa.scalar("metrics"), rows.count),
            "told_by": _by_metrics(rows.count),
        },
    )


def _counted(points: pa.RecordBatch, rows: Groups) -> Mask:
    """Mask the points that add up: of a cumulative series those before it begins again."""
    series = codes_of(*(points.column(name) for name in (*_SERIES, *_KIND_COLUMNS)))
    told = (points.column(name) for name in ("start_time", "time", "value", "temporality"))
    return counted(rows, series, *told)


def _tokens(points: pa.RecordBatch, rows: Groups) -> dict[str, pa.Array]:
    """Sum up the tokens of each kind, and take cached ones out of an input that includes them.

    Of all metrics only GenAI's input includes them, as of all its attributes.
    """
    kind = pc.coalesce(*(points.column(name) for name in _KIND_COLUMNS))
    tokens = _is(points, (_TOKENS, _GENAI_TOKENS))
    told = {
        name: _whole(rows.where(tokens & _in(kind, words)).sum(points.column("value")))
        for name, words in _KINDS.items()
    }
    read, written = (pc.fill_null(told[f"cache_{each}_tokens"], 0) for each in ("read", "write"))
    rest = pc.subtract(pc.subtract(told["input_tokens"], read), written)
    includes = pc.and_(pa.array(rows.any(_is(points, (_GENAI_TOKENS,)))), pc.greater_equal(rest, 0))
    return {**told, "input_tokens": pc.if_else(includes, rest, told["input_tokens"])}


def _is(points: pa.RecordBatch, names: Sequence[str]) -> Mask:
    return _in(points.column("event_name"), names)


def _in(column: pa.Array, words: Sequence[str]) -> Mask:
    return mask_of(pc.is_in(column, value_set=pa.array(words, pa.string())))


def _whole(sums: pa.Array) -> pa.Int64Array:
    """Round to whole tokens: points are doubles, also of counts."""
    return pc.round(sums.cast(pa.float64())).cast(pa.int64())


def _names(columns: dict[str, pa.Array]) -> pa.StringArray:
    told = [columns[name] for name in ("provider", "model", "query_source", "speed")]
    return pc.binary_join_element_wise(
        pa.scalar("metrics"), *told, "/", null_handling="replace", null_replacement="-"
    )


def _by_metrics(count: int) -> pa.ListArray:
    ends = pa.array(np.arange(count + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(ends, pa.repeat(pa.scalar("metrics"), count))
