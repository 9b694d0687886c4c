"""Turn the user's own price file (TOML) into prices; they win over the ones we bring.

[[price]]
model = "glm-4.6"          # an id, or a pattern with * and ?; any dressed form of it matches
provider = "zai"           # optional: only for this provider
speed = "fast"             # optional: only for this speed or service tier
from = 2026-09-01          # optional: since this day (UTC)
input = 0.6                # US dollars per million tokens
output = 2.2
cache_read = 0.11          # without it, cached input costs what input costs
cache_write = 0.6
cache_write_1h = 1.2       # what is kept for an hour; without it, that is not known
reasoning = 2.2            # without it, reasoning costs what output costs
tiers = [{above = 200000, input = 1.2, output = 4.4}]   # by the request's whole input
"""

import tomllib
from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, ValidationError

from .model_ids import candidates
from .rates import BASE, Rates, by_tier, per_token

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class OwnTier(BaseModel):
    """Rates from some length of the whole input on; what is left out stays as below it."""

    model_config = _STRICT

    above: PositiveInt
    input: NonNegativeFloat | None = None
    output: NonNegativeFloat | None = None
    cache_read: NonNegativeFloat | None = None
    cache_write: NonNegativeFloat | None = None
    cache_write_1h: NonNegativeFloat | None = None
    reasoning: NonNegativeFloat | None = None


class OwnPrice(BaseModel):
    """One price of the user's, in US dollars per million tokens."""

    model_config = _STRICT

    model: str = Field(min_length=1)
    provider: str | None = None
    speed: str | None = None
    valid_from: date = Field(default=date.min, alias="from")
    input: NonNegativeFloat
    output: NonNegativeFloat
    cache_read: NonNegativeFloat | None = None
    cache_write: NonNegativeFloat | None = None
    cache_write_1h: NonNegativeFloat | None = None
    reasoning: NonNegativeFloat | None = None
    tiers: tuple[OwnTier, ...] = ()

    def rates(self) -> Rates:
        """Give the price by tier."""
        return by_tier((tier.above for tier in self.tiers), self._rate, self._id())

    def _id(self) -> str:
        model = self.model if self.provider is None else f"{self.provider}/{self.model}"
        since = "" if self.valid_from == date.min else self.valid_from.isoformat()
        return " ".join(part for part in ("own", model, since, self.speed) if part)

    def _rate(self, kind: str, above: int) -> float | None:
        rate = getattr(self, kind)
        for tier in sorted(self.tiers, key=lambda tier: tier.above):
            told = getattr(tier, kind)
            if above != BASE and tier.above <= above and told is not None:
                rate = told
        return None if rate is None else per_token(rate)

    def suits(self, provider: str | None, speed: str | None, day: date) -> bool:
        """Tell whether the price is meant for this provider, speed and day."""
        return (
            self.provider in (None, provider)
            and self.speed in (None, speed)
            and self.valid_from <= day
        )


class _File(BaseModel):
    model_config = _STRICT

    price: tuple[OwnPrice, ...] = ()


def read(path: Path) -> tuple[OwnPrice, ...]:
    """Read a price file.

    Raises:
        ValueError: the file cannot be read or is not such a file; the message says why.

    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        msg = f"cannot read the price file {path}: {error.strerror}."
        raise ValueError(msg) from error
    except ValueError as error:
        msg = f"price file {path} is not TOML: {error}."
        raise ValueError(msg) from error
    return parse(text, f"price file {path}")


def parse(text: str, name: str = "price file") -> tuple[OwnPrice, ...]:
    """Read the text of a price file; ``name`` is what messages call it.

    Raises:
        ValueError: the text is not that of such a file; the message says why.

    """
    try:
        return _File.model_validate(tomllib.loads(text)).price
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{name}: {place}: {first['msg']}."
        raise ValueError(msg) from error
    except ValueError as error:
        msg = f"{name} is not TOML: {error}."
        raise ValueError(msg) from error


def find(
    prices: Sequence[OwnPrice], provider: str | None, model: str, speed: str | None, day: date
) -> OwnPrice | None:
    """Give the user's price for a model on a day.

    The nearest form of the id wins, then the id over a pattern, then the price for this
    provider and speed over one for all, then the youngest, then the last in the file.
    """
    for name in candidates(model):
        fitting = [
            price
            for price in prices
            if fnmatchcase(name, price.model.lower()) and price.suits(provider, speed, day)
        ]
        if fitting:
            return max(reversed(fitting), key=lambda price: _nearness(price, name))
    return None


def _nearness(price: OwnPrice, name: str) -> tuple[bool, int, date]:
    narrowed = (price.provider is not None) + (price.speed is not None)
    return price.model.lower() == name, narrowed, price.valid_from
