"""Check that gaps between reported and computed costs are explained, where they can be."""

import random
from typing import Any

import pytest

from agentpond.pipeline.core.signal import Signal

from ..golden.captures import captures
from ..golden.rows import events
from .given import COST_USD, TOLD, one, priced

NO_EXPLANATION = "no explanation found; the price list may be out of date"
GATEWAY = "by the agent (a gateway that repeats usage frames)"


def reported(name: str) -> list[dict[str, Any]]:
    """Read the calls that Claude Code's log tells of in captures."""
    return [
        {name: row.get(name) for name in TOLD.names if name in row} | {"usage_source": "logs"}
        for capture in captures(name)
        for row in events(capture, Signal.LOGS)
        if row["event_type"] == "api_request"
    ]


def test_every_capture_but_a_gateways_costs_what_the_agent_said() -> None:
    told = [
        call
        for capture in captures("claude_code/*/*")
        if capture.scenario != "gateway-usage-frames"
        for call in reported(capture.name)
    ]

    found = priced(*told)

    statuses = {(row["cost_status"], row["cost_note"]) for row in found}
    assert (statuses, len(found) > 200) == ({("reported", None)}, True)


def test_a_gateways_repeated_frames_are_seen_and_not_paid() -> None:
    told = reported("claude_code/gateway-usage-frames/http-json")

    found = priced(*told)

    assert [(row["cost_usd"], row["cost_note"]) for row in found] == [
        (pytest.approx(0.00675), f"usage was counted 3 times {GATEWAY}"),
        (pytest.approx(0.0033), f"usage was counted 2 times {GATEWAY}"),
    ]


@pytest.mark.parametrize("digits", [6, 15])
@pytest.mark.parametrize(
    ("model", "hour_usd"), [("claude-opus-4-8", 3.75e-6), ("claude-sonnet-4-5", 2.25e-6)]
)
def test_the_split_of_cache_writes_is_recovered(model: str, hour_usd: float, digits: int) -> None:
    draw = random.Random(4)  # noqa: S311 - the same calls each time
    told: list[dict[str, Any]] = [
        {
            "model": model,
            "input_tokens": draw.randint(1, 3000),
            "cache_read_tokens": draw.randint(0, 90_000),
            "cache_write_tokens": draw.randint(1, 60_000),
            "output_tokens": draw.randint(1, 4000),
        }
        for _ in range(500)
    ]
    kept = [draw.randint(0, call["cache_write_tokens"]) for call in told]
    plain = [row["computed_cost_usd"] for row in priced(*told)]
    costs = [round(usd + n * hour_usd, digits) for usd, n in zip(plain, kept, strict=True)]

    found = priced(
        *(call | {"reported_cost_usd": usd} for call, usd in zip(told, costs, strict=True))
    )

    errors = [abs(row["cache_write_1h_tokens"] - n) for row, n in zip(found, kept, strict=True)]
    assert max(errors) <= 1


def test_the_note_says_how_much_was_kept_for_an_hour() -> None:
    row = one(reported_cost_usd=COST_USD + 1_234 * 3.75e-6)

    names = ("cost_status", "cost_note", "cache_write_1h_tokens", "computed_cost_usd")
    assert [row[name] for name in names] == [
        "disputed",
        "1234 of 9001 cache-write tokens were kept for 1 hour",
        1234,
        pytest.approx(COST_USD),
    ]


def test_what_is_explained_still_costs_what_was_reported() -> None:
    row = one(reported_cost_usd=COST_USD + 9_001 * 3.75e-6)

    assert row["cost_usd"] == COST_USD + 9_001 * 3.75e-6


@pytest.mark.parametrize(
    ("count", "note"),
    [(1, "1 web search at $0.01"), (7, "7 web searches at $0.01")],
)
def test_web_searches_are_counted(count: int, note: str) -> None:
    row = one(reported_cost_usd=COST_USD + count * 0.01)

    assert (row["cost_note"], row["cache_write_1h_tokens"]) == (note, None)


def test_searches_that_would_cost_the_same_are_named() -> None:
    row = one(reported_cost_usd=COST_USD + 0.03)

    assert row["cost_note"] == (
        "8000 of 9001 cache-write tokens were kept for 1 hour"
        " (3 web searches at $0.01 would cost the same)"
    )


