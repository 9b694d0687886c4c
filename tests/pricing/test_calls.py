"""Check which cost a call gets, what is said of it and which price it names."""

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.pricing.book import PriceBook
from agentpond.pipeline.pricing.calls import price_calls
from agentpond.pipeline.pricing.own import parse

from .given import BOOK, CALL, COST_USD, calls, one, priced

PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NO_USAGE: dict[str, Any] = dict.fromkeys(
    ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
)


ZEROS: dict[str, Any] = dict.fromkeys(NO_USAGE, 0)


def test_a_cost_that_agrees_is_reported() -> None:
    row = one(reported_cost_usd=COST_USD)

    names = ("cost_status", "cost_note", "cost_gap_usd", "cache_write_1h_tokens")
    assert [row[name] for name in names] == ["reported", None, pytest.approx(0.0, abs=1e-12), 0]


def test_rounding_to_micro_dollars_is_no_dispute() -> None:
    row = one(reported_cost_usd=round(COST_USD, 6))

    assert row["cost_status"] == "reported"


def test_a_difference_of_more_than_rounding_is_disputed() -> None:
    row = one(reported_cost_usd=COST_USD + 3.1e-6)

    assert row["cost_status"] == "disputed"


def test_a_disputed_cost_without_an_explanation_stays_the_agents() -> None:
    row = one(reported_cost_usd=COST_USD * 1.0123)

    names = ("cost_status", "cost_usd", "computed_cost_usd", "cost_note")
    assert [row[name] for name in names] == [
        "disputed",
        COST_USD * 1.0123,
        pytest.approx(COST_USD),
        "no explanation found; the price list may be out of date",
    ]


def test_a_cost_that_nobody_reported_is_computed() -> None:
    row = one()

    names = ("cost_status", "cost_usd", "cost_gap_usd", "cost_note", "cache_write_1h_tokens")
    assert [row[name] for name in names] == [
        "computed",
        pytest.approx(COST_USD),
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("success", [True, None])
def test_a_call_that_did_not_fail_and_tells_no_usage_has_no_price(success: bool | None) -> None:
    row = one(**NO_USAGE, success=success)

    names = ("cost_status", "cost_usd", "cost_note")
    assert [row[name] for name in names] == ["unpriced", None, "the agent told no usage"]


def test_a_call_that_failed_without_usage_has_no_status() -> None:
    row = one(**NO_USAGE, success=False)

    names = ("cost_status", "cost_usd", "cost_note", "price_id")
    assert [row[name] for name in names] == [None] * 4


def test_a_call_of_no_tokens_costs_nothing() -> None:
    row = one(**ZEROS, reported_cost_usd=0.0)

    assert (row["cost_status"], row["cost_usd"]) == ("reported", 0.0)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"model": "no-such-model"}, "no price for model no-such-model"),
        ({"model": None}, "no model was told"),
        ({"time": None}, "no time was told"),
        ({"speed": "turbo"}, "no price for model claude-opus-4-8 at speed turbo"),
        ({"input_tokens": None}, "input tokens were not told"),
        ({"output_tokens": None}, "output tokens were not told"),
        ({"output_tokens": -1}, "a token count is below 0"),
    ],
)
def test_what_cannot_be_priced_says_why_and_is_never_free(told: dict[str, Any], why: str) -> None:
    row = one(**told)

    names = ("cost_status", "cost_usd", "computed_cost_usd", "price_id", "cost_note")
    assert [row[name] for name in names] == ["unpriced", None, None, None, why]


def test_a_price_without_the_rate_that_is_needed_says_so() -> None:
    own = '[[price]]\nmodel = "m"\ninput = 1\noutput = 1\n'
    table = calls({"model": "m", "usage_source": "transcript"}).append_column(
        "cache_write_1h_tokens", pa.array([1_000])
    )

    row = price_calls(table, PriceBook(parse(own))).to_pylist()[0]

    assert row["cost_note"] == "the price has no rate for some of the tokens"


def test_a_cost_of_an_unknown_model_is_the_agents() -> None:
    row = one(model="no-such-model", reported_cost_usd=0.0123456)

    names = ("cost_status", "cost_usd", "cost_note")
    assert [row[name] for name in names] == [
        "reported",
        0.0123456,
        "no price for model no-such-model",
    ]


