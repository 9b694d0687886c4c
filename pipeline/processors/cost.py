"""Price each event that carries the usage of a model call.

The agent's own number wins; else tokens are multiplied with the rates of the row's own day;
what has no known rate, or does not tell its input, is `unpriced` and NULL, never 0. The log
and the span of one call both get a cost: which of them counts is for the ledger to say. Metric
points and what an agent says a whole turn cost get none: they are sums of what calls tell.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ..core.batch import Batch, Dropped
from ..core.columns import any_of
from ..core.component import Factory, Kind, Settings
from ..core.schema import EVENTS
from ..pricing.book import PriceBook
from ..pricing.chosen import chosen_prices
from ..pricing.vectors import COLUMNS, TOKENS, price

_CALLS = pa.array(["api_request", "llm_request", "api_error"])


class Config(BaseModel):
    """Price API calls from what the agent reports, else from tokens and price lists."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    prices: Path | None = None
    """A TOML file of your own prices, in US dollars per million tokens; they win over the
    built-in ones."""


class Cost:
    """Fills `cost_usd` and `cost_status`."""

    scope: Literal["batch"] = "batch"

    def __init__(self, book: PriceBook) -> None:
        """Take the prices to use."""
        self._book = book

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give the same rows, priced."""
        if batch.table.name != EVENTS.name or len(batch) == 0:
            yield batch
            return
        rows = batch.records
        calls = pc.is_in(rows.column("event_type"), value_set=_CALLS)
        none = pa.scalar(None, pa.float64())
        reported = pc.if_else(calls, rows.column("reported_cost_usd"), none)
        told = any_of((pc.is_valid(rows.column(name)) for name in TOKENS), rows.num_rows)
        due = pc.and_(pc.and_(calls, told), pc.is_null(reported))
        computed = pa.nulls(0, pa.float64())
        if due.true_count:
            computed = price(rows.select(COLUMNS).filter(due), self._book)
        cost, status = _answers(reported, due, computed)
        yield batch.with_column("cost_usd", cost).with_column("cost_status", status)


def _answers(reported: pa.Array, due: pa.Array, computed: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Join the agent's numbers with ours, and say of each which it is."""
    none = pa.scalar(None, pa.string())
    how = pc.if_else(pc.is_valid(computed), "computed", "unpriced")
    status = pc.if_else(pc.is_valid(reported), pa.scalar("reported"), none)
    return (
        pc.replace_with_mask(reported, due, computed),
        pc.replace_with_mask(status, due, how),
    )


def _build(config: Config, settings: Settings) -> Cost:
    return Cost(chosen_prices(config.prices, settings.id)[0])


factory = Factory(Kind.PROCESSOR, "cost", Config, _build)
