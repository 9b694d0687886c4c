"""Turn what is said of retries into a row for each attempt that failed before a call's last one.

Of those no log record tells: only the number of the last attempt does, on its span or, where
all failed, on its error. Source: reference of Claude Code, section 6, `api_error`.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .told import told_table

_KEPT = (
    "session_id",
    "agent",
    "turn_id",
    "provider",
    "model",
    "query_source",
    "subagent",
    "subagent_id",
    "effort",
    "speed",
)

# No agent tries so often within a call; a number without bound would make rows without bound.
_MOST = 100


def earlier_attempts(calls: pa.Table, told_by: pa.ListArray) -> pa.Table:
    """Give rows in the schema TOLD for the attempts before the last one of each call.

    ``told_by`` is who told the number of each call's last attempt. When the earlier ones
    failed is not told: they stand at the time of their call.
    """
    last = pc.fill_null(calls["attempt"], 1).to_numpy().astype(np.int64)
    earlier = np.minimum(np.maximum(last - 1, 0), _MOST)
    call = np.repeat(np.arange(len(calls)), earlier)
    first = np.repeat(np.cumsum(earlier) - earlier, earlier)
    attempt = pa.array(np.arange(len(call)) - first + 1)
    of_call = calls.take(pa.array(call)).combine_chunks()
    name = pc.binary_join_element_wise(
        _one(of_call, "api_call_id"), attempt.cast(pa.string()), "/attempt-"
    )
    columns = {each: _one(of_call, each) for each in (*_KEPT, "time")}
    columns["told_by"] = told_by.take(pa.array(call))
    failed = pa.repeat(pa.scalar(value=False), len(call))
    return told_table(
        len(call), {**columns, "api_call_id": name, "attempt": attempt, "success": failed}
    )


def _one(table: pa.Table, name: str) -> pa.Array:
    column = table[name]
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
