"""Turn a provider, a model, a speed and a moment into rates; what it has not is None.

Prices come from genai-prices as it was installed: dated, tiered, and never fetched from the
network. The user's own file wins over them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, Provider

from .listed import by_the_clock, ever_listed, listed
from .model_ids import candidates, host
from .own import OwnPrice, find
from .rates import BASE, Rates, Tier

_REMEMBERED = 4096


class PriceBook:
    """Knows prices. It remembers answers, which changes none of them."""

    def __init__(self, own: Sequence[OwnPrice] = ()) -> None:
        """Open the book with the user's own prices in front."""
        self._own = tuple(own)
        self._list = f"genai-prices/{version('genai-prices')}"
        # A snapshot of its own: a host that calls genai-prices' UpdatePrices does not
        # change what the same rows cost here.
        self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
        self._by_the_clock = tuple(
            model for each in providers for model in each.models if by_the_clock(model)
        )
        self._model = lru_cache(_REMEMBERED)(self._find_model)
        self.rates = lru_cache(_REMEMBERED)(self._find_rates)
        self.cards = lru_cache(_REMEMBERED)(self._find_cards)

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
        maker, info = known
        return listed(info, speed, at.replace(tzinfo=UTC), self._name(maker, info))

    def _find_cards(self, provider: str | None, model: str) -> tuple[Tier, ...]:
        """Give the different rates that an agent may have charged for a model, likely ones first.

        First come the model's own, at whatever speed, length and day, then what its maker's
        other models cost today, by name.
        """
        known = self._model(provider, model)
        maker = self._maker(provider, model) if known is None else known[0]
        if maker is None:
            return ()
        own = None if known is None else known[1].id
        ranked = sorted(
            (info.id != own, info.id, place, tier)
            for info in maker.models
            for place, tier in enumerate(self._tiers(maker, info))
            if tier.input and tier.output and (place == 0 or info.id == own)
        )
        cards: dict[Tier, Tier] = {}
        for *_, tier in ranked:
            cards.setdefault(replace(tier, above=BASE, price_id=""), tier)
        return tuple(cards.values())

    def _tiers(self, maker: Provider, info: ModelInfo) -> Iterator[Tier]:
        for rates in ever_listed(info, self._name(maker, info)):
            yield from rates

    def _name(self, maker: Provider, info: ModelInfo) -> str:
        return f"{self._list} {maker.id}/{info.id}"

    def _maker(self, provider: str | None, model: str) -> Provider | None:
        """Name whose prices a model without a price may have been given."""
        for told in (provider, None):
            try:
                return self._snapshot.find_provider(model.strip().lower(), told, None)
            except LookupError:
                continue
        return None

    def _find_model(self, provider: str | None, model: str) -> tuple[Provider, ModelInfo] | None:
        told = (provider or host(model), None)
        for name in candidates(model):
            for provider_id in told:
                try:
                    return self._snapshot.find_provider_model(name, None, provider_id, None)
                except LookupError:
                    continue
        return None

    def knows(self, provider: str | None, model: str) -> bool:
        """Tell whether the list has the model, at whatever speed."""
        return self._model(provider, model) is not None

    def changes_in_a_day(self, model: str) -> bool:
        """Tell whether the hour is part of the model's price, as with DeepSeek's nights."""
        return any(info.is_match(name) for name in candidates(model) for info in self._by_the_clock)
