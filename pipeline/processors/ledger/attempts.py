"""Turn what is said of retries into a row for each attempt that failed before a call's last one.

Of those no log record tells: only the number of the last attempt does, on its span or, where
all failed, on its error. Source: reference of Claude Code, section 6, `api_error`.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Numbers
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


_MS_US = 1_000


def earlier_attempts(calls: pa.Table, told_by: pa.ListArray, began: pa.TimestampArray) -> pa.Table:
    """Give rows in the schema TOLD for the attempts before the last one of each call.

    ``told_by`` is who told the number of each call's last attempt, ``began`` when the first of
    them began, where that is told.
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
    columns = {each: _one(of_call, each) for each in _KEPT}
    columns["time"] = _failed_at(of_call, began.take(pa.array(call)), attempt, last[call])
    columns["told_by"] = told_by.take(pa.array(call))
    failed = pa.repeat(pa.scalar(value=False), len(call))
    return told_table(
        len(call), {**columns, "api_call_id": name, "attempt": attempt, "success": failed}
    )


def _failed_at(
    of_call: pa.StructArray, began: pa.TimestampArray, attempt: pa.Int64Array, last: Numbers
) -> pa.TimestampArray:
    """Say when attempts failed: nobody tells it, but one after the other, and before the last.

    They are spread over the time of the call, where its beginning is told; else they stand
    before its last attempt, of whose time alone the logs tell, a millisecond apart.
    """
    over = _one(of_call, "time").cast(pa.int64())
    since, number = began.cast(pa.int64()), attempt.to_numpy()
    took = pc.fill_null(pc.subtract(over, since), 0).to_numpy()
    spread = pc.add(since, pa.array(took * number // last))
    last_us = pc.multiply(pc.fill_null(_one(of_call, "duration_ms"), 0.0), float(_MS_US))
    begun = pc.subtract(over, pc.round(last_us).cast(pa.int64()))
    ordered = pc.subtract(begun, pa.array((last - number) * _MS_US))
    return pc.coalesce(spread, ordered).cast(pa.timestamp("us"))


def _one(table: pa.Table, name: str) -> pa.Array:
    column = table[name]
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
