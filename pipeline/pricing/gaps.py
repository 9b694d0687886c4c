"""Turn gaps between reported and computed costs into what explains them, where that can be told.

Each explanation is a sum of money that tokens, searches or repeated frames would come to; it
holds where that is the gap to the last digit that was told. Claude Code's prices, web searches
at a cent and twice the input price for an hour in the cache are in its own constants:
CLAUDE_TELEMETRY section 8; the gateway's repeated frames: section 10.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .rates import Tier
from .vectors import Mask, Reals, Tiered, Usage, Whole, paid

SEARCH_USD = 0.01
_MOST_SEARCHES = 50
# With more, parts of what was written fit a gap by chance: a search costs as much as 4,444.4
# tokens of Sonnet's are dearer for an hour, so that nine of them are a whole number.
_MOST_SEARCHES_BESIDE = 8
_MOST_FRAMES = 8

_MICRO = 1e-6
# The finest listed rate is 0.005 micro-dollars a token; doubles are off by far less than this.
_WHOLE = 1e-4
# What adding doubles up loses: far below a millionth of a cent for one call.
_NOISE_USD = 1e-10
_NOISE_SHARE = 1e-12

AGREE_USD = 1e-6
AGREE_SHARE = 1e-9
"""Costs that differ by no more than this are the same: one may be told in micro-dollars."""


@dataclass(frozen=True, slots=True)
class Case:
    """Calls whose reported cost is not the computed one, as columns."""

    reported: Reals
    computed: Reals
    """NaN where the model has no price."""
    usage: Usage
    tiered: Tiered
    claude: Mask
    """Where Claude Code said it."""
    sums: Mask
    """Where it is a sum over many calls."""
    cards: tuple[tuple[Tier, ...], ...]
    """Sets of rates that an agent may have charged instead."""
    card_set: Whole
    """Which of the sets is each call's."""

    @property
    def gap(self) -> Reals:
        """Say how much more was reported than computed, in US dollars."""
        return self.reported - self.computed

    @property
    def hour(self) -> Reals:
        """Say how much more a token costs that is kept for an hour, not for five minutes."""
        return self.tiered.rate("cache_write_1h") - self.tiered.rate("cache_write")

    @property
    def writes(self) -> Whole:
        """The cache writes of which it is not told how long they are kept."""
        return self.usage.tokens[2]

    def take(self, rows: Whole) -> "Case":
        """Give some of the calls."""
        usage, tiered = self.usage.take(rows), self.tiered.take(rows)
        return replace(
            self,
            reported=self.reported[rows],
            computed=self.computed[rows],
            usage=usage,
            tiered=tiered,
            claude=self.claude[rows],
            sums=self.sums[rows],
            card_set=self.card_set[rows],
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What explains some calls of a case: one value for each of ``rows``."""

    rows: Whole
    note: pa.StringArray
    write_1h: Whole | None = None
    """Cache writes kept for an hour, where that follows."""
    inflated: bool = False
    """Whether the reported cost counts something twice."""


Explanation = Callable[[Case, Reals], Found]
"""Takes calls and how near (US dollars) the costs must come."""


def exact(reported: Reals) -> Reals:
    """Say how near an explanation must come to a cost told in full."""
    return _NOISE_USD + _NOISE_SHARE * np.abs(reported)


def rounded(reported: Reals) -> Reals:
    """Say how near it must come to a cost that may be rounded to micro-dollars; -1 to others."""
    micros = reported / _MICRO
    whole = np.abs(micros - np.rint(micros)) < _WHOLE
    return np.where(whole, 0.5 * _MICRO + exact(reported), -1.0)


def all_kept(case: Case, near: Reals) -> Found:
    """Explain it by an hour in the cache for all that was written."""
    fits = (case.writes > 0) & (np.abs(case.gap - case.writes * case.hour) <= near)
    rows = np.flatnonzero(fits)
    writes = case.writes[rows]
    return Found(rows, _kept(writes, writes), writes)


def some_kept(case: Case, near: Reals) -> Found:
    """Explain it by an hour in the cache for a part of what was written."""
    solved = _solve(case, near)
    rows = np.flatnonzero(solved)
    kept = solved[rows]
    searched = np.rint(case.gap[rows] / SEARCH_USD).astype(np.int64)
    both = (searched > 0) & (np.abs(case.gap[rows] - searched * SEARCH_USD) <= near[rows])
    other = _join(" (", _searches(searched), " would cost the same)")
    note = _join(_kept(kept, case.writes[rows]), pc.if_else(pa.array(both), other, ""))
    return Found(rows, note, kept)


def searches(case: Case, near: Reals) -> Found:
    """Explain it by web searches."""
    rows, count = _searched(case.gap, near)
    return Found(rows, _searches(count))


def kept_and_searches(case: Case, near: Reals) -> Found:
    """Explain it by an hour in the cache for all that was written, and web searches."""
    gap = np.where(case.writes > 0, case.gap - case.writes * case.hour, np.nan)
    rows, count = _searched(gap, near)
    writes = case.writes[rows]
    return Found(rows, _join(_kept(writes, writes), ", and ", _searches(count)), writes)


def some_kept_and_searches(case: Case, near: Reals) -> Found:
    """Explain it by an hour in the cache for a part of what was written, and web searches.

    Only costs told in full can tell: of those in whole micro-dollars every ninth would fit.
    """
    full = rounded(case.reported) < 0
    kept = np.zeros(len(near), dtype=np.int64)
    count = np.zeros(len(near), dtype=np.int64)
    for number in range(1, _MOST_SEARCHES_BESIDE + 1):
        rest = replace(case, reported=case.reported - number * SEARCH_USD)
        fits = _solve(rest, near) * (full & (count == 0))
        count[fits > 0] = number
        kept += fits
    rows = np.flatnonzero(count)
    note = _join(_kept(kept[rows], case.writes[rows]), ", and ", _searches(count[rows]))
    return Found(rows, note, kept[rows])


def _solve(case: Case, near: Reals) -> Whole:
    """Say how many cache writes an hour for them explains the gap; 0 where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        solved = np.rint(case.gap / case.hour)
        inside = (solved > 0) & (solved <= case.writes) & (near < case.hour)
        fits = inside & (np.abs(case.gap - solved * case.hour) <= near)
    return np.where(fits, solved, 0).astype(np.int64)


def frames(case: Case, near: Reals) -> Found:
    """Explain it by a gateway's frames: each repeats all input and the output up to then.

    Captured: 100 input, 5,000 read, 1,000 written and 80 output tokens in three frames were
    charged as 300, 15,000, 3,000 and 140.
    """
    rate = case.tiered.rate("output")
    one = (
        case.computed
        - case.usage.tokens[4] * rate
        - paid(case.usage.tokens[5], case.tiered.rate("reasoning"))
    )
    output = case.usage.tokens[4] + case.usage.tokens[5]
    count = np.zeros(len(one), dtype=np.int64)
    due = case.claude & ~case.sums & (case.gap > 0) & (one > near) & (rate > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.maximum(1, np.ceil((case.gap - near) / (one + output * rate)))
        for more in range(_MOST_FRAMES):
            extra = least + more
            part = np.rint((case.gap - extra * one) / rate)
            fits = (part >= 0) & (part <= extra * output)
            fits &= np.abs(case.gap - extra * one - part * rate) <= near
            count = np.where(due & fits & (count == 0), extra, count).astype(np.int64)
    rows = np.flatnonzero(count)
    return Found(rows, repeated(count[rows] + 1), inflated=True)


def multiples(case: Case, near: Reals) -> Whole:
    """Say how many times the computed cost was reported; 0 where it is no whole number of times."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.rint(case.reported / case.computed)
        fits = case.claude & ~case.sums & (times > 1) & (case.computed > near)
        fits &= np.abs(case.reported - times * case.computed) <= near
    return np.where(fits, times, 0).astype(np.int64)


def repeated(times: Whole) -> pa.StringArray:
    """Word the explanation by a gateway."""
    how = " times by the agent (a gateway that repeats usage frames)"
    return _join("usage was counted ", _text(times), how)


def _kept(kept: Whole, writes: Whole) -> pa.StringArray:
    how = " cache-write tokens were kept for 1 hour"
    return _join(_text(kept), " of ", _text(writes), how)


def _searched(gap: Reals, near: Reals) -> tuple[Whole, Whole]:
    count = np.rint(gap / SEARCH_USD)
    inside = (count >= 1) & (count <= _MOST_SEARCHES)
    rows = np.flatnonzero(inside & (np.abs(gap - count * SEARCH_USD) <= near))
    return rows, count[rows].astype(np.int64)


def _searches(count: Whole) -> pa.StringArray:
    words = np.where(count == 1, " web search", " web searches")
    return _join(_text(count), pa.array(words.tolist(), pa.string()), f" at ${SEARCH_USD}")


def _text(numbers: Whole) -> pa.StringArray:
    return pa.array(numbers).cast(pa.string())


def _join(*parts: pa.StringArray | str) -> pa.StringArray:
    return pc.binary_join_element_wise(*parts, "")


def explain(case: Case, rounds: Iterable[tuple[Reals, tuple[Explanation, ...]]]) -> Iterator[Found]:
    """Try explanations in order, each on the calls that none before it explained."""
    left = np.arange(len(case.reported))
    for near, explanations in rounds:
        for explanation in explanations:
            rows = left[near[left] >= 0]
            if not len(rows):
                break
            found = explanation(case.take(rows), near[rows])
            if len(found.rows):
                explained = rows[found.rows]
                left = np.setdiff1d(left, explained, assume_unique=True)
                yield Found(explained, found.note, found.write_1h, found.inflated)
