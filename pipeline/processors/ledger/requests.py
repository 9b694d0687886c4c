"""Turn log records, spans and transcript entries into a row for each call and failed attempt.

Each field is taken from the logs, else from the spans, else from the transcript; the tokens
all from one of them. Source: reference of Claude Code, sections 6, 7 and 9.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.columns import any_of
from ...session.groups import Groups, Mask, mask_of, texts_of
from . import names
from .attempts import earlier_attempts
from .told import TOKENS, told_table

TYPES = ("api_request", "llm_request", "api_error")
"""The events that tell of one call each."""

REFUSAL = "api_refusal"
"""The event that tells of a call, by its request id, that the model refused to answer."""

_TAKEN = (
    "agent",
    "provider",
    "model",
    "query_source",
    "subagent",
    "subagent_id",
    "request_id",
    "duration_ms",
    "ttft_ms",
    "attempt",
    "stop_reason",
    "status_code",
    "error_message",
    "effort",
    "speed",
    "reported_cost_usd",
)

COLUMNS = tuple(
    dict.fromkeys(
        (
            *(*names.COLUMNS, *_TAKEN, *TOKENS),
            *("source", "received_at", "success", "error_type", "parent_span_id"),
        )
    )
)
"""The columns of ``events`` that calls are made of."""


_TRACES = 1
"""Where the spans stand among those who tell."""

_NULL_TEXT = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class _Teller:
    """What one kind of rows tells of each call."""

    name: str
    at: pa.Int64Array
    """The row that tells of each call; NULL where none does."""
    usage_at: pa.Int64Array
    """The same for those that tell tokens."""


def calls_of(rows: pa.RecordBatch, turn_id: pa.StringArray) -> pa.Table:
    """Give the calls that rows of TYPES and REFUSAL and their turns tell of, as ``TOLD``."""
    known = pc.or_(pc.not_equal(rows.column("event_type"), REFUSAL), rows["request_id"].is_valid())
    rows, turn_id = rows.filter(known), turn_id.filter(known)
    name = names.names_of(rows)
    groups = Groups.by(rows.column("session_id"), name)
    tellers = _tellers(rows, groups)
    calls = _calls(rows, groups, tellers, name=name, turn_id=turn_id)
    told = rows.column("attempt").is_valid()
    by = [(each.name, mask_of(told.take(each.at))) for each in tellers]
    began = rows.column("time").take(tellers[_TRACES].at)
    return pa.concat_tables([calls, earlier_attempts(calls, texts_of(by), began)])


def _calls(
    rows: pa.RecordBatch,
    calls: Groups,
    tellers: Sequence[_Teller],
    *,
    name: pa.StringArray,
    turn_id: pa.StringArray,
) -> pa.Table:
    columns = {field: _told(rows.column(field), tellers) for field in _TAKEN}
    refused = calls.any(mask_of(pc.equal(rows.column("event_type"), REFUSAL)))
    columns |= {
        "stop_reason": pc.coalesce(
            columns["stop_reason"], pc.if_else(pa.array(refused), "refusal", _NULL_TEXT)
        ),
        "session_id": calls.first(rows.column("session_id")),
        "api_call_id": calls.first(name),
        "turn_id": _told(turn_id, tellers),
        "time": _told(_over(rows), tellers),
        "success": _told(_success(rows), tellers),
        "told_by": texts_of([(each.name, mask_of(each.at.is_valid())) for each in tellers]),
    }
    return told_table(calls.count, columns | _usage(rows, tellers, calls.count))


def _tellers(rows: pa.RecordBatch, calls: Groups) -> Sequence[_Teller]:
    """Tell the kinds of rows apart, in the order in which they are believed."""
    spans = mask_of(pc.equal(rows.column("signal"), "traces"))
    transcript = mask_of(pc.equal(rows.column("source"), "transcript"))
    usage = mask_of(any_of((rows.column(each).is_valid() for each in TOKENS), rows.num_rows))
    kinds = {
        "logs": ~spans & ~transcript,
        "traces": spans & ~transcript,
        "transcript": transcript,
    }
    return [_teller(name, calls.where(mask), usage) for name, mask in kinds.items()]


def _teller(name: str, calls: Groups, usage: Mask) -> _Teller:
    """Take the last row of each call: one sent again under another id is later, and the same."""
    row = pa.array(np.arange(len(calls.of_row)))
    with_usage = calls.where(usage).last_row(row)
    return _Teller(name, pc.coalesce(with_usage, calls.last_row(row)), with_usage)


def _told(column: pa.Array, tellers: Sequence[_Teller]) -> pa.Array:
    """Give what the first one that tells anything tells."""
    if column.null_count == len(column):
        return pa.nulls(len(tellers[0].at), column.type)
    return pc.coalesce(*(column.take(each.at) for each in tellers))


def _usage(rows: pa.RecordBatch, tellers: Sequence[_Teller], count: int) -> dict[str, pa.Array]:
    at = pc.coalesce(*(each.usage_at for each in tellers))
    tokens = {name: rows.column(name).take(at) for name in TOKENS}
    source = pa.nulls(count, pa.string())
    for each in reversed(tellers):
        source = pc.if_else(each.usage_at.is_valid(), pa.scalar(each.name), source)
    return {**tokens, "usage_source": source}


def _over(rows: pa.RecordBatch) -> pa.TimestampArray:
    """Say when each call was over: logs are written then, spans end then."""
    return pc.coalesce(rows.column("end_time"), rows.column("time"), rows.column("received_at"))


def _success(rows: pa.RecordBatch) -> pa.BooleanArray:
    """Say whether a call worked: what ended without an error did, as in OpenTelemetry."""
    errors = (rows.column(name).is_valid() for name in ("error_type", "error_message"))
    failed = any_of((pc.equal(rows.column("event_type"), "api_error"), *errors), rows.num_rows)
    return pc.coalesce(rows.column("success"), pc.invert(failed))
