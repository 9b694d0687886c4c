"""Turn a provider, a model, a speed and a moment into rates; what it has not is None.

Prices come from genai-prices as it was installed: dated, tiered, and never fetched from the
network. The user's own file wins over them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, TimeOfDateConstraint

from .model_ids import candidates, host
from .own import OwnPrice, find
from .rates import Rates, from_model_price

_REMEMBERED = 4096

_ORDINARY_SPEEDS = ("", "normal", "standard", "default", "auto")


class PriceBook:
    """Knows prices. It remembers answers, which changes none of them."""

    def __init__(self, own: Sequence[OwnPrice] = ()) -> None:
        """Open the book with the user's own prices in front."""
        self._own = tuple(own)
        # A snapshot of its own: a host that calls genai-prices' UpdatePrices does not
        # change what the same rows cost here.
        self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
        self._by_the_clock = tuple(
            model for each in providers for model in each.models if _by_the_clock(model)
        )
        self._model = lru_cache(_REMEMBERED)(self._find_model)
        self.rates = lru_cache(_REMEMBERED)(self._find_rates)

    def _find_rates(
        self, provider: str | None, model: str | None, speed: str | None, at: datetime
    ) -> Rates | None:
        """Give the rates of a model and speed at a moment (UTC); None if they are not known."""
        if not model:
            return None
        own = find(self._own, provider, model, speed, at.date())
        if own is not None:
            return own.rates()
        known = self._model(provider, model)
        if known is None:
            return None
        moment = at.replace(tzinfo=UTC)
        if speed is None or speed.lower() in _ORDINARY_SPEEDS:
            return from_model_price(known.get_prices(moment))
        context = {"speed": speed.lower(), "service_tier": speed.lower()}
        # Where no price is for this speed, genai-prices answers with the ordinary one.
        if not any(_meant(variant, context, moment) for variant in known.price_variants or ()):
            return None
        return from_model_price(known.get_prices(moment, context))

    def _find_model(self, provider: str | None, model: str) -> ModelInfo | None:
        told = (provider or host(model), None)
        for name in candidates(model):
            for provider_id in told:
                try:
                    return self._snapshot.find_provider_model(name, None, provider_id, None)[1]
                except LookupError:
                    continue
        return None

    def changes_in_a_day(self, model: str) -> bool:
        """Tell whether the hour is part of the model's price, as with DeepSeek's nights."""
        return any(info.is_match(name) for name in candidates(model) for info in self._by_the_clock)


def _meant(variant: PriceVariant, context: Mapping[str, str], moment: datetime) -> bool:
    active = variant.constraint is None or variant.constraint.active(moment)
    return active and all(context.get(key) == word for key, word in variant.when.items())


def _by_the_clock(model: ModelInfo) -> bool:
    return not isinstance(model.prices, ModelPrice) and any(
        isinstance(price.constraint, TimeOfDateConstraint) for price in model.prices
    )
