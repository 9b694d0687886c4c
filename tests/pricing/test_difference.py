"""Check what is said of calls that were priced again."""

import pyarrow as pa

from agentpond.pipeline.pricing.book import PriceBook
from agentpond.pipeline.pricing.calls import price_calls
from agentpond.pipeline.pricing.difference import DIFFERENCE, add_up, difference
from agentpond.pipeline.pricing.own import parse

from .given import BOOK, CALL, calls

OWN = PriceBook(parse('[[price]]\nmodel = "x*"\ninput = 1000000\noutput = 0\ncache_write = 0\n'))
SMALL = {"input_tokens": 1, "cache_read_tokens": 0, "cache_write_tokens": 0, "output_tokens": 0}


def changed(*models: str) -> pa.Table:
    table = calls(*({**SMALL, "model": model} for model in models))
    return difference(price_calls(table, BOOK), price_calls(table, OWN))


def test_what_changed_is_told_by_model() -> None:
    found = changed("x1", "x2", "claude-opus-4-8", "x1")

    assert found.drop_columns(["provider"]).to_pylist()[1:] == [
        {
            "model": "x1",
            "calls": 2,
            "changed": 2,
            "before_usd": None,
            "after_usd": 2.0,
            "unpriced_before": 2,
            "unpriced_after": 0,
        },
        {
            "model": "x2",
            "calls": 1,
            "changed": 1,
            "before_usd": None,
            "after_usd": 1.0,
            "unpriced_before": 1,
            "unpriced_after": 0,
        },
    ]


def test_what_stayed_is_not_counted_as_changed() -> None:
    found = changed("claude-opus-4-8", "claude-opus-4-8")

    assert (found["calls"].to_pylist(), found["changed"].to_pylist()) == ([2], [0])


def test_calls_without_a_price_before_and_after_did_not_change() -> None:
    table = price_calls(calls({**CALL, "model": "z"}), BOOK)

    found = difference(table, table)

    assert (found["changed"].to_pylist(), found["unpriced_after"].to_pylist()) == ([0], [1])


def test_parts_add_up_to_the_whole() -> None:
    parts = [changed("x1"), changed("x1", "x2")]

    found = add_up(parts)

    assert found.equals(changed("x1", "x1", "x2"))


def test_no_parts_add_up_to_nothing() -> None:
    found = add_up([])

    assert found.equals(DIFFERENCE.empty_table())
