"""Choose the sessions to run on now, of those that are due, and in which portions.

Functions of values: what the store says is due, since when each session waits, and the time.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import TEXT
from ...core.sessions import Cadence

Times: TypeAlias = npt.NDArray[np.int64]

CHUNK_EVENTS = 200_000
"""Events of sessions that are processed in one call; a larger session is alone."""

FEW = 50
"""Sessions in a portion of those that failed before: it is likely to be split to the last."""

_ORDER = [("attempts", "ascending"), ("changed_at", "descending"), ("session_id", "ascending")]

_PATIENCE = 3
"""How many times ``settle`` a session waits at most, to become quiet or to be ready."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when (Unix microseconds) sessions have been known to be due."""

    session_ids: pa.StringArray
    since_us: Times

    def of(self, ids: pa.StringArray, now_us: int) -> Times:
        """Give since when some sessions wait; those that are not known, since now."""
        at = pc.fill_null(pc.index_in(ids, value_set=self.session_ids), -1).to_numpy()
        # A clock that was set back must not make anybody wait longer.
        since_us: Times = np.minimum(np.append(self.since_us, now_us)[at], now_us)
        return since_us

    def without(self, rows: pa.Table) -> "Waiting":
        """Forget the sessions that were run on."""
        stays = ~pc.is_in(self.session_ids, value_set=_ids(rows)).to_numpy(zero_copy_only=False)
        return Waiting(self.session_ids.filter(pa.array(stays)), self.since_us[stays])


NOBODY = Waiting(pa.array([], TEXT), np.array([], np.int64))


@dataclass(frozen=True, slots=True)
class Suspects:
    """Sessions of a portion that failed, which were not tried without the others yet."""

    session_ids: pa.StringArray

    def after(self, portion: pa.Table, left: pa.Table) -> "Suspects":
        """Clear the sessions of a portion, but for those that were left out when it was split."""
        stays = pc.invert(pc.is_in(self.session_ids, value_set=_ids(portion)))
        return Suspects(pa.concat_arrays([self.session_ids.filter(stays), _ids(left)]))

    def within(self, rows: pa.Table) -> "Suspects":
        """Forget all but those that are due."""
        return Suspects(self.session_ids.filter(pc.is_in(self.session_ids, value_set=_ids(rows))))

    def tried(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        """Tell of each row of ``DUE`` whether its session is one of these, or failed before."""
        failed: npt.NDArray[np.bool_] = pc.fill_null(rows["attempts"], 0).to_numpy() > 0
        return failed | _mask(pc.is_in(rows["session_id"], value_set=self.session_ids))


NO_SUSPECTS = Suspects(pa.array([], TEXT))


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the due sessions comes to: rows of ``DUE`` to run on now.

    All that is ``fresh``, and then a portion each of the others before the next look: so they
    hold up nothing fresh, and nothing holds up them.
    """

    fresh: pa.Table
    """Something came of them, and nothing is held against them."""
    again: pa.Table
    """They failed before, or were in a portion that did."""
    outdated: pa.Table
    """Only the processor's version is another."""
    waiting: Waiting
    next_us: int | None
    """When the next of the others is to be run on, if nothing happens till then."""


def choose(
    due: pa.Table,
    waiting: Waiting,
    now_us: int,
    cadence: Cadence,
    not_before_us: int = 0,
    suspects: Suspects = NO_SUSPECTS,
) -> Look:
    """Choose those whose time has come; fresh ones not before a moment, ``every`` after the last.

    A session's time has come when it is quiet and ready, or has waited thrice ``settle``.
    """
    ids = _ids(due)
    since_us = waiting.of(ids, now_us)
    new, tried = _mask(due["fresh"]), suspects.tried(due)
    fresh = new & ~tried
    at_us = _ripe_at_us(due, since_us, round(cadence.settle_s * 1_000_000))
    at_us = np.where(fresh, np.maximum(at_us, not_before_us), at_us)
    ripe = at_us <= now_us
    next_us = int(at_us[~ripe].min()) if not ripe.all() else None
    return Look(
        fresh=due.filter(pa.array(ripe & fresh)),
        again=due.filter(pa.array(ripe & new & tried)),
        outdated=due.filter(pa.array(ripe & ~new)),
        waiting=Waiting(ids, since_us),
        next_us=next_us,
    )


def _ripe_at_us(due: pa.Table, since_us: Times, settle_us: int) -> Times:
    last_us = since_us + _PATIENCE * settle_us
    changed_us = pc.fill_null(due["changed_at"].cast(pa.int64()), 0).to_numpy()
    quiet_us = np.where(_mask(due["fresh"]), changed_us + settle_us, 0)
    return np.where(_mask(due["ready"]), np.minimum(quiet_us, last_us), last_us)


def first_chunk(
    rows: pa.Table, most_events: int = CHUNK_EVENTS, suspects: Suspects = NO_SUSPECTS
) -> pa.Table:
    """Take the first portion of some rows of ``DUE``: ready ones, and the latest, first.

    Sessions that failed before, or are suspected to, come last, few at a time, those first that
    failed less often. They are among themselves, as are those that are not ready: so the ones do
    not hold up the others.
    """
    tried = suspects.tried(rows)
    kind = 2 * tried + ~_mask(rows["ready"])
    mine = rows.filter(pa.array(kind == kind.min())).sort_by(_ORDER)
    events = np.cumsum(np.maximum(pc.fill_null(mine["events"], 0).to_numpy(), 1))
    fitting = int(np.searchsorted(events, most_events, side="right"))
    most = FEW if tried.all() else fitting
    # Ascending, as the store gives them and processors expect.
    return mine.slice(0, max(min(fitting, most), 1)).sort_by("session_id")


def within(rows: pa.Table, ids: pa.Table) -> pa.Table:
    """Give the rows of ``DUE`` whose sessions are among others."""
    return rows.filter(pc.is_in(rows["session_id"], value_set=ids["session_id"]))


def without(rows: pa.Table, ids: pa.Table) -> pa.Table:
    """Give the rows of ``DUE`` whose sessions are not among others."""
    return rows.filter(pc.invert(pc.is_in(rows["session_id"], value_set=ids["session_id"])))


def halves(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Split rows in two."""
    middle = rows.num_rows // 2
    return rows.slice(0, middle), rows.slice(middle)


def _ids(rows: pa.Table) -> pa.StringArray:
    return rows["session_id"].combine_chunks()


def _mask(column: Any) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = pc.fill_null(column, fill_value=False).to_numpy()
    return mask
