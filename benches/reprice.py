"""Measure how long it takes to make the costs of ten million stored API calls again."""

import time
from pathlib import Path

import duckdb

from agentpond.pipeline.engine.sessions.asked import RepriceAsked, Repriced

from .scratch import scratch
from .sessions import Took, engine_on, open_store

_CALLS = 10_000_000
_CALLS_A_SESSION = 200
_PRICES = """
[[price]]
model = "claude-haiku-4-5"
input = 0.8
output = 4.0
cache_read = 0.08
cache_write = 1.0
"""

# As a ledger of three models over ninety days: a third reported, a third computed, a third of a
# model that no list knows.
_FILL = f"""
INSERT INTO api_calls BY NAME
WITH call AS (SELECT range AS n, hash(range) AS h FROM range({{calls}}))
SELECT
    'session-' || (n // {_CALLS_A_SESSION}) AS session_id, 'claude_code' AS agent,
    'req_' || n AS api_call_id, 'turn-' || (n // 5) AS turn_id,
    TIMESTAMP '2026-08-20' + INTERVAL (n * (7_776_000_000_000 // {{calls}})) MICROSECONDS AS time,
    'anthropic' AS provider,
    ['claude-opus-4-6', 'claude-haiku-4-5-20251001', 'glm-of-ours'][1 + n % 3] AS model,
    (h % 100)::BIGINT AS input_tokens, (h // 7 % 150_000)::BIGINT AS cache_read_tokens,
    (h // 11 % 9_000)::BIGINT AS cache_write_tokens, (h // 13 % 900)::BIGINT AS output_tokens,
    true AS success, 'logs' AS usage_source, ['logs'] AS told_by,
    CASE WHEN n % 3 = 0 THEN round(
        ((h % 100) * 5 + (h // 7 % 150_000) * 0.5 + (h // 11 % 9_000) * 6.25 + (h // 13 % 900) * 25)
        / 1e6, 12) END AS reported_cost_usd
FROM call
"""  # noqa: S608 - of constants
_SESSIONS = f"""
INSERT INTO session_changes BY NAME
SELECT range AS number, 'session-' || range AS session_id, 'claude_code' AS agent, 1 AS change,
    TIMESTAMP '2026-11-20' AS changed_at, TIMESTAMP '2026-08-20' AS first_received_at,
    TIMESTAMP '2026-11-20' AS last_received_at, 0 AS position, {_CALLS_A_SESSION} AS events
FROM range({{calls}} // {_CALLS_A_SESSION})
"""  # noqa: S608 - of constants


def bench_reprice(calls: int = _CALLS) -> None:
    """Make the costs of ten million calls for the first time, again, and with other prices."""
    with scratch() as directory:
        _fill(directory, calls)
        print(f"\nreprice, {calls:,} calls in {calls // _CALLS_A_SESSION:,} sessions")
        print(f"  {'':30}{'calls/s':>12}{'s':>8}{'CPU s':>8}{'changed':>14}")
        for name, prices in (
            ("from tokens alone", None),
            ("again, nothing changes", None),
            ("one model's price changed", _PRICES),
        ):
            _tell(calls, _reprice(directory, name, prices))


def _fill(directory: Path, calls: int) -> None:
    """Write calls into a file that a store has made."""
    store = open_store(directory)
    engine_on(store)
    store.stop()
    with duckdb.connect(store.path) as connection:
        connection.execute(_FILL.format(calls=calls))
        connection.execute(_SESSIONS.format(calls=calls))


def _reprice(directory: Path, name: str, prices: str | None) -> Took:
    store = open_store(directory)
    engine = engine_on(store)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    told = list(engine.reprice(RepriceAsked(prices=prices)))
    took_s, took_cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    store.stop()
    changed = sum(each.changed for each in told if isinstance(each, Repriced))
    return Took(name, took_s, took_cpu_s, changed)


def _tell(calls: int, took: Took) -> None:
    print(
        f"  {took.name:30}{calls / took.wall_s:>12,.0f}{took.wall_s:>8.1f}"
        f"{took.cpu_s:>8.1f}{took.rows:>14,}"
    )
