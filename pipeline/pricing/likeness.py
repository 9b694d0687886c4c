"""Turn calls that an agent charged at other rates than their own into the price it used.

Agents carry price lists of their own: they charge models they do not know like one they do,
and some versions had wrong prices (CLAUDE_TELEMETRY section 10). The card is looked for that
gives the reported cost to the last digit, with cache writes kept for five minutes or an hour.
"""

from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .book import PriceBook
from .gaps import Case, Found, frames, multiples, repeated
from .rates import KINDS, Tier
from .vectors import Codes, Mask, Reals, Usage, Whole, paid

_PER_MILLION = 1_000_000
_HOUR = ", all cache writes kept for 1 hour"


def cards_of(
    provider: pa.StringArray, model: pa.StringArray, book: PriceBook
) -> tuple[tuple[tuple[Tier, ...], ...], Whole]:
    """Give the sets of cards that some calls may have been charged by, and which is whose."""
    named = [Codes.of(column) for column in (provider, model)]
    size = len(named[1].values)
    coded = pc.add(pc.multiply(named[0].codes, size), named[1].codes).dictionary_encode()
    sets: dict[tuple[Tier, ...], int] = {}
    providers, models = (part.values for part in named)
    places = [
        sets.setdefault(_cards(providers[code // size], models[code % size], book), len(sets))
        for code in coded.dictionary.to_numpy().tolist()
    ]
    at = np.array(places, dtype=np.int64)[coded.indices.to_numpy(zero_copy_only=False)]
    return tuple(sets), at


def _cards(
    provider: str | int | None, model: str | int | None, book: PriceBook
) -> tuple[Tier, ...]:
    return () if not model else book.cards(None if provider is None else str(provider), str(model))


def charged_like(case: Case, near: Reals) -> Found:
    """Explain it by the rates of another model, speed, length or day."""
    card = np.full(len(near), -1)
    kept = np.zeros(len(near), dtype=np.bool_)
    labels: list[str] = []
    ids: list[str] = []
    for number, cards in enumerate(case.cards):
        rows = np.flatnonzero((case.card_set == number) & (case.reported > 0))
        chosen, for_hour = _choose(case.take(rows), near[rows], cards)
        card[rows] = np.where(chosen < 0, -1, chosen + len(labels))
        kept[rows] = for_hour
        labels += [_label(tier) for tier in cards]
        ids += [tier.price_id for tier in cards]
    # Round numbers of tokens may fit a card by chance; a gateway's parts of an output do not,
    # but for a whole number of times, which says as much for the one as for the other.
    by_frames = np.zeros(len(near), dtype=np.bool_)
    by_frames[frames(case, near).rows] = True
    rows = np.flatnonzero((card >= 0) & (~by_frames | (multiples(case, near) > 0)))
    like = pa.array(labels, pa.string()).take(pa.array(card[rows]))
    like = _own_shorter(
        case.take(rows), pa.array(ids, pa.string()).take(pa.array(card[rows])), like
    )
    note = _note(case.take(rows), near[rows], like, kept[rows])
    return Found(rows, note, np.where(kept[rows], case.writes[rows], -1))


def _choose(case: Case, near: Reals, cards: tuple[Tier, ...]) -> tuple[Whole, Mask]:
    """Give the first card that fits each call, else -1, and whether it does so for an hour."""
    chosen = np.full(len(near), -1)
    kept = np.zeros(len(near), dtype=np.bool_)
    left = np.arange(len(near))
    usage, length = case.usage, case.usage.whole_input
    for hour, (place, tier) in product((False, True), enumerate(cards)):
        # Rates of long calls are not charged for short ones; the other way round is likely.
        fits = (np.abs(case.reported[left] - _cost(usage, tier, hour=hour)) <= near[left]) & (
            length[left] > tier.above
        )
        if fits.any():
            chosen[left[fits]], kept[left[fits]] = place, hour
            left = left[~fits]
            usage = case.usage.take(left)
    return chosen, kept & (case.writes > 0)


def _cost(usage: Usage, tier: Tier, *, hour: bool) -> Reals:
    cost = np.full(len(usage.no_input), tier.request)
    for kind, tokens in zip(KINDS, usage.tokens, strict=True):
        name = "cache_write_1h" if hour and kind == "cache_write" else kind
        rate = getattr(tier, name)
        cost += paid(tokens, float("nan") if rate is None else rate)
    cost[usage.negative | usage.no_input | usage.no_output] = np.nan
    return cost


def _note(case: Case, near: Reals, like: pa.StringArray, kept: Mask) -> pa.StringArray:
    why = case.tiered.text("unknown")
    known = pc.is_null(why)
    instead = _join(pc.fill_null(why, ""), "; the agent charged it as ")
    begin = pc.if_else(known, "charged like ", instead)
    hour = pc.if_else(pa.array(kept), _HOUR, "")
    times = multiples(case, near)
    other = pc.if_else(pa.array(times > 0), _join("; or ", repeated(times)), "")
    return _join(begin, like, hour, other)


def _own_shorter(case: Case, price_id: pa.StringArray, like: pa.StringArray) -> pa.StringArray:
    """Say so where a long call was charged by its own model's price for shorter ones."""
    own = pc.replace_substring_regex(
        case.tiered.text("price_id"), pattern=r" >\d+$", replacement=""
    )
    long = case.usage.whole_input > case.tiered.limit
    same = pc.and_(pa.array(long), pc.fill_null(pc.equal(own, price_id), fill_value=False))
    return pc.if_else(same, _join("a shorter call of ", like), like)


def _join(*parts: pa.StringArray | str) -> pa.StringArray:
    return pc.binary_join_element_wise(*parts, "")


def _label(tier: Tier) -> str:
    """Name a card by its model, and by its rates, which other models may have too."""
    price = tier.price_id.split(" ", 1)[1].partition("/")[2]
    rates = (tier.input, tier.output, tier.cache_read, tier.cache_write)
    usd = "/".join(f"{(rate or 0.0) * _PER_MILLION:.6g}" for rate in rates)
    return f"{price} (${usd} per million input/output/cache-read/cache-write tokens)"
