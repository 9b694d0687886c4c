"""Costs made again, from what stands in the ledger."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.core.sessions import Sessions
from agentpond.pipeline.engine.sessions.asked import (
    Asked,
    Progress,
    RepriceAsked,
    Repriced,
    repricing_line,
)
from agentpond.pipeline.pricing.book import PriceBook
from agentpond.pipeline.pricing.own import parse
from agentpond.pipeline.testing import batch

DEAR = '[[price]]\nmodel = "house-model"\ninput = 2.0\noutput = 4.0\n'


class Ledger:
    """Makes a call of a million input tokens for each session, at no price."""

    book = PriceBook()

    def __init__(self, counting: Any) -> None:
        self.scope = "session"
        self.version = "1"
        self.cadence = counting.cadence
        self.needs = counting.needs
        self.tables = (API_CALLS,)

    def process(self, sessions: Sessions) -> Iterable[Batch]:
        ids = sessions.ids.to_pylist()
        yield batch(
            API_CALLS,
            len(ids),
            session_id=ids,
            agent="house",
            api_call_id=ids,
            provider="house",
            model="house-model",
            time=datetime(2026, 11, 20),  # noqa: DTZ001 - the tables hold UTC without a zone
            input_tokens=1_000_000,
            cache_read_tokens=0,
            cache_write_tokens=0,
            output_tokens=0,
            success=True,
            usage_source="logs",
            cost_status="unpriced",
        )


def repriced(shop: Any, asked: RepriceAsked) -> list[Progress | Repriced]:
    shop.add("a", "b")
    engine = shop.engine(**{"ledger/x": Ledger(shop.counting())})
    list(engine.process(Asked()))
    return list(engine.reprice(asked))


def test_new_prices_make_new_costs_and_tell_the_difference(shop: Any) -> None:
    told = repriced(shop, RepriceAsked(prices=DEAR))

    assert told == [
        Progress("ledger/x", 1, 1, 1, 0),
        Progress("ledger/x", 2, 2, 1, 0),
        Repriced("house", "house-model", 2, 2, None, 4.0, 2, 0),
    ]
    assert shop.store.rows(API_CALLS)["cost_usd"].to_pylist() == [2.0, 2.0]


def test_without_prices_the_ledgers_own_count(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "book", PriceBook(parse(DEAR)))

    told = repriced(shop, RepriceAsked())

    assert told[-1] == Repriced("house", "house-model", 2, 2, None, 4.0, 2, 0)


def test_calls_before_the_day_stay_as_they_are(shop: Any) -> None:
    later_us = 1_795_200_000_000_000

    told = repriced(shop, RepriceAsked(since_us=later_us, prices=DEAR))

    assert told == []


def test_prices_that_cannot_be_read_are_refused(shop: Any) -> None:
    with pytest.raises(Permanent, match="reprice: price file") as caught:
        repriced(shop, RepriceAsked(prices="price = 1"))

    assert caught.value.reason == "bad_prices"


def test_without_a_ledger_it_is_refused(shop: Any) -> None:
    engine = shop.engine(one=shop.counting())

    with pytest.raises(Permanent, match="no processor makes api_calls") as caught:
        list(engine.reprice(RepriceAsked()))

    assert caught.value.reason == "unknown_processor"


def test_a_bug_in_pricing_is_told_in_words(shop: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_args: Any) -> Any:
        raise OverflowError("date value out of range")

    shop.store.remake = broken
    engine = shop.engine(ledger=Ledger(shop.counting()))

    with pytest.raises(Permanent, match="a bug: OverflowError: date value out of range"):
        list(engine.reprice(RepriceAsked(since_us=-1)))

    assert caplog.records[-1].exc_info is not None


def test_a_run_is_refused_while_costs_are_made(shop: Any) -> None:
    shop.add("a")
    engine = shop.engine(ledger=Ledger(shop.counting()))
    list(engine.process(Asked()))
    running = engine.reprice(RepriceAsked(prices=DEAR))
    next(running)

    with pytest.raises(Permanent, match=r"asked for by reprice"):
        list(engine.process(Asked()))

    running.close()
    assert list(engine.process(Asked()))[-1].of == 0


@pytest.mark.parametrize(
    "value",
    [
        Asked("ledger", "ü\n", everything=True),
        Progress("ledger", 1, 2, 3, 4),
        RepriceAsked(7, 'a = "b"'),
        Repriced(None, "m", 1, 2, None, 0.1, 3, 4),
    ],
)
def test_what_is_asked_and_told_goes_over_a_line_and_back(value: Any) -> None:
    line = value.to_json()

    assert "\n" not in line
    assert type(value).from_json(line) == value


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (Asked, '{"sesion_id": "x"}', "unknown: sesion_id. Known: processor, session_id, every"),
        (RepriceAsked, '{"since": 7, "day": 1}', "unknown: day, since. Known: since_us, prices, e"),
    ],
)
def test_a_request_with_something_unknown_is_refused(kind: Any, text: str, told: str) -> None:
    with pytest.raises(Permanent, match=told) as caught:
        kind.from_json(text)

    assert caught.value.reason == "bad_request"


def test_a_line_of_an_answer_to_reprice_is_of_one_of_two_kinds() -> None:
    progress, change = Progress("ledger", 1, 2, 3, 4), Repriced("p", "m", 1, 2, 3.0, 4.0, 5, 6)

    told = [repricing_line(each.to_json()) for each in (progress, change)]

    assert told == [progress, change]


@pytest.mark.parametrize("text", ["", "[]", "\x00", '{"processor": 7}', b"\xff"])
def test_what_is_no_request_is_refused_in_words(text: Any) -> None:
    with pytest.raises(Permanent, match="process: not what is expected") as caught:
        Asked.from_json(text)

    assert caught.value.reason == "bad_request"


def test_rows_of_the_ledger_keep_their_schema(shop: Any) -> None:
    repriced(shop, RepriceAsked(prices=DEAR))

    rows = shop.store.rows(API_CALLS)

    assert rows.schema.equals(API_CALLS.schema)
    assert isinstance(rows, pa.Table)
