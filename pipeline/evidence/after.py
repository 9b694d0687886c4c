"""Tell what came after each error until the same tool worked again, and what that cost."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Groups, Mask, Numbers, codes_of, mask_of
from .errors import Errors
from .uses import Uses, micros


@dataclass(frozen=True, slots=True)
class After:
    """For each error: when it was known, and until when it mattered, in Unix microseconds.

    Until the same tool worked again (``by`` is that use, NULL where it never did), else until
    the last of the turn. An error whose time or tool is not told mattered for no time.
    """

    since_us: Numbers
    until_us: Numbers
    by: pa.Int64Array
    resolved: Mask
    """Whether the same tool, or for an API call the same model, worked again; never told of
    hooks, MCP servers and compactions."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What groups of errors were followed by; each API call counts once in a group."""

    cost_usd: pa.DoubleArray
    coverage: pa.DoubleArray
    turns: pa.Int64Array


def after_of(errors: Errors) -> After:
    """Tell until when each error mattered."""
    since_us = micros(errors.column("at"))
    timed, none = errors.column("at").is_valid(), pa.scalar(None, pa.int64())
    by = pc.if_else(timed, _next_success(errors, since_us), none)
    began = pc.take(pa.array(errors.uses.began_us), by)
    ended = pc.coalesce(began, _turn_end(errors))
    known = pc.and_(timed, errors.column("tool_name").is_valid())
    until = pc.if_else(known, ended, none)
    answered = _answered(errors, since_us) & mask_of(timed)
    return After(since_us, _numbers(until, since_us), by, mask_of(by.is_valid()) | answered)


def spent_after(errors: Errors, after: After, groups: Groups) -> Spent:
    """Add up the API calls that began between errors of each group and their ends."""
    spans = _merged(errors, after, groups)
    span, call = _calls_within(errors.calls, spans)
    of_group = Groups(spans.group[span], groups.count)
    rows = errors.calls.take(pa.array(call))
    usage = mask_of(rows.column("cost_status").is_valid())
    priced = mask_of(rows.column("cost_usd").is_valid())
    counts = [of_group.where(mask).counts() for mask in (usage, usage & priced)]
    return Spent(
        of_group.sum(rows.column("cost_usd")),
        _share(counts[1], counts[0]),
        _turns(rows.column("turn_id"), of_group),
    )


def cost_within(
    calls: pa.RecordBatch,
    session_id: pa.StringArray,
    since_us: pa.Int64Array,
    until_us: pa.Int64Array,
) -> pa.DoubleArray:
    """Add up the cost of a session's API calls that began within spans of time, one each."""
    count = len(session_id)
    bounds = (pc.fill_null(each, 0).to_numpy() for each in (since_us, until_us))
    span, call = _calls_within(calls, _Spans(session_id, np.arange(count), *bounds))
    return Groups(span, count).sum(calls.column("cost_usd").take(pa.array(call)))


@dataclass(frozen=True, slots=True)
class _Spans:
    """Spans of time that do not overlap within a group."""

    session: pa.StringArray
    group: Numbers
    since_us: Numbers
    until_us: Numbers


def _next_success(errors: Errors, since_us: Numbers) -> pa.Int64Array:
    """Give the first use of the same tool that began after each error and worked."""
    uses = errors.uses
    names = ("session_id", "tool_name", "mcp_server")
    keys, sought = ([part.column(name) for name in names] for part in (uses, errors))
    usable = uses.worked & mask_of(uses.column("tool_name").is_valid())
    return _first_after((keys, uses.began_us, usable), sought, since_us)


def _answered(errors: Errors, since_us: Numbers) -> Mask:
    """Mask the API calls that failed after which one of the same model succeeded."""
    calls = errors.calls
    names = ("session_id", "model")
    keys = [calls.column(name) for name in names]
    sought = [errors.column("session_id"), calls.column("model").take(errors.column("call"))]
    good = mask_of(calls.column("success"))
    found = _first_after((keys, micros(calls.column("time")), good), sought, since_us)
    return mask_of(found.is_valid()) & errors.of("api")


def _first_after(
    rows: tuple[list[pa.Array], Numbers, Mask], sought: list[pa.Array], since_us: Numbers
) -> pa.Int64Array:
    """Give the first usable row with the same key that is not before a time; NULL for none.

    ``rows`` are their keys, their times, and which may be found.
    """
    keys, times, usable = rows
    both = [pa.concat_arrays([key, other]) for key, other in zip(keys, sought, strict=True)]
    code = np.unique(codes_of(*both), return_inverse=True)[1].ravel()
    own, wanted = code[: len(times)], code[len(times) :]
    row = np.flatnonzero(usable)
    if not len(row):
        return pa.nulls(len(since_us), pa.int64())
    order = row[np.lexsort((row, times[row], own[row]))]
    at = _searched(own[order], times[order], wanted, since_us)
    found = order[np.minimum(at, len(order) - 1)]
    return pa.array(found, mask=(at >= len(order)) | (own[found] != wanted))


