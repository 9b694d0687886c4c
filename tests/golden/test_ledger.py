"""Check the ledger of captured runs against what the program itself said of them."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest

from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors.ledger import Config, factory
from agentpond.pipeline.testing import settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

from .batches import batch_of
from .captures import Capture, captures

Row = dict[str, Any]
Usage = dict[str, tuple[int, ...]]

LOGS, TRACES, METRICS = (Signal.LOGS,), (Signal.TRACES,), (Signal.METRICS,)

# One counts wrong itself, the other was killed before it could say anything.
STRANGE = ("gateway-usage-frames", "killed-sigkill")
RUNS = [each for each in captures("claude_code/*/*") if each.scenario not in STRANGE]

TOLD_OF_TOKENS = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def told(*signals: Signal) -> list[Any]:
    """Give the captured runs that sent any of these signals."""
    return [
        pytest.param(each, id=each.name)
        for each in RUNS
        if any(request["signal"] in signals for request in each.facts["requests"])
    ]


@cache
def calls(capture: Capture, *signals: Signal) -> list[Row]:
    ledger = factory.build(Config(), settings())
    made = run_sessions([ledger], batch_of(capture, *signals))
    return rows_of(made["api_calls"], *made["api_calls"].schema.names)


def usage(rows: Iterable[Row]) -> Usage:
    """Sum up the tokens of each model."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        if row["usage_source"]:
            sums.setdefault(row["model"], Counter()).update({n: row[n] for n in TOKENS})
    return {model: tuple(of[name] for name in TOKENS) for model, of in sums.items()}


def own_usage(capture: Capture) -> Usage:
    """Sum up what the program said of its tokens; each resumed run says it of itself."""
    sums: dict[str, Counter[str]] = {}
    for run in capture.facts["runs"]:
        for model, of in run["modelUsage"].items():
            sums.setdefault(model, Counter()).update({name: of[name] for name in TOLD_OF_TOKENS})
    return {model: tuple(of[name] for name in TOLD_OF_TOKENS) for model, of in sums.items()}


def own_cost(capture: Capture) -> float:
    return float(sum(run["total_cost_usd"] for run in capture.facts["runs"]))


def only(scenario: str) -> Capture:
    return captures(f"claude_code/{scenario}/http-protobuf")[0]


@pytest.mark.parametrize("capture", told(*Signal))
def test_tokens_of_all_signals_are_what_the_program_counted(capture: Capture) -> None:
    rows = calls(capture)

    assert usage(rows) == own_usage(capture)


@pytest.mark.parametrize("capture", told(*LOGS))
def test_tokens_of_logs_alone_are_what_the_program_counted(capture: Capture) -> None:
    rows = calls(capture, *LOGS)

    assert usage(rows) == own_usage(capture)


@pytest.mark.parametrize("capture", told(*TRACES))
def test_tokens_of_traces_alone_are_what_the_program_counted(capture: Capture) -> None:
    rows = calls(capture, *TRACES)

    assert usage(rows) == own_usage(capture)


@pytest.mark.parametrize("capture", told(*METRICS))
def test_tokens_of_metrics_alone_are_what_the_program_counted(capture: Capture) -> None:
    rows = calls(capture, *METRICS)

    assert usage(rows) == own_usage(capture)


@pytest.mark.parametrize("capture", told(*LOGS, *METRICS))
@pytest.mark.parametrize("signals", [(), LOGS, METRICS], ids=["all", "logs", "metrics"])
def test_reported_cost_is_what_the_program_said(
    capture: Capture, signals: tuple[Signal, ...]
) -> None:
    sent = {request["signal"] for request in capture.facts["requests"]}

    rows = calls(capture, *signals)

    expected = own_cost(capture) if not signals or sent & set(signals) else 0
    assert sum(row["reported_cost_usd"] or 0 for row in rows) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("capture", told(*TRACES))
def test_cost_is_computed_where_spans_do_not_tell_it(capture: Capture) -> None:
    rows = [row for row in calls(capture, *TRACES) if row["usage_source"]]

    assert {row["cost_status"] for row in rows} == {"computed"}
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(own_cost(capture), abs=1e-6)


@pytest.mark.parametrize("capture", told(*LOGS))
def test_reported_and_computed_cost_agree(capture: Capture) -> None:
    rows = [row for row in calls(capture) if row["usage_source"]]

    assert [row["computed_cost_usd"] for row in rows] == pytest.approx(
        [row["reported_cost_usd"] for row in rows], abs=1e-6
    )


@pytest.mark.parametrize("capture", told(*TRACES))
def test_a_call_told_by_logs_and_traces_is_one_row(capture: Capture) -> None:
    rows = [row for row in calls(capture) if row["usage_source"]]

    assert {tuple(row["told_by"]) for row in rows} == {("logs", "traces")}


def test_a_gateway_that_repeats_its_usage_inflates_no_tokens() -> None:
    capture = only("gateway-usage-frames")

    rows = calls(capture)

    assert usage(rows) == {"claude-sonnet-4-5-20250929": (150, 120, 11000, 1200)}


def test_a_gateway_that_repeats_its_usage_inflates_no_cost_that_counts() -> None:
    capture = only("gateway-usage-frames")

    rows = calls(capture)

    assert sum(row["reported_cost_usd"] for row in rows) == pytest.approx(0.02505)
    assert sum(row["computed_cost_usd"] for row in rows) == pytest.approx(0.01005)
    assert {row["cost_status"] for row in rows} == {"disputed"}


def test_a_killed_run_keeps_what_it_had_sent() -> None:
    capture = only("killed-sigkill")

    rows = calls(capture)

    assert usage(rows) == {"claude-haiku-4-5-20251001": (10, 123, 36900, 500)}


def test_a_call_without_any_usage_is_a_call() -> None:
    capture = only("zero-usage")

    rows = calls(capture)

    assert [(row["input_tokens"], row["output_tokens"], row["success"]) for row in rows] == [
        (0, 0, True)
    ]


def test_recovered_errors_of_the_api_are_rows_without_usage() -> None:
    # The API answered 529 twice before the first call, and once before each of the others.
    capture = only("api-errors")

    rows = sorted(calls(capture), key=lambda row: (row["time"], row["attempt"]))

    assert [(row["attempt"], row["success"], row["usage_source"]) for row in rows] == [
        (1, False, None),
        (2, False, None),
        (3, True, "logs"),
        (1, False, None),
        (2, True, "logs"),
        (1, False, None),
        (2, True, "logs"),
    ]


def test_calls_belong_to_the_turn_of_their_prompt() -> None:
    capture = only("tools")

    rows = calls(capture)

    assert len({row["turn_id"] for row in rows}) == 1
    assert None not in {row["turn_id"] for row in rows}


def test_calls_of_sub_agents_are_told_apart() -> None:
    capture = only("hooks")

    rows = calls(capture)

    sources = Counter((row["query_source"], row["subagent_id"] is not None) for row in rows)
    assert sources == {("sdk", False): 7, ("agent:builtin:Explore", True): 2}


def test_metrics_alone_give_a_row_for_each_model_and_kind() -> None:
    capture = only("hooks")

    rows = calls(capture, *METRICS)

    assert sorted((row["model"], row["query_source"], row["told_by"]) for row in rows) == [
        ("claude-haiku-4-5-20251001", "subagent", ["metrics"]),
        ("claude-sonnet-4-5-20250929", "main", ["metrics"]),
    ]
