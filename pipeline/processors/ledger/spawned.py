"""Find out which kind of sub-agent made a call, from the span of the tool that called it.

Claude Code's spans of calls name the sub-agent's id alone; the `tool` span of the call for it
names the kind, and the calls of the sub-agent stand below the run of that tool. Log records
name the kind themselves. Source: reference of Claude Code, section 8.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, codes_of, mask_of

TYPES = ("tool", "tool_execution")
"""The spans of tools and of their runs."""

COLUMNS = ("session_id", "event_type", "span_id", "parent_span_id", "subagent")
"""The columns of ``events`` that are needed of them."""


def kinds_of(rows: pa.RecordBatch, tools: pa.RecordBatch) -> pa.StringArray:
    """Give the kind of the sub-agent that each row of some sessions is of; NULL if untold.

    Takes session_id, parent_span_id, subagent and subagent_id of the rows, and of ``tools``
    COLUMNS.
    """
    subagent_id = rows.column("subagent_id")
    named = mask_of(subagent_id.is_valid())
    called = tools.filter(tools.column("subagent").is_valid())
    if not named.any() or not called.num_rows:
        return rows.column("subagent")
    runs = tools.filter(pc.equal(tools.column("event_type"), TYPES[1]))
    kind = called.column("subagent").take(_above(runs, called))
    above = pc.coalesce(rows.column("subagent"), kind.take(_above(rows, runs)))
    subagents = Groups.by(rows.column("session_id"), subagent_id, where=named)
    return pc.coalesce(rows.column("subagent"), subagents.spread(subagents.first(above)))


def _above(rows: pa.RecordBatch, spans: pa.RecordBatch) -> pa.Int64Array:
    """Give the place of the span that is the parent of each row; NULL where it is not there."""
    codes = codes_of(
        pa.concat_arrays([spans.column("session_id"), rows.column("session_id")]),
        pa.concat_arrays([spans.column("span_id"), rows.column("parent_span_id")]),
    )
    codes = np.unique(codes, return_inverse=True)[1]
    place = np.full(len(codes), -1, dtype=np.int64)
    place[codes[: spans.num_rows]] = np.arange(spans.num_rows)
    found = np.where(
        mask_of(rows.column("parent_span_id").is_valid()), place[codes[spans.num_rows :]], -1
    )
    return pa.array(found, mask=found < 0)
