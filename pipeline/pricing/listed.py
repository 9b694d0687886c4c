"""Turn a model as genai-prices lists it into rates that say which price they are.

A price is named by its list, provider and model, then the day it holds from (or the hours it
holds in), then its speed: `genai-prices/0.2.3 anthropic/claude-opus-4-8 2026-10-14 batch`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    TimeOfDateConstraint,
)

from .rates import Rates, from_model_price

_ORDINARY_SPEEDS = ("", "normal", "standard", "default", "auto")

# What genai-prices calls the way a call is served: Anthropic's fast mode is a `speed`, OpenAI's
# priority and flex a `service_tier`, and batches of both a `processing`.
_WAYS = ("speed", "service_tier", "processing")

_FAR = datetime(9000, 1, 1, 12, tzinfo=UTC)

Constraint = StartDateConstraint | TimeOfDateConstraint | None


def listed(model: ModelInfo, speed: str | None, moment: datetime, name: str) -> Rates | None:
    """Give a model's rates at a speed and moment (UTC); None if it has none at this speed.

    ``name`` is what the list calls the model, with the list in front.
    """
    found = _at(model, moment)
    if speed is None or speed.lower() in _ORDINARY_SPEEDS:
        return from_model_price(found.prices, _id(name, found.constraint))
    context = dict.fromkeys(_WAYS, speed.lower())
    # Where no price is for this speed, genai-prices answers with the ordinary one.
    meant = [each for each in model.price_variants or () if _meant(each, context, moment)]
    if not meant:
        return None
    prices = model.get_prices(moment, context)
    return from_model_price(
        prices, _id(name, meant[0].constraint or found.constraint, speed.lower())
    )


def ever_listed(model: ModelInfo, name: str) -> Iterator[Rates]:
    """Give all rates a model has or had: today's first, then those of speeds, then past ones."""
    now = _at(model, _FAR)
    yield from_model_price(now.prices, _id(name, now.constraint))
    for variant in model.price_variants or ():
        way = next(iter(variant.when.values()))
        if any(kind in variant.when for kind in _WAYS):
            prices = model.get_prices(_FAR, variant.when)
            yield from_model_price(prices, _id(name, variant.constraint, way))
    for past in _prices(model):
        if past is not now:
            yield from_model_price(past.prices, _id(name, past.constraint))


def by_the_clock(model: ModelInfo) -> bool:
    """Tell whether the hour is part of a model's price."""
    return any(isinstance(each.constraint, TimeOfDateConstraint) for each in _prices(model))


def _prices(model: ModelInfo) -> list[ConditionalPrice]:
    if isinstance(model.prices, ModelPrice):
        return [ConditionalPrice(prices=model.prices)]
    return model.prices


def _at(model: ModelInfo, moment: datetime) -> ConditionalPrice:
    """Choose as genai-prices does: the last that is active, else the first."""
    prices = _prices(model)
    active = (p for p in reversed(prices) if p.constraint is None or p.constraint.active(moment))
    return next(active, prices[0])


def _meant(variant: PriceVariant, context: dict[str, str], moment: datetime) -> bool:
    active = variant.constraint is None or variant.constraint.active(moment)
    return active and all(context.get(key) == word for key, word in variant.when.items())


def _id(name: str, constraint: Constraint, speed: str = "") -> str:
    return " ".join(part for part in (name, _when(constraint), speed) if part)


def _when(constraint: Constraint) -> str:
    if isinstance(constraint, StartDateConstraint):
        return constraint.start_date.isoformat()
    if isinstance(constraint, TimeOfDateConstraint):
        return f"{constraint.start_time:%H:%M}-{constraint.end_time:%H:%M}"
    return ""
