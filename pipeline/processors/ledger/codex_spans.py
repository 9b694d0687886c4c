"""Give the spans of Codex' responses, which tell tokens, the session and the turn they are of.

They name neither. The span of the stream that a response came in names both; it ends within
microseconds behind the response's, and streams of one trace do not end together: a response is
of the stream of its trace that ends next. That holds also where sub-agents share the trace of
their parent. A stream without a response failed, or was compaction's. Source: spans of Codex
0.169.0, where the stream's is the response's uncle.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.sessions import SESSIONLESS
from ...session.groups import Mask, Numbers, codes_of, mask_of
from .codex_rows import micros_of
from .told import TOKENS

SPAN_TYPES = ("llm_stream", "llm_request", "llm_attempt")
"""The events that tell of streams, of responses, and of what was asked for."""

SPAN_COLUMNS = (
    *("session_id", "agent", "event_id", "event_type", "trace_id", "span_id"),
    *("turn_id", "time", "end_time", "provider", "model", "effort", *TOKENS),
)
"""The columns needed of them, also of those that name no session at hand."""

STREAM, _RESPONSE = SPAN_TYPES[:2]

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Responses:
    """The responses of sessions at hand, in order of their streams."""

    rows: pa.RecordBatch
    """SPAN_COLUMNS of the response's span."""
    stream: Numbers
    """The row of events that is the span of its stream."""


def responses_of(events: pa.RecordBatch, traced: pa.RecordBatch) -> Responses:
    """Give the responses whose streams are among the events of sessions.

    ``traced`` are spans of SPAN_TYPES that share a trace with events and are of no session at
    hand.
    """
    own = np.flatnonzero(_spans(events))
    ours = events.take(pa.array(own)).select(SPAN_COLUMNS)
    kind = pc.is_in(traced.column("event_type"), value_set=pa.array([STREAM, _RESPONSE]))
    spans = pa.concat_batches([ours, traced.select(SPAN_COLUMNS).filter(kind)])
    response = _told_by(spans)[: len(own)]
    found = response >= 0
    return Responses(spans.take(pa.array(response[found])), own[found])


def _spans(events: pa.RecordBatch) -> Mask:
    """Mask the spans of sessions; those of none are among the traced."""
    kind = pc.is_in(events.column("event_type"), value_set=pa.array([STREAM, _RESPONSE]))
    outside = pc.starts_with(events.column("session_id"), f"{SESSIONLESS}:")
    return mask_of(pc.and_not(kind, outside))


def _told_by(spans: pa.RecordBatch) -> Numbers:
    """Give each stream's span that of its response; -1 where there is none, and to others."""
    trace = np.where(mask_of(spans.column("trace_id").is_valid()), codes_of(spans["trace_id"]), -1)
    stream = mask_of(pc.equal(spans.column("event_type"), STREAM))
    began = micros_of(spans.column("time"), _NEVER)
    ended = micros_of(spans.column("end_time"), _NEVER)
    # By id where all else is the same: what stands where depends on which sessions are at hand.
    order = np.lexsort((_rank(spans.column("event_id")), stream, ended, trace))
    place = np.arange(len(order))
    following = np.where(stream[order], place, len(order))
    following = np.minimum.accumulate(following[::-1])[::-1]
    responses = np.flatnonzero(~stream[order] & (following < len(order)))
    response, its = order[responses], order[following[responses]]
    within = (trace[response] == trace[its]) & (trace[its] >= 0) & (began[its] <= began[response])
    told_by = np.full(len(order), -1, dtype=np.int64)
    # With the same place assigned more than once, numpy keeps the last: one response to a stream.
    told_by[its[within]] = response[within]
    return told_by


def _rank(ids: pa.Array) -> Numbers:
    rank = np.empty(len(ids), dtype=np.int64)
    rank[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
    return rank
