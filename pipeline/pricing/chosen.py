"""Read the price file that a component's `prices` option names."""

from pathlib import Path

from ..core.component import Kind
from ..core.errors import ConfigError, Problem
from .book import PriceBook
from .own import read


def chosen_prices(prices: Path | None, processor: str) -> tuple[PriceBook, str]:
    """Give the prices to use, and the text of the file; the built-in ones and '' without one.

    Raises:
        ConfigError: the file cannot be read; it names the option of the processor with that id.

    """
    if prices is None:
        return PriceBook(), ""
    try:
        return PriceBook(read(prices)), prices.read_text("utf-8")
    except ValueError as error:
        path = f"{Kind.PROCESSOR}.{processor}.prices"
        hint = "Its form stands in docs/components/cost.md."
        raise ConfigError(Problem(path, str(error), hint)) from error
