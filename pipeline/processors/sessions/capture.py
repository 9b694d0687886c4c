"""Estimate what we hold of what the agent says it sent.

Two counters of Claude Code can be held against what came: the numbers of its log records, and
the tokens in its metrics. The lesser share counts. Before version 2.1.214 the metrics of a
session behind a gateway that streams usage in several frames tell too many tokens (reference,
section 10): the share is then less than what really came.

Of Codex, the tokens that its log records tell are held against those of the spans of the same
turns: a record may be lost, and the usage of a response that breaks off is told by spans alone.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, codes_of, mask_of
from .sequences import Sequences
from .sums import all_tokens

_NOTHING = pa.scalar(None, pa.float64())


def ratio(
    found: Sequences,
    starts_known: Mask,
    tokens: pa.Int64Array,
    counted_tokens: pa.DoubleArray,
    of_spans: pa.DoubleArray,
) -> pa.DoubleArray:
    """Give each session's share, at most 1; NULL where nothing can be held against anything.

    ``starts_known`` are the sessions whose processes are known to begin in them: what is
    missing in front of their first record is lost. ``of_spans`` is what ``share_of_spans`` gives.
    """
    in_front = np.where(starts_known, np.maximum(found.first, 0), 0)
    held = pa.array(found.held.astype(np.float64), mask=found.held == 0)
    records = pc.divide(held, pc.add(held, pa.array((found.missing + in_front).astype(np.float64))))
    some = pc.if_else(pc.greater(counted_tokens, 0.0), counted_tokens, _NOTHING)
    counted = pc.divide(tokens.cast(pa.float64(), safe=False), some)
    least = pc.min_element_wise(records, counted, of_spans)
    return pc.min_element_wise(least, pc.if_else(least.is_valid(), 1.0, _NOTHING))


def share_of_spans(
    steps: pa.RecordBatch, calls: pa.RecordBatch, ids: pa.StringArray
) -> pa.DoubleArray:
    """Give how much of the tokens of Codex' turn spans log records told of.

    Only turns that both tell of count: logs may have been switched off for a run. Both are
    added up over the session first, since a record without a trace may be taken for another
    turn's.
    """
    codex = pc.and_(pc.equal(steps.column("agent"), "codex"), steps.column("turn_id").is_valid())
    spanned = mask_of(pc.and_(codex, pc.equal(steps.column("event_type"), "turn")))
    spans = steps.filter(pa.array(spanned))
    logged = mask_of(pc.equal(calls.column("usage_source"), "logs"))
    logged &= mask_of(calls.column("turn_id").is_valid())
    records = calls.filter(pa.array(logged))
    session = _both(spans, records, "session_id")
    turns = Groups.of_codes(codes_of(session, _both(spans, records, "turn_id")))
    tokens = pa.concat_arrays([all_tokens(spans), all_tokens(records)])
    of_span = np.arange(len(tokens)) < spans.num_rows
    sent, came = turns.where(of_span).sum(tokens), turns.where(~of_span).sum(tokens)
    told = mask_of(pc.and_(pc.greater(sent, 0), came.is_valid()))
    place = pc.index_in(turns.first(session), value_set=ids)
    sessions = Groups.at(place, len(ids)).where(told)
    held, whole = (sessions.sum(each).cast(pa.float64(), safe=False) for each in (came, sent))
    return pc.divide(held, whole)


def _both(spans: pa.RecordBatch, records: pa.RecordBatch, name: str) -> pa.StringArray:
    return pa.concat_arrays([spans.column(name), records.column(name)])
