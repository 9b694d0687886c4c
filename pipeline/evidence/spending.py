"""Add up the API calls that began within spans of time, without pairing spans with calls.

Calls stand in order of session and begin, with a running total beside them: what a span came to
is the total at its end less that at its begin. Money runs in millionths of a millionth of a
dollar, since sums of whole numbers are the same in any order and in any company.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.schema import TIME
from ..session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ..session.searching import places
from .after import After
from .errors import Errors
from .uses import micros

_PICO = 1e12
_MOST = 9e18


@dataclass(frozen=True, slots=True)
class Spent:
    """What groups of errors were followed by; each API call counts once in a group.

    NULL where nobody would tell: of errors that mattered for no known time.
    """

    cost_usd: pa.DoubleArray
    coverage: pa.DoubleArray
    turns: pa.Int64Array


def spent_after(errors: Errors, after: After, groups: Groups) -> Spent:
    """Add up the API calls that began between errors of each group and their ends."""
    spans = _merged(errors, after, groups)
    line = _line_up(errors.calls, spans)
    cost, usage, priced = (
        _by_group(line.within(each), spans.group, groups.count)
        for each in (line.cost, line.usage, line.priced)
    )
    known = np.zeros(groups.count, dtype=np.bool_)
    known[spans.group] = True
    share = np.divide(priced, usage, out=np.zeros(groups.count), where=usage > 0)
    return Spent(
        pa.array(cost / _PICO, mask=priced == 0),
        pa.array(share, mask=usage == 0),
        pa.array(line.turns(spans.group, groups.count), mask=~known),
    )


def cost_within(
    calls: pa.RecordBatch,
    session_id: pa.StringArray,
    since_us: pa.Int64Array,
    until_us: pa.Int64Array,
) -> pa.DoubleArray:
    """Add up the cost of a session's API calls that began within spans of time, one each."""
    bounds = (pc.fill_null(each, 0).to_numpy() for each in (since_us, until_us))
    line = _line_up(calls, _Spans(session_id, np.arange(len(session_id)), *bounds))
    return pa.array(line.within(line.cost) / _PICO, mask=line.within(line.priced) == 0)


def began_us(calls: pa.RecordBatch) -> Numbers:
    """Give when API calls began, in Unix microseconds; the ledger tells when they were over."""
    took_us = pc.multiply(pc.fill_null(calls.column("duration_ms"), 0.0), 1000.0).cast(pa.int64())
    # Without a time it began before all others, which nothing can be taken from.
    over_us = calls.column("time").cast(pa.int64())
    return micros(pc.subtract(over_us, took_us).cast(TIME))


@dataclass(frozen=True, slots=True)
class _Spans:
    """Spans of time that do not overlap within a group."""

    session: pa.StringArray
    group: Numbers
    since_us: Numbers
    until_us: Numbers


@dataclass(frozen=True, slots=True)
class _Line:
    """Calls in order of session and begin, and which of them each span holds.

    Totals have one number more than there are calls: what had come before each of them.
    """

    first: Numbers
    end: Numbers
    cost: Numbers
    usage: Numbers
    priced: Numbers
    turn: Numbers
    """The turn of each call by a number, -1 where none is told."""

    def within(self, total: Numbers) -> Numbers:
        """Give what each span holds of a running total."""
        held: Numbers = total[self.end] - total[self.first]
        return held

    def turns(self, group: Numbers, count: int) -> Numbers:
        """Count the different turns of each group's spans, stretch of calls by stretch."""
        new = np.ones(len(self.turn), dtype=np.bool_)
        new[1:] = self.turn[1:] != self.turn[:-1]
        stretch = np.cumsum(new) - 1
        some = np.flatnonzero(self.end > self.first)
        begin, last = stretch[self.first[some]], stretch[self.end[some] - 1]
        size = last - begin + 1
        within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        turn = self.turn[np.flatnonzero(new)][np.repeat(begin, size) + within]
        pairs = np.stack([np.repeat(group[some], size), turn], axis=1)[turn >= 0]
        return np.bincount(np.unique(pairs, axis=0)[:, 0], minlength=count)


def _line_up(calls: pa.RecordBatch, spans: _Spans) -> _Line:
    codes = codes_of(pa.concat_arrays([calls.column("session_id"), spans.session]))
    place = np.unique(codes, return_inverse=True)[1].ravel()
    own, sought = place[: calls.num_rows], place[calls.num_rows :]
    began = began_us(calls)
    order = np.lexsort((np.arange(calls.num_rows), began, own))
    usage = mask_of(calls.column("cost_status").is_valid())
    priced = usage & mask_of(calls.column("cost_usd").is_valid())
    turn_id = calls.column("turn_id")
    turn = codes_of(calls.column("session_id"), turn_id)
    first, end = (
        places(own[order], began[order], sought, each) for each in (spans.since_us, spans.until_us)
    )
    return _Line(
        first,
        np.maximum(end, first),
        _running(_picodollars(calls)[order]),
        _running(usage[order]),
        _running(priced[order]),
        np.where(mask_of(turn_id.is_valid()), turn, -1)[order],
    )


def _picodollars(calls: pa.RecordBatch) -> Numbers:
    usd = pc.fill_null(calls.column("cost_usd"), 0.0).to_numpy()
    whole: Numbers = np.clip(np.rint(usd * _PICO), -_MOST, _MOST).astype(np.int64)
    return whole


def _running(numbers: Numbers | Mask) -> Numbers:
    return np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])


def _by_group(numbers: Numbers, group: Numbers, count: int) -> Numbers:
    total: Numbers = np.zeros(count, dtype=np.int64)
    np.add.at(total, group, numbers)
    return total


def _merged(errors: Errors, after: After, groups: Groups) -> _Spans:
    """Join the spans of each group that overlap; errors that mattered for no time have none."""
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
