"""Name the call that each log record, span and transcript entry tells of: rows of one name are one.

A request id is the name. Without one, as behind gateways that send none, a log written within
a call's span has that span's name; else a log and a span that agree in all tokens and in time
are of one call, where not both name a request. What is still alone is a call of its own.
Source: reference of Claude Code, sections 8 and 9.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ...session.ids import hex_of
from .told import TOKENS

COLUMNS = (
    "session_id",
    "event_id",
    "event_type",
    "signal",
    "time",
    "end_time",
    "trace_id",
    "span_id",
    "request_id",
    "model",
    "success",
    *TOKENS[:4],
)
"""The columns of ``events`` that calls are named by."""

_SLACK_US = 50_000
"""So far outside of its span a log record may stand; it was written when the call was over."""

# A round pairs all that have no nearer neighbour: real ones are done in one or two. The limit
# is for those who send many thousand calls of the same usage at one time.
_ROUNDS = 64

_FAR = np.int64(2**62)


def names_of(rows: pa.RecordBatch) -> pa.StringArray:
    """Give each row the name of its call; rows that tell of one call have the same."""
    request_id = rows.column("request_id")
    if request_id.null_count == 0:
        return request_id
    span = mask_of(pc.equal(rows.column("signal"), "traces"))
    told = pc.coalesce(request_id, _by_span(rows, span))
    own = pc.if_else(pa.array(span), rows.column("span_id"), pa.scalar(None, pa.string()))
    names = pc.coalesce(told, own, hex_of(rows.column("event_id")))
    alone = _alone(rows, names, span)
    log, its_span = _partners(rows, alone & span, alone & ~span)
    source = np.arange(rows.num_rows)
    named = mask_of(request_id.is_valid())[log]
    source[log[~named]] = its_span[~named]
    source[its_span[named]] = log[named]
    return names.take(pa.array(source))


def _alone(rows: pa.RecordBatch, names: pa.StringArray, span: Mask) -> Mask:
    """Mask the rows whose name no row of the other kind has."""
    calls = Groups.by(rows.column("session_id"), names)
    both: Mask = calls.any(span) & calls.any(~span)
    return ~both[calls.of_row]


def _by_span(rows: pa.RecordBatch, span: Mask) -> pa.StringArray:
    """Name spans, and what was written within one, by the span's request, else by the span."""
    trace_id, span_id = rows.column("trace_id"), rows.column("span_id")
    known = mask_of(pc.and_(trace_id.is_valid(), span_id.is_valid()))
    calls = Groups.by(rows.column("session_id"), trace_id, span_id, where=known)
    # Claude Code's logs name the turn's span, which all calls of the turn share.
    of_call = pa.array(calls.any(span))
    name = pc.coalesce(calls.first(rows.column("request_id")), calls.first(span_id))
    return calls.spread(pc.if_else(of_call, name, pa.scalar(None, pa.string())))


def _partners(rows: pa.RecordBatch, spans: Mask, logs: Mask) -> tuple[Numbers, Numbers]:
    """Pair logs with the spans that they agree with: the rows of both."""
    usage = mask_of(rows.column("input_tokens").is_valid())
    # A call that was never answered has no request id, and no tokens either.
    failed = mask_of(pc.equal(rows.column("event_type"), "api_error"))
    failed |= mask_of(pc.invert(rows.column("success")))
    at = np.flatnonzero((spans | logs) & (usage | failed))
    if not (logs[at].any() and spans[at].any()):
        return at[:0], at[:0]
    log, its_span = _pairs(rows.take(pa.array(at)), logs[at])
    return at[log], at[its_span]


def _pairs(rows: pa.RecordBatch, is_log: Mask) -> tuple[Numbers, Numbers]:
    """Pair logs with spans, the nearest in time first: the places of both."""
    group = codes_of(rows.column("session_id"), _model(rows), *(rows.column(n) for n in TOKENS[:4]))
    named = mask_of(rows.column("request_id").is_valid())
    begun = _us(rows.column("time"))
    over = _us(pc.coalesce(rows.column("end_time"), rows.column("time")))
    trace = codes_of(rows.column("trace_id"))
    no_trace = mask_of(rows.column("trace_id").is_null())
    left = np.lexsort((is_log, over, group))
    logs: list[Numbers] = []
    spans: list[Numbers] = []
    for _ in range(_ROUNDS):
        one, other = left[:-1], left[1:]
        log, span = np.where(is_log[one], one, other), np.where(is_log[one], other, one)
        fits = (group[one] == group[other]) & (is_log[one] != is_log[other])
        fits &= ~(named[one] & named[other])
        fits &= (trace[one] == trace[other]) | no_trace[one] | no_trace[other]
        fits &= (over[log] >= begun[span] - _SLACK_US) & (over[log] <= over[span] + _SLACK_US)
        nearest = _nearest(np.where(fits, over[other] - over[one], _FAR))
        if not nearest.any():
            break
        logs.append(log[nearest])
        spans.append(span[nearest])
        left = left[~np.isin(left, np.concatenate([one[nearest], other[nearest]]))]
    return np.concatenate([*logs, left[:0]]), np.concatenate([*spans, left[:0]])


def _model(rows: pa.RecordBatch) -> pa.StringArray:
    """Give the model where no tokens tell calls apart; elsewhere signals may name it otherwise."""
    tokens = [pc.fill_null(rows.column(name), 0) for name in TOKENS[:4]]
    total = pc.add(pc.add(tokens[0], tokens[1]), pc.add(tokens[2], tokens[3]))
    return pc.if_else(pc.greater(total, 0), pa.scalar(None, pa.string()), rows.column("model"))


def _nearest(gap: Numbers) -> Mask:
    """Mark the gaps that are smaller than those beside them; of equal ones the first."""
    edge = np.array([_FAR])
    before, after = np.concatenate([edge, gap[:-1]]), np.concatenate([gap[1:], edge])
    nearest: Mask = (gap < _FAR) & (gap < before) & (gap <= after)
    return nearest


def _us(times: pa.TimestampArray) -> Numbers:
    us: Numbers = pc.fill_null(times.cast(pa.int64()), 0).to_numpy()
    return us
