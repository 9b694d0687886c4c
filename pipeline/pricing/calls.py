"""Turn API calls into the same with costs: reported, computed, which counts, and why they differ.

The same rows always give the same costs, and rows that were priced before give them again: of
what stands there only a transcript's `cache_write_1h_tokens` is taken as told.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.made import SUM_OF_TURN
from . import gaps
from .book import PriceBook
from .gaps import Case, Explanation, Found
from .likeness import cards_of, charged_like
from .vectors import TOKENS, Mask, Reals, Tiered, Usage, Whole, cost_of, filled, missing, tiers_of

_READ = {
    "api_call_id": pa.string(),
    "provider": pa.string(),
    "model": pa.string(),
    "speed": pa.string(),
    "agent": pa.string(),
    "usage_source": pa.string(),
    "time": pa.timestamp("us"),
    **dict.fromkeys((*TOKENS, "reasoning_tokens", "cache_write_1h_tokens"), pa.int64()),
    "reported_cost_usd": pa.float64(),
    "success": pa.bool_(),
}

# One value that fits is far less likely by chance than one of thousands: what has a single
# point (all for an hour, a known price) comes before what may be solved for.
_EXACT: tuple[Explanation, ...] = (
    gaps.all_kept,
    charged_like,
    gaps.some_kept,
    gaps.searches,
    gaps.kept_and_searches,
    gaps.some_kept_and_searches,
    gaps.frames,
)
_ROUNDED: tuple[Explanation, ...] = (
    gaps.all_kept,
    gaps.some_kept,
    gaps.searches,
    gaps.kept_and_searches,
    charged_like,
)
_NO_EXPLANATION = "no explanation found; the price list may be out of date"
_SAID_NOTHING = "the agent said $0 for tokens that have a price"
_SAID_0 = "; the agent said $0"
_NO_USAGE = "the agent told no usage"
_SUM = "a sum of calls, priced as if none was longer than the price's first tier"


def price_calls(calls: pa.Table, book: PriceBook) -> pa.Table:
    """Give the same calls with their costs, each with its status, note and price.

    Takes api_call_id, provider, model, speed, agent, time, usage_source, success, the token
    columns and reported_cost_usd; sets cache_write_1h_tokens, computed_cost_usd, cost_gap_usd,
    cost_usd, cost_status, cost_note and price_id.
    """
    work = _Work.of(_rows(calls), book)
    explained = work.explain(book)
    for name, column in _answers(work, explained).items():
        at = calls.schema.get_field_index(name)
        calls = calls.append_column(name, column) if at < 0 else calls.set_column(at, name, column)
    return calls


def _rows(calls: pa.Table) -> pa.RecordBatch:
    columns = [
        pa.nulls(len(calls), kind)
        if name not in calls.column_names
        else pa.concat_arrays(calls.column(name).cast(kind).chunks or [pa.array([], kind)])
        for name, kind in _READ.items()
    ]
    return pa.RecordBatch.from_arrays(columns, list(_READ))


@dataclass(frozen=True, slots=True)
class _Work:
    """Calls as columns of numbers, with what their tokens cost."""

    rows: pa.RecordBatch
    usage: Usage
    tiered: Tiered
    reported: Reals
    computed: Reals
    used: Mask
    """Where any usage or cost is told."""
    sums: Mask

    @classmethod
    def of(cls, rows: pa.RecordBatch, book: PriceBook) -> "_Work":
        source = rows.column("usage_source")
        sums = _is(source, "metrics") | _ends(rows.column("api_call_id"), SUM_OF_TURN)
        hour = filled(rows.column("cache_write_1h_tokens")) * _is(source, "transcript")
        usage = Usage.of(rows, hour)
        # A sum of calls says nothing of the length of each.
        length = np.where(sums, 0, usage.whole_input)
        tiered = tiers_of(rows, rows.column("time"), length, book)
        told = pc.fill_null(rows.column("reported_cost_usd"), float("nan"))
        reported = told.to_numpy(zero_copy_only=False) + 0.0
        reported[~np.isfinite(reported)] = np.nan
        used = ~np.isnan(reported)
        for name in TOKENS:
            used |= ~missing(rows.column(name))
        return cls(rows, usage, tiered, reported, cost_of(usage, tiered) + 0.0, used, sums)

    @property
    def said_nothing(self) -> Mask:
        """Where 0 was reported for tokens."""
        mask: Mask = (self.reported == 0) & (np.maximum.reduce(self.usage.tokens) > 0)
        return mask

    @property
    def silent(self) -> Mask:
        """Where no usage is told, though nobody says that the call failed."""
        failed = pc.fill_null(pc.invert(self.rows.column("success")), fill_value=False)
        mask: Mask = ~self.used & ~failed.to_numpy(zero_copy_only=False)
        return mask

    @property
    def differs(self) -> Mask:
        """Where the two costs differ by more than rounding."""
        near = gaps.AGREE_USD + gaps.AGREE_SHARE * np.abs(self.reported)
        apart: Mask = np.abs(self.reported - self.computed) > near
        return apart

    def explain(self, book: PriceBook) -> tuple["_Found", ...]:
        """Look for what explains the costs that differ, and those of unknown models."""
        priceless = np.isnan(self.computed) & ~missing(self.tiered.text("unknown"))
        rows = np.flatnonzero((self.differs | priceless & (self.reported > 0)) & ~self.said_nothing)
        if not len(rows):
            return ()
        at = pa.array(rows)
        provider, model = (self.rows.column(name).take(at) for name in ("provider", "model"))
        case = Case(
            self.reported[rows],
            self.computed[rows],
            self.usage.take(rows),
            self.tiered.take(rows),
            _is(self.rows.column("agent").take(at), "claude_code"),
            self.sums[rows],
            *cards_of(provider, model, book),
        )
        rounds = ((gaps.exact(case.reported), _EXACT), (gaps.rounded(case.reported), _ROUNDED))
        return tuple(_Found(rows[found.rows], found) for found in gaps.explain(case, rounds))


@dataclass(frozen=True, slots=True)
class _Found:
    rows: Whole
    """The rows of the calls, where ``found`` has those of the case."""
    found: Found


def _answers(work: _Work, explained: tuple[_Found, ...]) -> dict[str, pa.Array]:
    has_reported, has_computed = ~np.isnan(work.reported), ~np.isnan(work.computed)
    said_nothing = work.said_nothing
    inflated = _mask(work, explained, inflated=True) | (said_nothing & has_computed)
    believed = has_reported & ~inflated & ~said_nothing
    agreed_0 = said_nothing & ~work.differs & has_computed
    cost = np.where(believed | agreed_0, work.reported, work.computed)
    gap = work.reported - work.computed + 0.0
    return {
        "cache_write_1h_tokens": _write_1h(work, explained),
        "computed_cost_usd": _money(work.computed),
        "cost_gap_usd": _money(gap),
        "cost_usd": _money(cost),
        "cost_status": _status(work, cost, _mask(work, explained)),
        "cost_note": _notes(work, cost, explained),
        "price_id": _where(has_computed, work.tiered.text("price_id")),
    }


def _status(work: _Work, cost: Reals, explained: Mask) -> pa.StringArray:
    words = pa.array(["unpriced", "computed", "reported", "disputed"])
    code = np.where(np.isnan(cost), 0, np.where(np.isnan(work.reported), 1, 2))
    code = np.where(work.differs | explained, 3, code)
    return words.take(pa.array(code, mask=~(work.used | work.silent)))


def _write_1h(work: _Work, explained: tuple[_Found, ...]) -> pa.Int64Array:
    """Say how many cache writes are kept for an hour: told, solved for, or none of them."""
    told = work.rows.column("cache_write_1h_tokens")
    known = _is(work.rows.column("usage_source"), "transcript") & ~missing(told)
    kept = np.where(known, filled(told), -1)
    hour = work.tiered.rate("cache_write_1h") - work.tiered.rate("cache_write")
    writes = work.usage.tokens[2]
    claude = _is(work.rows.column("agent"), "claude_code")
    # Where a token costs less than the last digit told, nothing can be said of single ones.
    shown = claude & (writes > 0) & ~work.differs & (hour > 0.5 * gaps.AGREE_USD) & (kept < 0)
    rows = np.flatnonzero(shown & ~np.isnan(work.reported - work.computed))
    solved = np.rint((work.reported[rows] - work.computed[rows]) / hour[rows])
    kept[rows] = np.clip(solved, 0, writes[rows]).astype(np.int64)
    for each in explained:
        if each.found.write_1h is not None:
            kept[each.rows] = np.where(known[each.rows], kept[each.rows], each.found.write_1h)
    return pa.array(kept, mask=kept < 0)


def _notes(work: _Work, cost: Reals, explained: tuple[_Found, ...]) -> pa.StringArray:
    """Say why two costs differ, or why there is no price; NULL where there is nothing to say."""
    rows = np.flatnonzero(work.used & (work.differs | np.isnan(work.computed)))
    note = _why(work, rows)
    said_0 = work.said_nothing[rows] & np.isnan(cost[rows])
    note = pc.binary_join_element_wise(note, pc.if_else(pa.array(said_0), _SAID_0, ""), "")
    place = np.full(len(work.reported), -1)
    place[rows] = np.arange(len(rows))
    texts, count = [note], len(note)
    for each in explained:
        place[each.rows] = count + np.arange(len(each.rows))
        texts.append(each.found.note)
        count += len(each.rows)
    found = pa.concat_arrays(texts).take(pa.array(place, mask=place < 0))
    found = pc.if_else(pa.array(work.silent), _NO_USAGE, found)
    return _with_sums(work, found)


def _why(work: _Work, rows: Whole) -> pa.StringArray:
    """Say what is wrong with each of some rows, before it was explained."""
    usage = work.usage.take(rows)
    note = work.tiered.take(rows).text("unknown")
    for mask, text in (
        (~np.isnan(work.computed[rows]) & work.said_nothing[rows], _SAID_NOTHING),
        (~np.isnan(work.computed[rows]), _NO_EXPLANATION),
        (usage.no_input, "input tokens were not told"),
        (usage.negative, "a token count is below 0"),
        (usage.no_output, "output tokens were not told"),
        (np.full(len(rows), fill_value=True), "the price has no rate for some of the tokens"),
    ):
        note = pc.coalesce(note, _where(mask, pa.repeat(pa.scalar(text), len(rows))))
    return note


def _with_sums(work: _Work, note: pa.StringArray) -> pa.StringArray:
    """Add to sums of calls that their tier is not known, where that matters."""
    unsure = work.sums & ~np.isnan(work.computed) & (work.usage.whole_input > work.tiered.limit)
    rows = np.flatnonzero(unsure)
    if not len(rows):
        return note
    said = note.take(pa.array(rows))
    whole = pc.binary_join_element_wise(said, pa.scalar(_SUM), "; ", null_handling="skip")
    return pc.replace_with_mask(note, pa.array(unsure), whole)


def _mask(work: _Work, explained: tuple[_Found, ...], *, inflated: bool = False) -> Mask:
    mask = np.zeros(len(work.reported), dtype=np.bool_)
    for each in explained:
        mask[each.rows] = each.found.inflated or not inflated
    return mask


def _ends(column: pa.StringArray, suffix: str) -> Mask:
    mask: Mask = pc.fill_null(pc.ends_with(column, suffix), fill_value=False).to_numpy(
        zero_copy_only=False
    )
    return mask


def _is(column: pa.StringArray, word: str) -> Mask:
    mask: Mask = pc.fill_null(pc.equal(column, word), fill_value=False).to_numpy(
        zero_copy_only=False
    )
    return mask


def _money(usd: Reals) -> pa.DoubleArray:
    return pa.array(usd, mask=np.isnan(usd))


def _where(mask: Mask, texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pa.array(mask), texts, pa.scalar(None, pa.string()))
