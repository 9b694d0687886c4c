"""Tell which uses of tools were made by another one, and which ran at one time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, Numbers, mask_of

_OUTER = "exec"
_NESTED = "exec-"

# Times of log records are cut to milliseconds, and so is a begin made of a duration.
_LEEWAY_US = 2_000

_FOREVER = np.iinfo(np.int64).max


def makers_of(
    session: Numbers,
    call_id: pa.StringArray,
    tool_name: pa.StringArray,
    started_us: pa.Int64Array,
    ended_us: pa.Int64Array,
) -> Numbers:
    """Give for each nested use the place of the code-mode use that made it; -1 for others.

    That is the one whose result came next in its session, if it had begun by then, else the
    one that had begun last: Codex tells of no other link. Source: reference of Codex, 5.1.
    """
    nested = mask_of(pc.starts_with(call_id, _NESTED))
    maker = np.full(len(session), -1, dtype=np.int64)
    outer = mask_of(pc.equal(tool_name, _OUTER)) & ~nested & mask_of(started_us.is_valid())
    inner = np.flatnonzero(nested & mask_of(started_us.is_valid()))
    begins = pc.fill_null(started_us, 0).to_numpy()
    ends = pc.fill_null(ended_us, _FOREVER).to_numpy()
    makers = np.flatnonzero(outer)
    if not len(inner) or not len(makers):
        return maker
    end = np.where(ends[inner] == _FOREVER, begins[inner], ends[inner])
    after = _first_not_before(session, makers, ends, inner, end)
    spans = (after >= 0) & (begins[after] <= begins[inner] + _LEEWAY_US)
    before = _last_not_after(session, makers, begins, inner, begins[inner] + _LEEWAY_US)
    maker[inner] = np.where(spans, after, before)
    return maker


def parallel_groups(
    session: Numbers, party: Numbers, begins: pa.Int64Array, ends: pa.Int64Array
) -> pa.Int64Array:
    """Give the number of the group each use ran in, from 1 in each session; NULL for those alone.

    Only uses of one ``party`` are held against each other. Where begin or end is NULL, the
    use overlaps none.
    """
    rows = np.flatnonzero(mask_of(begins.is_valid()) & mask_of(ends.is_valid()))
    number = np.zeros(len(session), dtype=np.int64)
    if len(rows):
        begin, end = _ranks(begins.take(pa.array(rows)), ends.take(pa.array(rows)))
        order = np.lexsort((rows, end, begin, party[rows]))
        leader = _leaders(party[rows][order], begin[order], end[order])
        group = np.cumsum(leader) - 1
        many = np.bincount(group)[group] > 1
        first = order[leader][group]
        number[rows[order[many]]] = _numbered(session[rows], begin, first[many])
    return pa.array(number, mask=number == 0)


def _ranks(begins: pa.Int64Array, ends: pa.Int64Array) -> tuple[Numbers, Numbers]:
    """Put small numbers in the place of times, in the same order."""
    times = np.concatenate([begins.to_numpy(), ends.to_numpy()])
    rank = np.unique(times, return_inverse=True)[1]
    return rank[: len(begins)], rank[len(begins) :]


def _leaders(party: Numbers, begin: Numbers, end: Numbers) -> Mask:
    """Mask the uses that begin when all before them of their party are over."""
    # Each party's times stand above all of the one before it: one maximum runs over all.
    fresh: Mask = np.diff(party, prepend=-1) != 0
    floor = (np.cumsum(fresh) - 1) * (2 * len(party) + 1)
    latest = np.maximum.accumulate(floor + end)
    leader: Mask = fresh.copy()
    leader[1:] |= floor[1:] + begin[1:] >= latest[:-1]
    return leader


def _numbered(session: Numbers, begin: Numbers, first: Numbers) -> Numbers:
    """Give numbers to groups, each known by its first use, in their session by time."""
    heads = np.unique(first)
    order = heads[np.lexsort((heads, begin[heads], session[heads]))]
    place = np.arange(len(order))
    fresh = np.diff(session[order], prepend=-1) != 0
    rank = np.empty(len(session), dtype=np.int64)
    rank[order] = place - np.maximum.accumulate(np.where(fresh, place, 0)) + 1
    numbers: Numbers = rank[first]
    return numbers


def _first_not_before(
    session: Numbers, makers: Numbers, ends: Numbers, inner: Numbers, sought: Numbers
) -> Numbers:
    """Give the maker of the same session that ends first, not before a time; -1 for none."""
    order = makers[np.lexsort((makers, ends[makers], session[makers]))]
    at = _places(session, order, ends, inner, sought, makers_first=False)
    found = order[np.minimum(at, len(order) - 1)]
    inside = (at < len(order)) & (session[found] == session[inner])
    return np.where(inside, found, -1)


def _last_not_after(
    session: Numbers, makers: Numbers, begins: Numbers, inner: Numbers, sought: Numbers
) -> Numbers:
    """Give the maker of the same session that begins last, not after a time; -1 for none."""
    order = makers[np.lexsort((makers, begins[makers], session[makers]))]
    at = _places(session, order, begins, inner, sought, makers_first=True) - 1
    found = order[np.maximum(at, 0)]
    inside = (at >= 0) & (session[found] == session[inner])
    return np.where(inside, found, -1)


def _places(
    session: Numbers,
    order: Numbers,
    times: Numbers,
    inner: Numbers,
    sought: Numbers,
    *,
    makers_first: bool,
) -> Numbers:
    """Count the makers, in order of session and time, that stand before each one sought."""
    sessions = np.concatenate([session[order], session[inner]])
    both = np.concatenate([times[order], sought])
    maker = np.arange(len(both)) < len(order)
    tie = np.where(maker, 0, 1) if makers_first else np.where(maker, 1, 0)
    sorted_rows = np.lexsort((tie, both, sessions))
    before = np.cumsum(maker[sorted_rows])
    counted = np.empty(len(both), dtype=np.int64)
    counted[sorted_rows] = before
    places: Numbers = counted[len(order) :]
    return places
