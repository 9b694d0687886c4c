"""Find sessions whose cost is out of line with their own history, and models without a price."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....core.sessions import EARLIER_DAYS
from ....session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ....session.quantiles import Reals, quantiles, spreads
from ....session.searching import places
from ....session.texts import dollars
from ..config import Config
from ..finding import Found, Rule, counted, evidence_of, findings, graded
from ..given import Given

_OUTLIER = Rule(
    "cost_outlier",
    "cost",
    "It cost {cost}, where the last {sessions} sessions of the same {whose} had a median of "
    "{usual}. See which turns it went to: `agentpond compare` puts it beside another session.",
)
_UNPRICED = Rule(
    "unpriced_model",
    "cost",
    "There is no price for {model}: no sum of money holds its {said} with {tokens} tokens. Give "
    "`cost` and `ledger` a price file that has it.",
)

_WHOSE = ("repository", "user_id", "user_email")
"""Whose earlier sessions are looked at: those of the first that has enough of them."""

_MOST_SESSIONS = 50
_WINDOW_US = EARLIER_DAYS * 86_400_000_000

# What has cost the same every time has no spread; a tenth of it is no news.
_LEAST_SPREAD = 0.1

# A sum that lacks a tenth of its calls, or more, can be held against nothing.
_COVERED = 0.9


def cost_outlier(given: Given, config: Config) -> pa.RecordBatch:
    """Hold each session's cost against those of its repository, else of its user."""
    own = given.own
    by_repository, by_id, by_email = (_usual(own, given.earlier, each, config) for each in _WHOSE)
    usual = by_repository.or_else(by_id).or_else(by_email)
    cost = pc.fill_null(_covered(own), 0.0).to_numpy()
    bad = (cost > usual.limit) & (cost >= config.cost_least_usd)
    row = np.flatnonzero(bad)
    chosen = pa.array(row)
    words = pa.array(["repository", "user"]).take(pa.array(np.where(by_repository.told[row], 0, 1)))
    return findings(
        _OUTLIER,
        Found(
            own.column("session_id").take(chosen),
            graded(pa.array(cost[row] > 2 * usual.limit[row])),
            {
                "cost_usd": pa.array(cost[row]),
                "median_usd": pa.array(usual.median[row]),
                "limit_usd": pa.array(usual.limit[row]),
                "sessions": pa.array(usual.sessions[row]),
                "whose": words,
            },
            own.column("started_at").take(chosen),
            _dearest(given, own.column("session_id").take(chosen)),
            words={
                "cost": dollars(pa.array(cost[row])),
                "usual": dollars(pa.array(usual.median[row])),
            },
            cost_usd=pa.array(cost[row] - usual.median[row]),
        ),
    )


def _dearest(given: Given, ids: pa.StringArray) -> pa.ListArray:
    """List the events of the API calls that cost most in each of some sessions."""
    calls = given.calls
    cost = pc.fill_null(calls.column("cost_usd"), -1.0).to_numpy()
    order = np.argsort(-cost, kind="stable")
    order = order[cost[order] > 0]
    place = pc.index_in(calls.column("session_id").take(pa.array(order)), value_set=ids)
    return evidence_of(Groups.at(place, len(ids)), given.events_of_calls(order))


def unpriced_model(given: Given, config: Config) -> pa.RecordBatch:
    """Count each session's calls of models that have no price."""
    calls = given.calls
    tokens = _tokens(calls)
    unpriced = mask_of(pc.equal(calls.column("cost_status"), "unpriced"))
    unpriced &= mask_of(calls.column("model").is_valid()) & (tokens > 0)
    names = (calls.column("session_id"), calls.column("model"))
    groups = Groups.by(*names, where=_at_least(config.unpriced_calls, names, unpriced))
    count = groups.counts()
    event_id = given.events_of_calls(np.arange(calls.num_rows))
    return findings(
        _UNPRICED,
        Found(
            groups.first(names[0]),
            pa.repeat(pa.scalar("warning"), groups.count),
            {
                "calls": count,
                "model": groups.first(names[1]),
                "tokens": groups.sum(pa.array(tokens)),
            },
            groups.min(calls.column("time")),
            evidence_of(groups, event_id),
            subject=groups.first(names[1]),
            words={"said": counted(count, "API call", "API calls")},
        ),
    )


