"""Price every call of a batch at once: few look-ups, then columns times columns.

One look-up in genai-prices takes 88 microseconds. A batch of thousands names only a few
models on one or two days, so rates are looked up once for each of those and then multiplied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import choose
from .book import PriceBook
from .rates import BASE, KINDS, Rates, Tier

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNREACHED = 2**62

Reals = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")

COLUMNS = ["provider", "model", "speed", "time", "received_at", *TOKENS, "reasoning_tokens"]
"""The columns of ``events`` that a price is made of."""


def price(rows: pa.RecordBatch, book: PriceBook) -> pa.Array:
    """Give each row's cost in US dollars; NULL where a rate it needs is not known.

    Takes COLUMNS of ``events``.
    """
    usage = Usage.of(rows)
    time = pc.coalesce(rows.column("time"), rows.column("received_at"))
    cost = cost_of(usage, tiers_of(rows, time, usage.whole_input, book))
    return pa.array(cost, mask=np.isnan(cost))


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of some calls, by kind; what is not told counts as 0 here."""

    tokens: tuple[Whole, ...]
    """In the order of KINDS."""
    no_input: Mask
    """Where the input is not told."""
    no_output: Mask

    @classmethod
    def of(cls, rows: pa.RecordBatch, write_1h: Whole | None = None) -> "Usage":
        """Read the token columns; ``write_1h`` is the part of cache writes kept for an hour."""
        fresh, read, write, output = (filled(rows.column(name)) for name in TOKENS)
        hour = np.zeros_like(write) if write_1h is None else np.minimum(write_1h, write)
        reasoning = np.minimum(filled(rows.column("reasoning_tokens")), output)
        tokens = (fresh, read, write - hour, hour, output - reasoning, reasoning)
        untold = (missing(rows.column(name)) for name in ("input_tokens", "output_tokens"))
        return cls(tokens, *untold)

    def take(self, rows: Whole) -> "Usage":
        """Give some of the calls."""
        tokens = tuple(part[rows] for part in self.tokens)
        return Usage(tokens, self.no_input[rows], self.no_output[rows])

    @property
    def whole_input(self) -> Whole:
        """All input, cached or not: what the tier goes by."""
        fresh, read, write, hour, *_ = self.tokens
        return fresh + read + write + hour

    @property
    def negative(self) -> Mask:
        """Where a count is below zero."""
        least: Whole = np.minimum.reduce(self.tokens)
        return least < 0


@dataclass(frozen=True, slots=True)
class Tiered:
    """Which tier of which price each row has."""

    tiers: tuple[Tier, ...]
    at: Whole
    """The place of each row's tier."""
    limit: Whole
    """The whole input above which each row's price has another tier; huge where it has none."""

    def rate(self, kind: str) -> Reals:
        """Give each row's US dollars per token of a kind; NaN where that is not known."""
        return np.array([_real(getattr(tier, kind)) for tier in self.tiers])[self.at]

    def text(self, name: str) -> pa.Array:
        """Give a text of each row's tier: `price_id` or `unknown`."""
        texts = pa.array([getattr(tier, name) or None for tier in self.tiers], pa.string())
        return texts.take(pa.array(self.at))

    def take(self, rows: Whole) -> "Tiered":
        """Give some of the rows."""
        return Tiered(self.tiers, self.at[rows], self.limit[rows])


def cost_of(usage: Usage, tiered: Tiered) -> Reals:
    """Give each call's cost in US dollars; NaN where it cannot be known.

    A call whose input or output is not told cannot be priced, unless the model has no price
    for output, as with embeddings; nor can a negative count. Cached input and reasoning are
    told only by those that have them.
    """
    cost = tiered.rate("request")
    for kind, tokens in zip(KINDS, usage.tokens, strict=True):
        cost += paid(tokens, tiered.rate(kind))
    charged = np.array([bool(tier.output) for tier in tiered.tiers], dtype=np.bool_)[tiered.at]
    cost[usage.negative | usage.no_input | (usage.no_output & charged)] = np.nan
    return cost


