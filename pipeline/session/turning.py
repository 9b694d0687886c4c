"""Tell for each event of sessions which turn it belongs to.

A turn is one user prompt and all it caused. Claude Code names it on log records (`prompt.id`)
and gives it a trace of its own; Codex names it on spans (`turn.id`), its log records have at
best the trace, and its usage records not even that. What names no turn belongs to the one that
had begun last. Sources: reference of Claude Code, section 8; of Codex, sections 0.10 and 4.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .groups import Groups, Mask, Numbers, codes_of, mask_of

TURN_COLUMNS = ("session_id", "event_type", "turn_id", "trace_id")
"""The columns of ``events`` that turns are told by."""

TURN_TYPES = ("user_prompt", "turn")
"""The events that begin a turn; whoever asks for turns needs all of them."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The turn of each event: its id, and its number in the session from 1; NULL for none."""

    turn_id: pa.StringArray
    number: pa.Int64Array


def turns_of(events: pa.RecordBatch) -> Turns:
    """Give each event its turn.

    Takes TURN_COLUMNS, with the rows of each session together and in order of time, all of
    TURN_TYPES among them. Other rows may be left out; the answer for the rest stays the same.
    """
    if events.num_rows == 0:
        return Turns(pa.array([], pa.string()), pa.array([], pa.int64()))
    session = codes_of(events.column("session_id"))
    begins = mask_of(pc.is_in(events.column("event_type"), value_set=pa.array(TURN_TYPES)))
    named = _named(events, session)
    named = _unnamed_prompts(events, session, begins, named)
    turn_id = _of_last_begun(session, begins, named)
    return Turns(turn_id, _numbers(session, begins, turn_id))


def _named(events: pa.RecordBatch, session: Numbers) -> pa.StringArray:
    """Give the turn that a row names itself, or whose trace it shares; NULL where neither."""
    told, trace = events.column("turn_id"), events.column("trace_id")
    # A Codex log record names its trace where it does not know its turn.
    by_trace = pc.or_kleene(pc.is_null(told), pc.fill_null(pc.equal(told, trace), False))
    traces = Groups.of_codes(
        np.where(mask_of(trace.is_valid()), codes_of(pa.array(session), trace), -1)
    )
    real = pc.if_else(by_trace, pa.scalar(None, pa.string()), told)
    of_trace = _turn_of_trace(events, traces, real)
    return pc.coalesce(real, traces.spread(of_trace))


def _turn_of_trace(events: pa.RecordBatch, traces: Groups, real: pa.StringArray) -> pa.StringArray:
    """Give each trace its turn; NULL where it holds none, or several (TRACEPARENT was set)."""
    kind = events.column("event_type")
    prompts = mask_of(pc.equal(kind, "user_prompt"))
    spans = mask_of(pc.equal(kind, "turn"))
    one_prompt = _count(traces, prompts) <= 1
    one_span = _count(traces, spans) <= 1
    names = traces.texts(real)
    one_name = pc.equal(pc.list_value_length(names), 1).to_numpy(zero_copy_only=False)
    no_name = pc.equal(pc.list_value_length(names), 0).to_numpy(zero_copy_only=False)
    is_turn = traces.any(prompts | spans)
    single = one_prompt & one_span
    trace_id = traces.first(events.column("trace_id"))
    by_name = pc.if_else(
        pa.array(one_name & single), traces.first(real), pa.scalar(None, pa.string())
    )
    by_itself = pc.if_else(
        pa.array(no_name & single & is_turn), trace_id, pa.scalar(None, pa.string())
    )
    return pc.coalesce(by_name, by_itself)


def _count(groups: Groups, mask: Mask) -> Numbers:
    counted: Numbers = groups.where(mask).counts().to_numpy()
    return counted


def _unnamed_prompts(
    events: pa.RecordBatch, session: Numbers, begins: Mask, named: pa.StringArray
) -> pa.StringArray:
    """Name the prompts that nothing names by their number in the session."""
    unnamed = begins & mask_of(named.is_null())
    if not unnamed.any():
        return named
    first = np.concatenate([[True], session[1:] != session[:-1]])
    so_far = np.cumsum(begins)
    before = np.maximum.accumulate(np.where(first, so_far - begins, 0))
    number = pa.array(so_far - before).cast(pa.string())
    own = pc.binary_join_element_wise(events.column("session_id"), number, "/")
    return pc.if_else(pa.array(unnamed), own, named)


def _of_last_begun(session: Numbers, begins: Mask, named: pa.StringArray) -> pa.StringArray:
    """Give what names no turn the one that began last before it in its session."""
    rows = np.arange(len(session))
    last = np.maximum.accumulate(np.where(begins, rows, -1))
    inside = (last >= 0) & (session[np.maximum(last, 0)] == session)
    begun = named.take(pa.array(last, mask=~inside))
    return pc.coalesce(named, begun)


def _numbers(session: Numbers, begins: Mask, turn_id: pa.StringArray) -> pa.Int64Array:
    """Count each session's turns from 1, in order of where they begin or are first told."""
    turns = Groups.of_codes(
        np.where(mask_of(turn_id.is_valid()), codes_of(pa.array(session), turn_id), -1)
    )
    rows = pa.array(np.arange(len(session)))
    began = turns.where(begins).min(rows)
    first = pc.coalesce(began, turns.min(rows)).to_numpy(zero_copy_only=False).astype(np.int64)
    of_session = session[first]
    order = np.lexsort((first, of_session))
    rank = np.empty(turns.count, dtype=np.int64)
    ordered = of_session[order]
    place = np.arange(turns.count)
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: turns.count]
    rank[order] = place - np.maximum.accumulate(np.where(starts, place, 0)) + 1
    return turns.spread(pa.array(rank))