def _searched(keys: Numbers, times: Numbers, sought: Numbers, since: Numbers) -> Numbers:
    """Give the place of the first (key, time) that is not before each (sought, since)."""
    rank = np.unique(np.concatenate([times, since]), return_inverse=True)[1].ravel()
    width = len(rank) + 1
    have = keys.astype(np.int64) * width + rank[: len(times)]
    want = sought.astype(np.int64) * width + rank[len(times) :]
    return np.searchsorted(have, want, side="left").astype(np.int64)


def _turn_end(errors: Errors) -> pa.Int64Array:
    """Give when the last API call or use of a tool of each error's turn was over."""
    parts = (errors.uses.calls, errors.calls)
    names = ("session_id", "turn_id")
    told = [
        pa.concat_arrays([errors.column(name), *(part.column(name) for part in parts)])
        for name in names
    ]
    groups = Groups.by(*told, where=mask_of(told[1].is_valid()))
    none = pa.nulls(len(errors), pa.int64())
    ends = [pa.array(errors.uses.ended_us), errors.calls.column("time").cast(pa.int64())]
    # Of some calls only the end is told: the last is part of the turn too.
    last = pc.add(groups.max(pa.concat_arrays([none, *ends])), 1)
    return groups.spread(last).slice(0, len(errors))


def _merged(errors: Errors, after: After, groups: Groups) -> _Spans:
    """Join the spans of each group that overlap."""
    rows = np.flatnonzero((groups.of_row >= 0) & (after.until_us > after.since_us))
    order = rows[np.lexsort((rows, after.since_us[rows], groups.of_row[rows]))]
    group, since, until = groups.of_row[order], after.since_us[order], after.until_us[order]
    rank = np.unique(np.concatenate([since, until]), return_inverse=True)[1].ravel()
    width = np.int64(len(rank) + 1)
    begins, ends = group * width + rank[: len(order)], group * width + rank[len(order) :]
    reached = np.maximum.accumulate(ends) if len(order) else ends
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = begins[1:] > reached[:-1]
    first = np.flatnonzero(new)
    last = np.maximum.reduceat(until, first) if len(first) else until
    session = errors.column("session_id").take(pa.array(order[first]))
    return _Spans(session, group[first], since[first], last)


def _calls_within(calls: pa.RecordBatch, spans: _Spans) -> tuple[Numbers, Numbers]:
    """Pair spans with the API calls of their session that began within them."""
    took_us = pc.multiply(pc.fill_null(calls.column("duration_ms"), 0.0), 1000.0)
    began_us = micros(calls.column("time")) - took_us.to_numpy().astype(np.int64)
    codes = codes_of(pa.concat_arrays([calls.column("session_id"), spans.session]))
    place = np.unique(codes, return_inverse=True)[1].ravel()
    own, sought = place[: calls.num_rows], place[calls.num_rows :]
    order = np.lexsort((np.arange(calls.num_rows), began_us, own))
    first = _searched(own[order], began_us[order], sought, spans.since_us)
    end = _searched(own[order], began_us[order], sought, spans.until_us)
    size = np.maximum(end - first, 0)
    span = np.repeat(np.arange(len(size)), size)
    within = np.arange(len(span)) - np.repeat(np.cumsum(size) - size, size)
    return span, order[np.repeat(first, size) + within]


def _turns(turn_id: pa.StringArray, groups: Groups) -> pa.Int64Array:
    """Count the different turns of each group."""
    told = mask_of(turn_id.is_valid())
    pairs = Groups.by(pa.array(groups.of_row), turn_id, where=told)
    first = pairs.first_row(pa.array(groups.of_row))
    return Groups(groups.of_row[first.to_numpy()], groups.count).counts()


def _share(part: pa.Int64Array, whole: pa.Int64Array) -> pa.DoubleArray:
    some = pc.if_else(pc.greater(whole, 0), whole, pa.scalar(None, pa.int64()))
    return pc.divide(part.cast(pa.float64()), some.cast(pa.float64()))


def _numbers(us: pa.Int64Array, otherwise: Numbers) -> Numbers:
    return np.where(mask_of(us.is_valid()), pc.fill_null(us, 0).to_numpy(), otherwise)


def how_it_worked(uses: Uses, after: After) -> pa.StringArray:
    """Give the command with which each error's tool worked again, where it is told."""
    return uses.command.take(after.by)