def paid(tokens: Whole, rate: Reals | float) -> Reals:
    """Multiply tokens with rates; no tokens cost nothing, even where the rate is not known."""
    cost: Reals = np.where(tokens == 0, 0.0, tokens * rate)
    return cost


def tiers_of(
    rows: pa.RecordBatch, time: pa.TimestampArray, whole_input: Whole, book: PriceBook
) -> Tiered:
    """Look up each row's price, once for all rows alike, and choose its tier by the input."""
    parts = [
        Codes.of(column)
        for column in (
            rows.column("provider"),
            rows.column("model"),
            rows.column("speed"),
            _moments(rows.column("model"), time, book),
        )
    ]
    combined = parts[0].codes
    for part in parts[1:]:
        combined = pc.add(pc.multiply(combined, len(part.values)), part.codes)
    coded = combined.dictionary_encode()
    rates = [_rates(number, parts, book) for number in coded.dictionary.to_numpy().tolist()]
    key = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return _tiered(key, rates, whole_input)


def filled(column: pa.Array) -> Whole:
    """See a column of whole numbers with 0 where nothing is told."""
    numbers: Whole = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    return numbers


def missing(column: pa.Array) -> Mask:
    """Tell where a column is NULL."""
    mask: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return mask


@dataclass(frozen=True, slots=True)
class Codes:
    """A column as numbers into the list of its different values; the last value is None."""

    values: Sequence[str | int | None]
    codes: pa.Array

    @classmethod
    def of(cls, column: pa.Array) -> "Codes":
        """Give each different value of a column a number."""
        coded = column.dictionary_encode()
        values = [*coded.dictionary.to_numpy(zero_copy_only=False).tolist(), None]
        return cls(values, pc.fill_null(coded.indices.cast(pa.int64()), len(values) - 1))


def _moments(model: pa.Array, time: pa.TimestampArray, book: PriceBook) -> pa.Array:
    """Give the day of each row, or the minute where the model's price goes by the clock."""
    days = pc.floor_temporal(time, unit="day")
    by_the_clock = choose(model, book.changes_in_a_day)
    if by_the_clock.true_count:
        days = pc.if_else(by_the_clock, pc.floor_temporal(time, unit="minute"), days)
    return days.cast(pa.int64())


def _rates(number: int, parts: Sequence[Codes], book: PriceBook) -> Rates:
    told: list[str | int | None] = []
    for part in reversed(parts):
        number, at = divmod(number, len(part.values))
        told.insert(0, part.values[at])
    provider, model, speed = (None if word is None else str(word) for word in told[:3])
    if not model:
        return _unknown("no model was told")
    if told[3] is None:
        return _unknown("no time was told")
    moment = _EPOCH + timedelta(microseconds=int(told[3]))
    known = book.rates(provider, model, speed, moment)
    if known is None:
        at_speed = f" at speed {speed}" if book.knows(provider, model) else ""
        return _unknown(f"no price for model {model}{at_speed}")
    return known


def _unknown(why: str) -> Rates:
    return (Tier(above=BASE, request=float("nan"), unknown=why),)


def _tiered(key: Whole, rates: Sequence[Rates], whole_input: Whole) -> Tiered:
    flat = tuple(tier for tiers in rates for tier in tiers)
    sizes = np.array([len(tiers) for tiers in rates], dtype=np.int64)
    at = (np.cumsum(sizes) - sizes)[key]
    limit = np.full(len(key), _UNREACHED)
    for level in range(1, max(sizes.tolist(), default=1)):
        starts = np.array([t[level].above if level < len(t) else _UNREACHED for t in rates])[key]
        at += whole_input > starts
        limit = np.minimum(limit, starts)
    return Tiered(flat, at, limit)


def _real(rate: float | None) -> float:
    return float("nan") if rate is None else rate
