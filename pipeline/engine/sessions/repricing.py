"""Make the ledger's costs again, from the tokens that stand in it and other prices."""

from collections.abc import Generator
from typing import Protocol, runtime_checkable

import pyarrow as pa

from ...core.errors import Permanent
from ...core.made import API_CALLS
from ...core.sessions import SessionProcessor, SessionStore
from ...pricing import own
from ...pricing.book import PriceBook
from ...pricing.calls import price_calls
from ...pricing.difference import add_up, difference
from .asked import Progress, RepriceAsked, Repriced, Told


@runtime_checkable
class Priced(Protocol):
    """A processor that has prices of its own."""

    @property
    def book(self) -> PriceBook:
        """The prices it makes costs with."""


def reprice(
    store: SessionStore, name: str, ledger: SessionProcessor, asked: RepriceAsked
) -> Generator[Told, None, None]:
    """Price the ledger's rows anew and store what differs; tell rows, then the difference.

    Raises:
        Permanent: the prices cannot be read.
        Retryable: the store cannot at the moment.

    """
    book = _book(ledger, asked.prices)
    parts: list[pa.Table] = []

    def change(rows: pa.RecordBatch) -> pa.RecordBatch:
        before = pa.Table.from_batches([rows])
        after = price_calls(before, book).select(rows.schema.names).cast(rows.schema)
        parts.append(difference(before, after))
        columns = [column.combine_chunks() for column in after.columns]
        return pa.RecordBatch.from_arrays(columns, schema=rows.schema)

    done = 0
    for count in store.remake(name, API_CALLS, asked.since_us, change):
        done += count
        yield Progress(name, done, done, count, 0)
    if parts:
        yield from (Repriced(**row) for row in add_up(parts).to_pylist())


def _book(ledger: SessionProcessor, prices: str | None) -> PriceBook:
    if prices is None:
        return ledger.book if isinstance(ledger, Priced) else PriceBook()
    try:
        return PriceBook(own.parse(prices))
    except ValueError as error:
        raise Permanent(f"reprice: {error}", reason="bad_prices") from error
