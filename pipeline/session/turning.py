"""Tell for each event of sessions which turn it belongs to.

A turn is one user prompt and all it caused. Claude Code names it on log records (`prompt.id`),
and its span (`interaction`) is the one that the prompt's record points to; Codex names it on
the span (`turn.id`), its log records have at best the trace, and its usage records not even
that. What names no turn belongs to the one that had begun last. Sources: reference of Claude
Code, sections 7 and 8; of Codex, sections 0.10 and 4.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .groups import Groups, Mask, Numbers, codes_of, mask_of

TURN_COLUMNS = (
    *("session_id", "event_type", "turn_id", "trace_id", "span_id", "time", "end_time"),
)
"""The columns of ``events`` that turns are told by."""

TURN_TYPES = ("user_prompt", "turn", "session_start")
"""The events that begin a turn; whoever asks for turns needs all of them."""

_NULL_TEXT = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Turns:
    """The turn of each event: its id, and its number in the session from 1; NULL for none."""

    turn_id: pa.StringArray
    number: pa.Int64Array


@dataclass(frozen=True, slots=True)
class _Rows:
    """Events as numbers: alike where the numbers are, -1 where nothing is told."""

    session: Numbers
    trace: Numbers
    """Of one session: a trace over two sessions has two numbers."""
    span: Numbers
    prompt: Mask
    turn: Mask
    begins: Mask
    starts: Mask
    """Where a process began, and no turn with it: what was before it is over."""


def turns_of(events: pa.RecordBatch) -> Turns:
    """Give each event its turn.

    Takes TURN_COLUMNS, with the rows of each session together and in order of time, all of
    TURN_TYPES among them. Other rows may be left out: the ids of the rest stay the same, but
    for a turn whose prompt was lost, which other rows may name.
    """
    if events.num_rows == 0:
        return Turns(pa.array([], pa.string()), pa.array([], pa.int64()))
    rows = _read(events)
    begun = _begun(rows, events)
    # A Codex log record names its trace where it does not know its turn.
    same = pc.fill_null(pc.equal(events.column("turn_id"), events.column("trace_id")), False)
    told = pc.if_else(same, _NULL_TEXT, events.column("turn_id"))
    names = _names(rows, begun, told, events)
    by_trace = _only_begun_in_trace(rows, begun)
    place = np.where(by_trace >= 0, by_trace, _last_begun(rows, begun))
    turn_id = pc.coalesce(told, names.take(pa.array(place, mask=place < 0)))
    return Turns(turn_id, _numbers(rows, turn_id))


def _read(events: pa.RecordBatch) -> _Rows:
    session = codes_of(events.column("session_id"))
    kind = events.column("event_type")
    prompt, turn = mask_of(pc.equal(kind, "user_prompt")), mask_of(pc.equal(kind, "turn"))
    starts = mask_of(pc.equal(kind, "session_start"))
    # A sub-agent of Codex may be given its task without a prompt (reference, section 5).
    sessions = Groups.of_codes(session)
    without = ~sessions.any(prompt | turn)[sessions.of_row]
    first = _first_of(session, starts & without)
    of_session = pa.array(session)
    return _Rows(
        session,
        _told(codes_of(of_session, events.column("trace_id")), events.column("trace_id")),
        _told(codes_of(of_session, events.column("span_id")), events.column("span_id")),
        prompt,
        turn,
        prompt | turn | first,
        starts & ~first,
    )


def _told(codes: Numbers, column: pa.Array) -> Numbers:
    return np.where(mask_of(column.is_valid()), codes, -1)


def _first_of(session: Numbers, mask: Mask) -> Mask:
    """Leave the first row of each session in a mask."""
    rows = np.flatnonzero(mask)
    first = np.zeros(len(session), dtype=np.bool_)
    first[rows[np.unique(session[rows], return_index=True)[1]]] = True
    return first


def _begun(rows: _Rows, events: pa.RecordBatch) -> Numbers:
    """Give each row that begins a turn the row that stands for the turn; -1 to all others.

    A turn's span stands for it, else its prompt. A prompt is the span's that it points to, else
    of the only turn in its trace, else of the one in whose time it was given.
    """
    place = np.arange(len(rows.session))
    begun = np.where(rows.begins, place, -1)
    spans = np.flatnonzero(rows.turn)
    if not len(spans):
        return begun
    prompts = np.flatnonzero(rows.prompt)
    found = _at(rows.span, spans, prompts)
    found = np.where(found >= 0, found, _around(rows, events, prompts))
    begun[prompts[found >= 0]] = found[found >= 0]
    return begun


def _at(codes: Numbers, spans: Numbers, prompts: Numbers) -> Numbers:
    """Give each prompt the span with its number; -1 where there is none."""
    if not len(spans):
        return np.full(len(prompts), -1)
    order = spans[np.argsort(codes[spans], kind="stable")]
    at = np.minimum(np.searchsorted(codes[order], codes[prompts]), len(order) - 1)
    hit = (codes[order[at]] == codes[prompts]) & (codes[prompts] >= 0)
    return np.where(hit, order[at], -1)


def _around(rows: _Rows, events: pa.RecordBatch, prompts: Numbers) -> Numbers:
    """Give each prompt the span of its trace in whose time it was given; -1 where none is."""
    place = np.arange(len(rows.session))
    last = np.maximum.accumulate(np.where(rows.turn, place, -1))[prompts]
    span = np.maximum(last, 0)
    never = np.iinfo(np.int64).min
    end = pc.fill_null(events.column("end_time").cast(pa.int64()), never).to_numpy()
    time = pc.fill_null(events.column("time").cast(pa.int64()), never).to_numpy()
    inside = (last >= 0) & (rows.session[span] == rows.session[prompts])
    inside &= (rows.trace[span] == rows.trace[prompts]) & (time[prompts] <= end[span])
    alone = _at(rows.trace, _only(rows.trace, rows.turn), prompts)
    one_prompt = np.isin(prompts, _only(rows.trace, rows.prompt))
    return np.where(inside, last, np.where(one_prompt, alone, -1))


def _only(trace: Numbers, mask: Mask) -> Numbers:
    """Give the rows of a mask that are the only ones of it in their trace."""
    at = np.flatnonzero(mask & (trace >= 0))
    _, first, counts = np.unique(trace[at], return_index=True, return_counts=True)
    return np.sort(at[first[counts == 1]])


def _only_begun_in_trace(rows: _Rows, begun: Numbers) -> Numbers:
    """Give each row the only turn in its trace; -1 where there is none, or several."""
    place = np.arange(len(begun))
    only = _only(rows.trace, (begun == place) & (rows.prompt | rows.turn))
    return _at(rows.trace, only, place)


def _last_begun(rows: _Rows, begun: Numbers) -> Numbers:
    """Give each row the turn that began last before it in its session; -1 where none did."""
    place = np.arange(len(begun))
    last = np.maximum.accumulate(np.where((begun >= 0) | rows.starts, place, -1))
    inside = (last >= 0) & (rows.session[np.maximum(last, 0)] == rows.session)
    return np.where(inside, begun[np.maximum(last, 0)], -1)


def _names(
    rows: _Rows, begun: Numbers, told: pa.StringArray, events: pa.RecordBatch
) -> pa.StringArray:
    """Name the turns that rows stand for: as told, else by the trace, else by their number."""
    turns = Groups(begun, len(begun))
    real = turns.first(told)
    alone = np.zeros(len(begun), dtype=np.bool_)
    alone[_only(rows.trace, (begun == np.arange(len(begun))) & (rows.prompt | rows.turn))] = True
    # Where the prompt's record was lost, others of its trace name the turn.
    named = Groups.at(pa.array(rows.trace, mask=rows.trace < 0), int(rows.trace.max()) + 1)
    one = pc.equal(pc.list_value_length(named.texts(told)), 1)
    other = named.spread(pc.if_else(one, named.first(told), _NULL_TEXT))
    other = pc.if_else(pa.array(turns.any(rows.prompt)), _NULL_TEXT, other)
    by_trace = pc.coalesce(other, events.column("trace_id"))
    by_trace = pc.if_else(pa.array(alone), by_trace, _NULL_TEXT)
    number = _count(rows.session, begun == np.arange(len(begun)))
    own = pc.binary_join_element_wise(
        events.column("session_id"), pa.array(number).cast(pa.string()), "/"
    )
    return pc.coalesce(real, by_trace, own)


def _count(session: Numbers, mask: Mask) -> Numbers:
    """Count the rows of a mask in each session, up to and with each row."""
    first = np.concatenate([[True], session[1:] != session[:-1]])
    so_far = np.cumsum(mask)
    return so_far - np.maximum.accumulate(np.where(first, so_far - mask, 0))


def _numbers(rows: _Rows, turn_id: pa.StringArray) -> pa.Int64Array:
    """Count each session's turns from 1, in order of where they begin or are first told."""
    codes = _told(codes_of(pa.array(rows.session), turn_id), turn_id)
    turns = Groups.of_codes(codes)
    place = np.arange(len(codes))
    first = np.full(turns.count, len(codes))
    np.minimum.at(first, turns.of_row[turns.rows], place[turns.rows])
    begins = np.flatnonzero(rows.begins & (turns.of_row >= 0))
    began = np.full(turns.count, len(codes))
    np.minimum.at(began, turns.of_row[begins], place[begins])
    at = np.where(began < len(codes), began, first)
    order = np.lexsort((at, rows.session[at]))
    rank = np.empty(turns.count, dtype=np.int64)
    ordered = np.ones(turns.count, dtype=np.bool_)
    rank[order] = _count(rows.session[at][order], ordered) if turns.count else []
    return turns.spread(pa.array(rank))
