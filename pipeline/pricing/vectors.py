"""Price every call of a batch at once: few look-ups, then columns times columns.

One look-up in genai-prices takes 88 microseconds. A batch of thousands names only a few
models on one or two days, so rates are looked up once for each of those and then multiplied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import any_of, choose
from .book import PriceBook
from .rates import KINDS, Rates, Tier

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNREACHED = 2**62
_UNKNOWN: Rates = (Tier(above=0, request=float("nan")),)

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")

COLUMNS = ["provider", "model", "speed", "time", "received_at", *TOKENS, "reasoning_tokens"]
"""The columns of ``events`` that a price is made of."""


@dataclass(frozen=True, slots=True)
class _Codes:
    """A column as numbers into the list of its different values; the last value is None."""

    values: Sequence[str | int | None]
    codes: pa.Array

    @classmethod
    def of(cls, column: pa.Array) -> "_Codes":
        coded = column.dictionary_encode()
        values = [*coded.dictionary.to_numpy(zero_copy_only=False).tolist(), None]
        return cls(values, pc.fill_null(coded.indices.cast(pa.int64()), len(values) - 1))


def price(rows: pa.RecordBatch, book: PriceBook) -> pa.Array:
    """Give each row's cost in US dollars; NULL where a rate it needs is not known.

    Takes COLUMNS of ``events``. A call whose input or output is not told cannot be priced,
    unless the model has no price for output, as with embeddings; nor can a negative count.
    Cached input and reasoning are told only by those that have them.
    """
    key, rates = _look_up(rows, book)
    input_tokens, read, write, output = (pc.fill_null(rows.column(name), 0) for name in TOKENS)
    told_reasoning = pc.fill_null(rows.column("reasoning_tokens"), 0)
    reasoning = pc.min_element_wise(told_reasoning, output)
    whole_input = pc.add(pc.add(input_tokens, read), write)
    at = _tier_of(key, rates, whole_input)
    flat = [tier for tiers in rates for tier in tiers]
    cost = pa.array([tier.request for tier in flat], pa.float64()).take(at)
    counts = (input_tokens, read, write, pc.subtract(output, reasoning), reasoning)
    for kind, tokens in zip(KINDS, counts, strict=True):
        rate = pa.array([getattr(tier, kind) for tier in flat], pa.float64()).take(at)
        paid = pc.multiply(tokens.cast(pa.float64()), rate)
        cost = pc.add(cost, pc.if_else(pc.equal(tokens, 0), 0.0, paid))
    unknown = (
        *(pc.less(tokens, 0) for tokens in counts),
        pc.is_nan(cost),
        pc.is_null(rows.column("input_tokens")),
        pc.and_(pc.is_null(rows.column("output_tokens")), _has_output(flat).take(at)),
    )
    return pc.if_else(any_of(unknown, len(rows)), pa.scalar(None, pa.float64()), cost)


def _has_output(tiers: Sequence[Tier]) -> pa.Array:
    return pa.array([bool(tier.output) for tier in tiers], pa.bool_())


def _look_up(rows: pa.RecordBatch, book: PriceBook) -> tuple[pa.Array, list[Rates]]:
    """Give for each row the number of its rates, and the rates."""
    model = rows.column("model")
    parts = [
        _Codes.of(column)
        for column in (rows.column("provider"), model, rows.column("speed"), _moments(rows, book))
    ]
    combined = parts[0].codes
    for part in parts[1:]:
        combined = pc.add(pc.multiply(combined, len(part.values)), part.codes)
    coded = combined.dictionary_encode()
    rates = [_rates(number, parts, book) for number in coded.dictionary.to_numpy().tolist()]
    return coded.indices, rates


def _moments(rows: pa.RecordBatch, book: PriceBook) -> pa.Array:
    """Give the day of each row, or the minute where the model's price goes by the clock."""
    time = pc.coalesce(rows.column("time"), rows.column("received_at"))
    by_the_clock = choose(rows.column("model"), book.changes_in_a_day)
    days = pc.floor_temporal(time, unit="day")
    return pc.if_else(by_the_clock, pc.floor_temporal(time, unit="minute"), days).cast(pa.int64())


def _rates(number: int, parts: Sequence[_Codes], book: PriceBook) -> Rates:
    told: list[str | int | None] = []
    for part in reversed(parts):
        number, at = divmod(number, len(part.values))
        told.insert(0, part.values[at])
    provider, model, speed, moment_us = told
    if moment_us is None:
        return _UNKNOWN
    moment = _EPOCH + timedelta(microseconds=int(moment_us))
    known = book.rates(_text(provider), _text(model), _text(speed), moment)
    return known or _UNKNOWN


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _tier_of(key: pa.Array, rates: Sequence[Rates], whole_input: pa.Array) -> pa.Array:
    """Give the place of each row's tier in the list of all tiers of all rates."""
    sizes = [len(tiers) for tiers in rates]
    firsts = [sum(sizes[:number]) for number in range(len(sizes))]
    at = pa.array(firsts, pa.int64()).take(key)
    for level in range(1, max(sizes, default=1)):
        starts = [t[level].above if level < len(t) else _UNREACHED for t in rates]
        reached = pc.greater(whole_input, pa.array(starts, pa.int64()).take(key))
        at = pc.add(at, reached.cast(pa.int64()))
    return at