def test_searches_beside_an_hour_in_the_cache_are_counted() -> None:
    row = one(reported_cost_usd=COST_USD + 9_001 * 3.75e-6 + 0.02)

    assert (row["cost_note"], row["cache_write_1h_tokens"]) == (
        "9001 of 9001 cache-write tokens were kept for 1 hour, and 2 web searches at $0.01",
        9001,
    )


def test_searches_beside_an_hour_for_a_part_of_what_was_written_are_counted() -> None:
    row = one(reported_cost_usd=COST_USD + 4_000 * 3.75e-6 + 0.01)

    assert (row["cost_note"], row["cache_write_1h_tokens"]) == (
        "4000 of 9001 cache-write tokens were kept for 1 hour, and 1 web search at $0.01",
        4_000,
    )


def test_an_unknown_model_charged_as_another_is_disputed() -> None:
    row = one(model="claude-opus-9-9", reported_cost_usd=COST_USD)

    names = ("cost_status", "cost_usd", "computed_cost_usd", "cost_note")
    assert [row[name] for name in names] == [
        "disputed",
        COST_USD,
        None,
        (
            "no price for model claude-opus-9-9; the agent charged it as claude-opus-4-5"
            " ($5/25/0.5/6.25 per million input/output/cache-read/cache-write tokens)"
        ),
    ]


def test_an_unknown_model_charged_as_another_for_an_hour_says_both() -> None:
    row = one(model="claude-opus-9-9", reported_cost_usd=COST_USD + 9_001 * 3.75e-6)

    assert (row["cost_note"].endswith("kept for 1 hour"), row["cache_write_1h_tokens"]) == (
        True,
        9001,
    )


def test_a_known_model_at_another_models_price_is_named() -> None:
    usd = (100 * 3 + 20_003 * 0.3 + 9_001 * 3.75 + 203 * 15) / 10**6

    row = one(model="claude-sonnet-5", reported_cost_usd=usd)

    assert row["cost_note"].startswith("charged like claude-3-5-sonnet ($3/15/0.3/3.75 ")


def test_another_speed_of_the_same_model_is_named_first() -> None:
    row = one(reported_cost_usd=2 * COST_USD)

    assert row["cost_note"] == (
        "charged like claude-opus-4-8 fast"
        " ($10/50/1/12.5 per million input/output/cache-read/cache-write tokens)"
        f"; or usage was counted 2 times {GATEWAY}"
    )


def test_a_whole_number_of_times_without_such_a_price_is_a_gateways() -> None:
    row = one(reported_cost_usd=7 * COST_USD)

    assert (row["cost_note"], row["cost_usd"]) == (
        f"usage was counted 7 times {GATEWAY}",
        pytest.approx(COST_USD),
    )


def test_only_claude_codes_costs_are_inflated_by_gateways() -> None:
    row = one(agent="other", reported_cost_usd=7 * COST_USD)

    assert row["cost_note"] == NO_EXPLANATION


def test_a_long_call_charged_as_a_short_one_is_named() -> None:
    usd = (200_001 * 3 + 203 * 15) / 10**6

    row = one(
        model="claude-sonnet-4-5",
        input_tokens=200_001,
        cache_read_tokens=0,
        cache_write_tokens=0,
        reported_cost_usd=usd,
    )

    assert row["cost_note"].startswith(
        "charged like a shorter call of claude-sonnet-4-5 ($3/15/0.3/3.75 "
    )


def test_sums_of_calls_are_explained_by_an_hour_in_the_cache() -> None:
    row = one(usage_source="metrics", reported_cost_usd=COST_USD + 1_234 * 3.75e-6)

    assert row["cache_write_1h_tokens"] == 1234


def test_sums_of_calls_are_explained_by_searches() -> None:
    row = one(usage_source="metrics", reported_cost_usd=COST_USD + 0.04)

    assert row["cost_note"] == "4 web searches at $0.01"


def test_sums_of_calls_are_not_explained_by_frames() -> None:
    row = one(usage_source="metrics", reported_cost_usd=7 * COST_USD)

    assert row["cost_note"] == NO_EXPLANATION


def test_less_than_the_computed_cost_is_not_explained() -> None:
    row = one(reported_cost_usd=COST_USD - 0.0123)

    assert (row["cost_note"], row["cost_usd"]) == (NO_EXPLANATION, COST_USD - 0.0123)