def test_nothing_said_of_an_unknown_models_tokens_is_unpriced() -> None:
    row = one(model="no-such-model", reported_cost_usd=0.0)

    names = ("cost_status", "cost_usd", "cost_note")
    assert [row[name] for name in names] == [
        "unpriced",
        None,
        "no price for model no-such-model; the agent said $0",
    ]


def test_nothing_said_of_tokens_with_a_price_is_disputed_and_computed() -> None:
    row = one(reported_cost_usd=0.0)

    names = ("cost_status", "cost_usd", "cost_note")
    assert [row[name] for name in names] == [
        "disputed",
        pytest.approx(COST_USD),
        "the agent said $0 for tokens that have a price",
    ]


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), None])
def test_a_reported_cost_that_is_no_number_is_not_told(broken: float | None) -> None:
    row = one(reported_cost_usd=broken)

    assert (row["cost_status"], row["cost_gap_usd"]) == ("computed", None)


def test_hours_in_the_cache_that_a_transcript_tells_are_priced_as_such() -> None:
    table = calls({"usage_source": "transcript"}).append_column(
        "cache_write_1h_tokens", pa.array([1_000])
    )

    row = price_calls(table, BOOK).to_pylist()[0]

    names = ("computed_cost_usd", "cache_write_1h_tokens")
    assert [row[name] for name in names] == [pytest.approx(COST_USD + 0.00375), 1_000]


def test_hours_in_the_cache_that_a_transcript_tells_stay_whatever_explains_the_cost() -> None:
    told = {"usage_source": "transcript", "reported_cost_usd": 2 * (COST_USD + 0.00375)}
    table = calls(told).append_column("cache_write_1h_tokens", pa.array([1_000]))

    row = price_calls(table, BOOK).to_pylist()[0]

    names = ("cost_status", "cache_write_1h_tokens")
    assert [row[name] for name in names] == ["disputed", 1_000]


@pytest.mark.parametrize(
    ("told", "price_id"),
    [
        ({}, "genai-prices/0.2.3 anthropic/claude-opus-4-8"),
        ({"speed": "fast"}, "genai-prices/0.2.3 anthropic/claude-opus-4-8 fast"),
        ({"speed": "batch"}, "genai-prices/0.2.3 anthropic/claude-opus-4-8 2026-10-14 batch"),
        ({"model": "claude-opus-4-6"}, "genai-prices/0.2.3 anthropic/claude-opus-4-6 2026-03-13"),
        (
            {"model": "claude-opus-4-6", "time": datetime(2026, 3, 12)},  # noqa: DTZ001 - as above
            "genai-prices/0.2.3 anthropic/claude-opus-4-6",
        ),
        (
            {"model": "claude-sonnet-4-5", "input_tokens": 200_001},
            "genai-prices/0.2.3 anthropic/claude-sonnet-4-5 >200000",
        ),
        (
            {"provider": "openai", "model": "gpt-5.6-sol", "speed": "priority"},
            "genai-prices/0.2.3 openai/gpt-5.6-sol 2026-10-12 priority",
        ),
        (
            {"provider": None, "model": "us.anthropic.claude-opus-4-5-20251101-v1:0"},
            "genai-prices/0.2.3 aws/regional.anthropic.claude-opus-4-5-v1:0",
        ),
    ],
)
def test_a_price_names_its_list_day_speed_and_tier(told: dict[str, Any], price_id: str) -> None:
    row = one(**told)

    assert row["price_id"] == price_id


def test_a_batch_costs_half() -> None:
    row = one(speed="batch")

    assert row["cost_usd"] == pytest.approx(COST_USD / 2)


def test_ones_own_price_names_itself() -> None:
    own = """
    [[price]]
    model = "claude-*"
    provider = "anthropic"
    from = 2026-09-01
    speed = "fast"
    input = 1
    output = 2
    tiers = [{above = 1000, input = 3}]
    """

    row = one(own, speed="fast")

    assert row["price_id"] == "own anthropic/claude-* 2026-09-01 fast >1000"


