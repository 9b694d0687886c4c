"""Find break/fix loops: a file is edited, the tests fail, it is edited again, they fail again."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..session.groups import Mask, Numbers, codes_of
from .commands import run_tests
from .uses import Uses


@dataclass(frozen=True, slots=True)
class Loops:
    """Break/fix loops, in order of session and begin.

    ``of_use`` has the number of its loop for each use of a tool that is part of one (its edits
    and its failing test runs), -1 for all others; ``failures`` counts each loop's failing runs.
    """

    of_use: Numbers
    failures: Numbers

    def __len__(self) -> int:
        """Count them."""
        return len(self.failures)


def loops_of(uses: Uses, least_failures: int) -> Loops:
    """Find the loops with at least so many failing test runs, an edit before each of them.

    A test run that passes ends a loop. Between two runs that fail something must have been
    edited: the same tests run again and again without that are no loop of this kind.
    """
    tests = run_tests(uses.command)
    edit, failed, passed = uses.edits & uses.worked, tests & uses.failed, tests & uses.worked
    session = codes_of(uses.column("session_id"))
    row = np.flatnonzero(edit | failed | passed)
    broken, stretch = _cycles(session[row], failed[row], passed[row])
    count = np.bincount(stretch[broken], minlength=int(stretch.max(initial=-1)) + 1)
    long = count >= least_failures
    number = np.where(long, np.cumsum(long) - 1, -1)
    of_use: Numbers = np.full(len(uses), -1, dtype=np.int64)
    own = _parts(edit[row], broken, stretch)
    of_use[row] = np.where(own, number[stretch], -1) if len(row) else []
    return Loops(of_use, count[long].astype(np.int64))


def _cycles(session: Numbers, failed: Mask, passed: Mask) -> tuple[Mask, Numbers]:
    """Mask the runs that fail right after an edit, and number the stretches between passes."""
    new = np.ones(len(session), dtype=np.bool_)
    new[1:] = session[1:] != session[:-1]
    after_pass = np.zeros(len(session), dtype=np.bool_)
    after_pass[1:] = passed[:-1]
    stretch: Numbers = np.cumsum(new | after_pass) - 1
    edited = np.zeros(len(session), dtype=np.bool_)
    edited[1:] = ~failed[:-1] & ~passed[:-1] & ~new[1:]
    return failed & edited, stretch


def _parts(edit: Mask, broken: Mask, stretch: Numbers) -> Mask:
    """Mask what belongs to a loop: runs that broke, and the edits up to the last of them."""
    place = np.arange(len(stretch))
    last = np.full(int(stretch.max(initial=-1)) + 1, -1)
    np.maximum.at(last, stretch[broken], place[broken])
    own: Mask = broken | (edit & (place < last[stretch])) if len(stretch) else broken
    return own


def loop_begins(loops: Loops, uses: Uses) -> pa.Int64Array:
    """Give each use of a tool 1 where a loop begins with it, else 0: to be added up."""
    first = np.zeros(len(uses), dtype=np.int64)
    rows = np.flatnonzero(loops.of_use >= 0)
    first[rows[np.unique(loops.of_use[rows], return_index=True)[1]]] = 1
    return pa.array(first)
