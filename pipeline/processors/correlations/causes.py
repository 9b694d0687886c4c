"""Find for each file of an error what was done to that file last before it.

Two names are of one file where they are the same or one ends in the other at a `/`. So each thing
done is looked up by all its files' names end in, and each error by what its own end in.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...evidence.paths import endings_of
from ...session.groups import Groups, Mask, Numbers, codes_of, mask_of
from .doings import Doings


@dataclass(frozen=True, slots=True)
class Pairs:
    """Errors and what was done before them: places in the files of errors and of doings."""

    failed: Numbers
    done: Numbers

    def where(self, mask: Mask) -> "Pairs":
        """Give the pairs that are in the mask."""
        return Pairs(self.failed[mask], self.done[mask])


def pairs_of(done: Doings, failed: Doings) -> Pairs:
    """Pair each file of an error with the last that was done to it before, where there is such.

    At the same moment a human's doing was before a tool's error, and an edit if its use of a tool
    had begun first. What was decided on the use that failed is not before it.
    """
    if not len(done.files) or not len(failed.files):
        return Pairs(np.array([], np.int64), np.array([], np.int64))
    line = _line_up(done, failed)
    ended, ending = endings_of(done.files.path)
    rows = np.arange(len(done.files))
    whole = np.arange(len(failed.files))
    by_end = _latest(
        line,
        _Names(done, np.concatenate([rows, ended]), _texts(done.files.path, ending)),
        _Names(failed, whole, failed.files.path),
    )
    sought, wanted = endings_of(failed.files.path)
    by_whole = _latest(line, _Names(done, rows, done.files.path), _Names(failed, sought, wanted))
    latest = by_end
    np.maximum.at(latest, sought, by_whole)
    found = np.flatnonzero(latest >= 0)
    return Pairs(found, line.order[latest[found]])


def elsewhere(pairs: Pairs, done: Doings, failed: Doings, folders: pa.StringArray) -> Mask:
    """Mask the pairs in which something was done in another folder than the error is of.

    ``folders`` tell where the command of each error went first, NULL where it stayed. A file that
    an error tells relative to it, `src/a.ts`, is not one that lies outside of it.
    """
    folder = folders.take(pa.array(failed.files.row[pairs.failed]))
    name, path = (
        each.files.path.take(pa.array(place))
        for each, place in ((failed, pairs.failed), (done, pairs.done))
    )
    root = [pc.starts_with(each, "/") for each in (name, path, folder)]
    # Of a path that is not whole it is not told whether it lies in a folder that is.
    longer = pc.greater(pc.utf8_length(path), pc.utf8_length(name))
    sought = pc.and_(pc.and_not(longer, root[0]), pc.or_(root[1], pc.invert(root[2])))
    rows = np.flatnonzero(mask_of(sought))
    both = Groups.by(path.take(pa.array(rows)), folder.take(pa.array(rows)))
    first = pa.array(rows).take(both.first_row(pa.array(rows)))
    out = [
        not _lies_in(str(each), str(where))
        for each, where in zip(path.take(first), folder.take(first), strict=True)
    ]
    mask = np.zeros(len(pairs.done), dtype=np.bool_)
    mask[rows] = np.array(out, dtype=np.bool_)[both.of_row]
    return mask


def _lies_in(path: str, folder: str) -> bool:
    if folder.startswith("/"):
        return path.startswith(f"{folder}/")
    return f"/{folder}/" in f"/{path}"


@dataclass(frozen=True, slots=True)
class _Line:
    """All files that something was done to, in order of time.

    ``order`` has their places, ``rank`` is where each place stands in it; ``limit`` tells of each
    file of an error how many of them were before it.
    """

    order: Numbers
    rank: Numbers
    limit: Numbers


@dataclass(frozen=True, slots=True)
class _Names:
    """Texts by which files of doings are looked up; ``entry`` is the place of each file."""

    doings: Doings
    entry: Numbers
    text: pa.StringArray

    @property
    def session_id(self) -> pa.StringArray:
        return self.doings.session_id.take(pa.array(self.doer))

    @property
    def doer(self) -> Numbers:
        return self.doings.files.row[self.entry]

    @property
    def use(self) -> Numbers:
        return self.doings.use[self.doer]


def _line_up(done: Doings, failed: Doings) -> _Line:
    moments = _moments(done, failed)
    when = moments[: len(done)][done.files.row]
    length = pc.utf8_length(done.files.path).to_numpy()
    text = pc.rank(done.files.path, tiebreaker="dense").to_numpy()
    order = np.lexsort((text, length, done.files.row, when))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    wanted = moments[len(done) :][failed.files.row]
    return _Line(order, rank, np.searchsorted(when[order], wanted, side="left"))


def _moments(done: Doings, failed: Doings) -> Numbers:
    """Give moments a number: in order of time, and of `order` where the time is the same."""
    at_us = np.concatenate([done.at_us, failed.at_us])
    order = np.concatenate([done.order, failed.order]) + 1
    time = np.unique(at_us, return_inverse=True)[1].ravel().astype(np.int64)
    return np.asarray(time * (order.max() + 1) + order, dtype=np.int64)


def _latest(line: _Line, have: _Names, want: _Names) -> Numbers:
    """Give of each text wanted the rank of the last file that is called so; -1 for none."""
    both = [
        pa.concat_arrays([have.session_id, want.session_id]),
        pa.concat_arrays([have.text, want.text]),
    ]
    codes = np.unique(codes_of(*both), return_inverse=True)[1].ravel().astype(np.int64)
    code, sought = codes[: len(have.entry)], codes[len(have.entry) :]
    rank = line.rank[have.entry]
    order = np.lexsort((rank, code))
    code, rank = code[order], rank[order]
    width = len(line.rank) + 1
    places = code * width + rank
    at = np.searchsorted(places, sought * width + line.limit[want.entry], side="left") - 1
    at = _not_own(at, code, have.doer[order], have.use[order], want.use)
    hit = (at >= 0) & (code[at] == sought)
    return np.where(hit, rank[at], -1)


def _not_own(at: Numbers, code: Numbers, doer: Numbers, use: Numbers, failed: Numbers) -> Numbers:
    """Step back behind what was decided on the use that failed."""
    new = np.ones(len(code), dtype=np.bool_)
    new[1:] = (code[1:] != code[:-1]) | (doer[1:] != doer[:-1])
    begins = np.maximum.accumulate(np.where(new, np.arange(len(code)), 0))
    own = (at >= 0) & (failed >= 0) & (use[at] == failed)
    return np.where(own, begins[at] - 1, at)


def _texts(first: pa.StringArray, second: pa.StringArray) -> pa.StringArray:
    return pa.concat_arrays([first, second])