def test_ones_own_price_for_an_hour_explains_a_gap() -> None:
    own = """
    [[price]]
    model = "mine"
    input = 10
    output = 10
    cache_write = 20
    cache_write_1h = 30
    """
    cost_usd = (100 * 10 + 20_003 * 10 + 9_001 * 20 + 203 * 10) / 10**6

    row = one(own, model="mine", reported_cost_usd=cost_usd + 0.00123)

    assert row["cache_write_1h_tokens"] == 123


def test_a_wrong_price_text_is_said_in_words() -> None:
    with pytest.raises(ValueError, match=r"price file: price\.0\.input: Field required\."):
        parse('[[price]]\nmodel = "m"\n')


def test_a_sum_of_calls_is_priced_at_the_first_tier_and_says_so() -> None:
    row = one(
        model="claude-sonnet-4-5",
        usage_source="metrics",
        input_tokens=10**6,
        cache_read_tokens=None,
        cache_write_tokens=None,
        output_tokens=0,
    )

    names = ("cost_usd", "cost_status", "cost_note", "price_id")
    assert [row[name] for name in names] == [
        pytest.approx(3.0),
        "computed",
        "a sum of calls, priced as if none was longer than the price's first tier",
        "genai-prices/0.2.3 anthropic/claude-sonnet-4-5",
    ]


def test_no_calls_give_no_calls() -> None:
    table = price_calls(calls(), BOOK)

    assert (len(table), table["cost_status"].type) == (0, pa.string())


USD = st.one_of(
    st.none(), st.just(0.0), st.just(-0.0), st.floats(1e-7, 50.0), st.just(float("nan"))
)
COUNT = st.one_of(st.none(), st.integers(-1, 300_000))
ANY_CALL = st.fixed_dictionaries(
    {
        "model": st.sampled_from([None, "", "x", "claude-opus-4-8", "claude-sonnet-4-5", "gpt-5"]),
        "agent": st.sampled_from([None, "claude_code", "codex"]),
        "speed": st.sampled_from([None, "normal", "fast"]),
        "usage_source": st.sampled_from(["logs", "traces", "metrics", "transcript", None]),
        "reported_cost_usd": USD,
        **dict.fromkeys((*NO_USAGE, "reasoning_tokens"), COUNT),
    }
)


@PATIENT
@given(st.lists(ANY_CALL, max_size=12))
def test_a_call_with_usage_has_a_cost_or_is_unpriced_with_a_reason(
    told: list[dict[str, Any]],
) -> None:
    rows = priced(*told)

    assert {_kept(row) for row in rows} <= {True}


def _kept(row: dict[str, Any]) -> bool:
    status, usd, note = row["cost_status"], row["cost_usd"], row["cost_note"]
    if status in (None, "unpriced"):
        return usd is None and (status is None or bool(note))
    return usd is not None and (status != "disputed" or bool(note))


@PATIENT
@given(st.lists(ANY_CALL, max_size=12))
def test_only_numbers_come_out(told: list[dict[str, Any]]) -> None:
    rows = priced(*told)

    money = [row[name] for row in rows for name in ("cost_usd", "computed_cost_usd")]
    money += [row["cost_gap_usd"] for row in rows]
    assert [usd for usd in money if usd is not None and (usd != usd or str(usd) == "-0.0")] == []  # noqa: PLR0124 - NaN


@PATIENT
@given(st.lists(ANY_CALL, min_size=1, max_size=12))
def test_a_calls_cost_does_not_depend_on_the_others(told: list[dict[str, Any]]) -> None:
    together = price_calls(calls(*told), BOOK)

    alone = pa.concat_tables([price_calls(calls(each), BOOK) for each in told])

    assert str(together.to_pylist()) == str(alone.to_pylist())


@PATIENT
@given(st.lists(ANY_CALL, max_size=12))
def test_pricing_again_changes_nothing(told: list[dict[str, Any]]) -> None:
    first = price_calls(calls(*told), BOOK)

    again = price_calls(first, BOOK)

    assert str(again.to_pylist()) == str(first.to_pylist())


def test_all_other_columns_stay() -> None:
    table = calls(CALL, {"model": "x"})

    out = price_calls(table, BOOK)

    assert out.select(table.column_names).equals(table)
