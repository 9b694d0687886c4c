"""Turn a few words in a test into API calls, and price them."""

from datetime import datetime
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.pricing.book import PriceBook
from agentpond.pipeline.pricing.calls import price_calls
from agentpond.pipeline.pricing.own import parse

MORNING = datetime(2026, 11, 20, 10, 0)  # noqa: DTZ001 - the tables hold UTC without a zone
BOOK = PriceBook()

CALL: dict[str, Any] = {
    "agent": "claude_code",
    "provider": "anthropic",
    "model": "claude-opus-4-8",
    "time": MORNING,
    "usage_source": "logs",
    "input_tokens": 100,
    "cache_read_tokens": 20_003,
    "cache_write_tokens": 9_001,
    "output_tokens": 203,
}
"""It costs 0.0718... dollars: 5, 0.5, 6.25 and 25 dollars per million."""
COST_USD = (100 * 5 + 20_003 * 0.5 + 9_001 * 6.25 + 203 * 25) / 10**6

_NAMES = [
    *("session_id", "agent", "api_call_id", "time", "provider", "model", "speed", "success"),
    *("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"),
    *("reasoning_tokens", "reported_cost_usd", "usage_source"),
]
TOLD = pa.schema([API_CALLS.schema.field(name) for name in _NAMES])


def calls(*told: dict[str, Any], usual: dict[str, Any] | None = None) -> pa.Table:
    """Make calls that are like the usual one but for what is told of them."""
    usual = CALL if usual is None else usual
    return pa.Table.from_pylist([{**usual, **each} for each in told], schema=TOLD)


def priced(*told: dict[str, Any], own: str = "") -> list[dict[str, Any]]:
    """Price such calls, with prices of one's own (TOML)."""
    book = PriceBook(parse(own)) if own else BOOK
    rows: list[dict[str, Any]] = price_calls(calls(*told), book).to_pylist()
    return rows


def one(own: str = "", **told: Any) -> dict[str, Any]:
    """Price one such call."""
    (row,) = priced(told, own=own)
    return row
