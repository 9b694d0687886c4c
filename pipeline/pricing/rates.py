"""Turn prices as genai-prices and users write them into rates by tier."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from genai_prices.types import ModelPrice, TieredPrices

KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
"""What is counted in tokens. They are disjoint here: `output` is output without reasoning, and
`cache_write` is what is kept for five minutes."""

_PER_MILLION = 1_000_000
_PER_THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Tier:
    """US dollars per token, valid when the whole input is longer than ``above`` tokens.

    A rate is None where it is not known; ``request`` is dollars for the request itself.
    """

    above: int
    input: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    output: float | None = None
    reasoning: float | None = None
    request: float = 0.0
    price_id: str = ""
    """Its list, provider and model, day, speed and tier in one text."""
    unknown: str | None = None
    """Why there are no rates, where there are none."""


Rates = tuple[Tier, ...]
"""All tiers of one price, the first for any input, then by ``above``."""

BASE = -1
"""The ``above`` of a tier that is always reached."""


def by_tier(
    starts: Iterable[int],
    rate: Callable[[str, int], float | None],
    price_id: str,
    request: float = 0.0,
) -> Rates:
    """Make the tiers of a price from a function that knows each kind's rate in each of them.

    What is not priced apart is priced as what it is part of: cached input as input,
    reasoning as output. What an hour in the cache costs is not known unless it is told.
    """
    return tuple(_tier(above, rate, price_id, request) for above in (BASE, *sorted(set(starts))))


def _tier(
    above: int, rate: Callable[[str, int], float | None], price_id: str, request: float
) -> Tier:
    told = {kind: rate(kind, above) for kind in KINDS}
    whole, output = told["input"], told["output"]
    return Tier(
        above,
        input=whole,
        cache_read=_first(told["cache_read"], whole),
        cache_write=_first(told["cache_write"], whole),
        cache_write_1h=told["cache_write_1h"],
        output=output,
        reasoning=_first(told["reasoning"], output),
        request=request,
        price_id=price_id if above == BASE else f"{price_id} >{above}",
    )


def _first(rate: float | None, otherwise: float | None) -> float | None:
    return otherwise if rate is None else rate


_KEYS = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
}


def from_model_price(price: ModelPrice, price_id: str) -> Rates:
    """Turn a price of genai-prices into tiers. `cache_write` is the 5-minute price."""
    told = {kind: getattr(price, key) for kind, key in _KEYS.items()}
    tiered = [rate for rate in told.values() if isinstance(rate, TieredPrices)]
    starts = {tier.start for rate in tiered for tier in rate.tiers}
    request = price.requests_kcount
    per_request = float(request) / _PER_THOUSAND if isinstance(request, Decimal) else 0.0
    return by_tier(starts, lambda kind, above: _at(told[kind], above), price_id, per_request)


def _at(rate: Decimal | TieredPrices | None, above: int) -> float | None:
    if rate is None:
        return None
    if isinstance(rate, TieredPrices):
        reached = [tier.price for tier in rate.tiers if tier.start <= above]
        rate = reached[-1] if reached else rate.base
    return per_token(float(rate))


def per_token(usd_per_million: float) -> float:
    """Turn dollars per million tokens into dollars per token."""
    return usd_per_million / _PER_MILLION
