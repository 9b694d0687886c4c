"""Check what a call costs, against genai-prices itself, and what is said of each number."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.types import ModelInfo
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.pricing.book import PriceBook
from agentpond.pipeline.processors.cost import Config, Cost, factory
from agentpond.pipeline.testing import check_processor, events, settings

# The machines are busy: how long an example takes is not what is tested.
PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MORNING = datetime(2026, 11, 20, 10, 0)  # noqa: DTZ001 - the tables hold UTC without a zone
BOOK = PriceBook()

TOKENS = st.integers(0, 600_000)
CALLS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(
            [
                *("claude-opus-4-5", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"),
                *("claude-opus-5", "claude-sonnet-5", "gpt-5.5", "gpt-5.6-sol", "gpt-6-astra"),
                *("o4-mini", "gemini-2.5-pro", "deepseek-chat", "grok-4.3"),
            ]
        ),
        "speed": st.sampled_from([None, "normal", "fast", "priority", "flex"]),
        "time": st.datetimes(datetime(2025, 9, 1), datetime(2026, 12, 31)),  # noqa: DTZ001
        "input_tokens": TOKENS,
        "cache_read_tokens": TOKENS,
        "cache_write_tokens": TOKENS,
        "output_tokens": TOKENS,
    }
)


def priced(rows: Batch, book: PriceBook = BOOK) -> list[Any]:
    (out,) = Cost(book).process(rows)
    assert isinstance(out, Batch)
    columns = (out.records.column(name).to_pylist() for name in ("cost_usd", "cost_status"))
    return list(zip(*columns, strict=True))


def call(**columns: Any) -> Batch:
    told = {"event_type": "api_request", "input_tokens": 0, "output_tokens": 0, **columns}
    return events(**told)


def by_the_library(told: dict[str, Any]) -> tuple[Any, str]:
    whole = told["input_tokens"] + told["cache_read_tokens"] + told["cache_write_tokens"]
    usage = Usage(
        input_tokens=whole,
        cache_read_tokens=told["cache_read_tokens"],
        cache_write_tokens=told["cache_write_tokens"],
        output_tokens=told["output_tokens"],
    )
    speed = told["speed"]
    ordinary = speed in (None, "normal")
    answer = calc_price(
        usage,
        told["model"],
        genai_request_timestamp=told["time"].replace(tzinfo=UTC),
        price_context=None if ordinary else {"speed": speed, "service_tier": speed},
    )
    if not ordinary and not _has_variant(answer.model, speed, told["time"].replace(tzinfo=UTC)):
        return None, "unpriced"
    return pytest.approx(float(answer.total_price), abs=1e-9), "computed"


def _has_variant(model: ModelInfo, speed: str, moment: datetime) -> bool:
    wanted = ({"speed": speed}, {"service_tier": speed})
    return any(
        variant.when in wanted and (variant.constraint is None or variant.constraint.active(moment))
        for variant in model.price_variants or ()
    )


@PATIENT
@given(st.lists(CALLS, min_size=1, max_size=20))
def test_a_batch_costs_what_genai_prices_says_of_each_call(calls: list[dict[str, Any]]) -> None:
    columns = {name: [told[name] for told in calls] for name in calls[0]}
    rows = events(len(calls), event_type="api_request", **columns)

    found = priced(rows)

    assert found == [by_the_library(told) for told in calls]


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("claude-opus-4-5-20251101", 5 + 25 + 0.5 + 6.25),
        ("claude-opus-4-6", 5 + 25 + 0.5 + 6.25),
        ("claude-opus-4-8", 5 + 25 + 0.5 + 6.25),
        ("claude-haiku-4-5-20251001", 1 + 5 + 0.1 + 1.25),
    ],
)
def test_the_constants_of_claude_code_are_reproduced(model: str, usd: float) -> None:
    million = 1_000_000
    rows = call(
        model=model,
        input_tokens=million,
        output_tokens=million,
        cache_read_tokens=million,
        cache_write_tokens=million,
    )

    found = priced(rows)

    assert found == [(pytest.approx(usd), "computed")]


def test_a_captured_call_costs_what_the_agent_printed() -> None:
    rows = call(
        model="claude-sonnet-4-5-20250929",
        input_tokens=3,
        output_tokens=58,
        cache_read_tokens=0,
        cache_write_tokens=17890,
    )

    found = priced(rows)

    assert found == [(pytest.approx(0.0679665, abs=1e-12), "computed")]


def test_the_agents_own_number_wins() -> None:
    rows = call(model="claude-opus-5", input_tokens=10, reported_cost_usd=0.5)

    found = priced(rows)

    assert found == [(0.5, "reported")]


@pytest.mark.parametrize("kind", ["turn_cost", "metric", "other", None])
def test_a_reported_sum_of_calls_is_no_calls_cost(kind: str | None) -> None:
    rows = events(event_type=kind, reported_cost_usd=0.5)

    (out,) = Cost(BOOK).process(rows)

    assert isinstance(out, Batch)
    columns = ("cost_usd", "cost_status", "reported_cost_usd")
    assert [out.records.column(name).to_pylist() for name in columns] == [[None], [None], [0.5]]


def test_a_reported_cost_wins_whatever_the_speed() -> None:
    rows = call(model="claude-opus-4-6", speed="fast", reported_cost_usd=0.5)

    found = priced(rows)

    assert found == [(0.5, "reported")]


@pytest.mark.parametrize(
    ("model", "speed"),
    [
        ("claude-opus-4-6", "fast"),
        ("claude-opus-4-8", "flex"),
        ("gpt-5.1-codex-mini", "priority"),
        ("gpt-5", "turbo"),
    ],
)
def test_a_speed_without_a_price_of_its_own_is_unpriced(model: str, speed: str) -> None:
    rows = call(model=model, speed=speed, input_tokens=1000)

    found = priced(rows)

    assert found == [(None, "unpriced")]


def test_before_a_speed_had_a_price_it_is_unpriced() -> None:
    days = [datetime(2026, 10, 11, 23, 59), datetime(2026, 10, 12)]  # noqa: DTZ001 - as above
    rows = events(
        2,
        event_type="api_request",
        model="gpt-5",
        speed="priority",
        input_tokens=1_000_000,
        output_tokens=0,
        time=days,
    )

    found = priced(rows)

    assert found == [(None, "unpriced"), (pytest.approx(2.5), "computed")]


@pytest.mark.parametrize("speed", [None, "", "normal", "standard", "Standard", "default", "auto"])
def test_an_ordinary_speed_costs_the_ordinary_price(speed: str | None) -> None:
    rows = call(model="claude-opus-4-8", speed=speed, input_tokens=1_000_000)

    found = priced(rows)

    assert found == [(pytest.approx(5.0), "computed")]


@pytest.mark.parametrize("untold", ["input_tokens", "output_tokens"])
def test_a_call_that_does_not_tell_its_tokens_is_unpriced(untold: str) -> None:
    rows = call(model="claude-opus-5", cache_read_tokens=1000, **{untold: None})

    found = priced(rows)

    assert found == [(None, "unpriced")]


def test_a_model_without_a_price_for_output_need_not_tell_any() -> None:
    rows = call(
        provider="openai",
        model="text-embedding-3-small",
        input_tokens=1_000_000,
        output_tokens=None,
    )

    found = priced(rows)

    assert found == [(pytest.approx(0.02), "computed")]


def test_a_failed_call_that_tells_its_usage_is_priced() -> None:
    rows = call(event_type="api_error", model="claude-opus-5", input_tokens=1_000_000)

    found = priced(rows)

    assert found == [(pytest.approx(5.0), "computed")]


def test_a_failed_call_without_usage_has_no_status() -> None:
    rows = events(event_type="api_error", model="claude-opus-5")

    found = priced(rows)

    assert found == [(None, None)]


@pytest.mark.parametrize("model", ["no-such-model", "", None, "gpt-6"])
def test_an_unknown_model_is_unpriced_and_never_free(model: str | None) -> None:
    rows = call(model=model, input_tokens=0)

    found = priced(rows)

    assert found == [(None, "unpriced")]


def test_a_call_without_any_time_is_unpriced() -> None:
    rows = call(model="claude-opus-5", input_tokens=1, time=None, received_at=None)

    found = priced(rows)

    assert found == [(None, "unpriced")]


def test_without_its_own_time_a_call_is_priced_by_the_time_of_receipt() -> None:
    rows = call(model="claude-opus-5", input_tokens=1_000_000, time=None, received_at=MORNING)

    found = priced(rows)

    assert found == [(pytest.approx(5.0), "computed")]


def test_a_negative_count_cannot_be_priced() -> None:
    rows = call(model="claude-opus-5", input_tokens=-1)

    found = priced(rows)

    assert found == [(None, "unpriced")]


def test_a_call_without_tokens_has_no_status() -> None:
    rows = call(model="claude-opus-5", input_tokens=None, output_tokens=None)

    found = priced(rows)

    assert found == [(None, None)]


@pytest.mark.parametrize("kind", ["turn", "metric", "tool_result", "turn_cost", None])
def test_other_events_get_no_cost(kind: str | None) -> None:
    rows = call(event_type=kind, model="claude-opus-5", input_tokens=5)

    found = priced(rows)

    assert found == [(None, None)]


def test_spans_of_calls_are_priced_too() -> None:
    rows = call(event_type="llm_request", model="claude-opus-5", input_tokens=1_000_000)

    found = priced(rows)

    assert found == [(pytest.approx(5.0), "computed")]


def test_the_tier_goes_by_the_whole_input() -> None:
    rows = events(
        2,
        event_type="api_request",
        model="gpt-5.6-sol",
        input_tokens=1000,
        output_tokens=0,
        cache_read_tokens=[271_000, 271_001],
    )

    found = priced(rows)

    assert found == [
        (pytest.approx(0.004 + 0.1084), "computed"),
        (pytest.approx(0.008 + 271_001 * 0.8e-6), "computed"),
    ]


def test_the_price_is_that_of_the_calls_own_day() -> None:
    days = [datetime(2026, 8, 20, 23, 59), datetime(2026, 8, 21)]  # noqa: DTZ001 - as above
    rows = events(
        2,
        event_type="api_request",
        model="gpt-5.6-sol",
        input_tokens=0,
        output_tokens=100_000,
        time=days,
    )

    found = priced(rows)

    assert found == [(pytest.approx(3.0), "computed"), (pytest.approx(2.0), "computed")]


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("anthropic", "claude-opus-4-5[1m]", 5.0),
        ("anthropic", "us.anthropic.claude-opus-4-5-20251101-v1:0", 5.0),
        ("aws.bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", 5.5),
        (None, "us.anthropic.claude-opus-4-5-20251101-v1:0", 5.5),
        (None, "global.anthropic.claude-opus-4-5-20251101-v1:0", 5.0),
        (None, "claude-opus-4-5@20251101", 5.0),
        ("Mock Provider", "claude-opus-4-5", 5.0),
    ],
)
def test_a_dressed_model_id_finds_its_price(provider: str | None, model: str, usd: float) -> None:
    rows = call(provider=provider, model=model, input_tokens=1_000_000)

    found = priced(rows)

    assert found == [(pytest.approx(usd), "computed")]


def test_reasoning_is_part_of_the_output() -> None:
    rows = call(model="o4-mini", output_tokens=1_000_000, reasoning_tokens=900_000)

    found = priced(rows)

    assert found == [(pytest.approx(4.4), "computed")]


def own(directory: Path, text: str) -> PriceBook:
    file = directory / "prices.toml"
    file.write_text(text)
    built = factory.build(Config(prices=file), settings())
    assert isinstance(built, Cost)
    return built._book


def test_the_users_own_price_wins(tmp_path: Path) -> None:
    book = own(tmp_path, '[[price]]\nmodel = "claude-opus-*"\ninput = 1\noutput = 2\n')
    rows = call(
        model="us.anthropic.claude-opus-5-v1:0", input_tokens=10**6, cache_read_tokens=10**6
    )

    found = priced(rows, book)

    assert found == [(pytest.approx(2.0), "computed")]


def test_the_users_prices_have_days_and_tiers(tmp_path: Path) -> None:
    book = own(
        tmp_path,
        """
        [[price]]
        model = "mine"
        input = 1
        output = 1
        [[price]]
        model = "mine"
        from = 2026-11-20
        input = 2
        output = 2
        tiers = [{above = 1000000, input = 4}]
        """,
    )
    days = [datetime(2026, 11, 19), MORNING, MORNING]  # noqa: DTZ001 - as above
    tokens = [10**6, 10**6, 2 * 10**6]
    rows = events(
        3, event_type="api_request", model="mine", input_tokens=tokens, output_tokens=0, time=days
    )

    found = priced(rows, book)

    assert [cost for cost, _ in found] == [pytest.approx(usd) for usd in (1.0, 2.0, 8.0)]


def test_a_price_for_one_provider_and_speed_is_for_them_alone(tmp_path: Path) -> None:
    book = own(
        tmp_path,
        """
        [[price]]
        model = "m"
        provider = "p"
        speed = "fast"
        input = 9
        output = 9
        [[price]]
        model = "m"
        input = 1
        output = 1
        """,
    )
    rows = events(
        3,
        event_type="api_request",
        model="m",
        provider=["p", "p", None],
        speed=["fast", "normal", "fast"],
        input_tokens=10**6,
        output_tokens=0,
    )

    found = priced(rows, book)

    assert [cost for cost, _ in found] == [pytest.approx(usd) for usd in (9.0, 1.0, 1.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml", "is not TOML"),
        ('[[price]]\nmodel = "m"\n', "price.0.input"),
        ('[[price]]\nmodel = "m"\ninput = -1\noutput = 1\n', "price.0.input"),
        ('[[price]]\nmodel = "m"\ninput = 1\noutput = 1\ncached = 1\n', "price.0.cached"),
        (None, "cannot read"),
    ],
)
def test_a_wrong_price_file_is_named_before_start(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "prices.toml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigError, match=said) as caught:
        factory.build(Config(prices=file), settings("cost/mine"))

    problem = caught.value.problems[0]
    assert (problem.path, problem.hint) == (
        "processors.cost/mine.prices",
        "Its form stands in docs/components/cost.md.",
    )


def test_cost_keeps_the_contract() -> None:
    rows = events(
        4,
        event_type="api_request",
        model=["gpt-5.5", "deepseek-chat", None, "claude-opus-5"],
        input_tokens=[1, 300_000, 3, None],
        reported_cost_usd=[None, None, 1.0, None],
    )

    check_processor(factory, batches=[rows])