def _at_least(least: int, names: tuple[pa.Array, ...], mask: Mask) -> Mask:
    """Leave the rows that share their values of some columns with so many at least."""
    codes = codes_of(*names)
    _, of_row, times = np.unique(codes[mask], return_inverse=True, return_counts=True)
    often = mask.copy()
    often[mask] = times[of_row] >= least
    return often


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual for each session: of how many earlier ones, and from where on it is not."""

    told: Mask
    sessions: Numbers
    median: Reals
    limit: Reals
    """Infinite where nothing is told."""

    def or_else(self, other: "_Usual") -> "_Usual":
        """Give what is told here, else there."""
        return _Usual(
            self.told | other.told,
            np.where(self.told, self.sessions, other.sessions),
            np.where(self.told, self.median, other.median),
            np.where(self.told, self.limit, other.limit),
        )


def _usual(own: pa.RecordBatch, earlier: pa.RecordBatch, whose: str, config: Config) -> _Usual:
    """Give what the earlier sessions that share a column with each cost."""
    earlier = earlier.filter(pc.is_valid(_covered(earlier)))
    session, other = _history(own, earlier, whose)
    cost = earlier.column("cost_usd").take(pa.array(other)).to_numpy()
    count = np.bincount(session, minlength=own.num_rows)
    median = quantiles(session, cost, own.num_rows, 0.5)
    spread = np.maximum(spreads(session, cost, median), _LEAST_SPREAD * median)
    told: Mask = count >= config.cost_sessions
    more = np.maximum(config.cost_spread * spread, config.cost_least_usd)
    limit = np.where(told, median + more, np.inf)
    return _Usual(told, count, median, limit)


def _history(own: pa.RecordBatch, earlier: pa.RecordBatch, whose: str) -> tuple[Numbers, Numbers]:
    """Pair each session with the last that were over before it began, by what they share.

    Which of the rows are its history is decided for each session by itself, as `Of.EARLIER`
    says: others at hand may have brought more of them.
    """
    mine, theirs = _circles(own, earlier, whose)
    until, over = _us(own, "started_at"), _us(earlier, "last_seen_at")
    order = np.lexsort((over, theirs))
    first, end = (
        places(theirs[order], over[order], mine, moment) for moment in (until - _WINDOW_US, until)
    )
    size = np.clip(end - first, 0, _MOST_SESSIONS)
    size[~mask_of(pc.and_(*(own.column(name).is_valid() for name in (whose, "started_at"))))] = 0
    session = np.repeat(np.arange(len(mine)), size)
    from_end = np.repeat(np.cumsum(size), size) - np.arange(len(session))
    return session, order[np.repeat(end, size) - from_end]


def _covered(rows: pa.RecordBatch) -> pa.DoubleArray:
    """Give the cost of sessions; NULL where too few of their calls have a price."""
    enough = pc.greater_equal(rows.column("cost_coverage"), _COVERED)
    none = pa.scalar(None, pa.float64())
    return pc.if_else(pc.fill_null(enough, fill_value=False), rows.column("cost_usd"), none)


def _circles(own: pa.RecordBatch, earlier: pa.RecordBatch, whose: str) -> tuple[Numbers, Numbers]:
    """Give each session the number of its agent and repository, or user."""
    names = ("agent", whose)
    columns = [pa.concat_arrays([rows.column(name) for rows in (own, earlier)]) for name in names]
    circle = np.unique(codes_of(*columns), return_inverse=True)[1].ravel().astype(np.int64)
    return circle[: own.num_rows], circle[own.num_rows :]


def _us(rows: pa.RecordBatch, name: str) -> Numbers:
    us: Numbers = pc.fill_null(rows.column(name).cast(pa.int64()), 0).to_numpy()
    return us


def _tokens(calls: pa.RecordBatch) -> Numbers:
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    total: Numbers = sum(
        (pc.fill_null(calls.column(name), 0).to_numpy() for name in names),
        start=np.zeros(calls.num_rows, dtype=np.int64),
    )
    return total
