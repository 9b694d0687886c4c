"""Check the ledger of captured runs of Codex against what the mock API answered in them."""

from collections import Counter
from typing import Any

import pytest

from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors.ledger import Config, factory
from agentpond.pipeline.testing import settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

from .batches import batch_of
from .captures import Capture, captures

Row = dict[str, Any]

LOGS, TRACES, METRICS = (Signal.LOGS,), (Signal.TRACES,), (Signal.METRICS,)
TOKENS = {
    "input": "input_tokens",
    "cached_input": "cache_read_tokens",
    "cache_write_input": "cache_write_tokens",
    "output": "output_tokens",
    "reasoning_output": "reasoning_tokens",
}


def told(*signals: Signal) -> list[Any]:
    """Give the captured runs that sent any of these signals."""
    return [
        pytest.param(each, id=each.name)
        for each in captures("codex/*/*")
        if any(request["signal"] in signals for request in each.facts["requests"])
    ]


def calls(capture: Capture, *signals: Signal) -> list[Row]:
    """Give the calls of a captured run, in order of time."""
    ledger = factory.build(Config(), settings())
    made = run_sessions([ledger], batch_of(capture, *signals))
    rows = rows_of(made["api_calls"], *made["api_calls"].schema.names)
    return sorted(rows, key=lambda row: row["time"])


def usage(rows: list[Row]) -> Counter[str]:
    """Sum up tokens, in Codex' own counting: input includes what was cached."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums.update({theirs: row[ours] or 0 for theirs, ours in TOKENS.items()})
        sums["input"] += (row["cache_read_tokens"] or 0) + (row["cache_write_tokens"] or 0)
    return +sums


def expected(capture: Capture, route: str) -> Counter[str]:
    """Give what one route told of tokens."""
    counted = capture.facts["expected"][route]
    return +Counter({name: counted.get(name, 0) for name in TOKENS})


def only(scenario: str, *signals: Signal) -> list[Row]:
    return calls(captures(f"codex/{scenario}/http-protobuf")[0], *signals)


@pytest.mark.parametrize("capture", told(*LOGS))
def test_tokens_of_all_signals_are_those_of_the_logs(capture: Capture) -> None:
    rows = calls(capture)

    assert usage(rows) == expected(capture, "tokens_logs")


@pytest.mark.parametrize("capture", told(*LOGS))
def test_tokens_of_logs_alone_are_those_of_the_logs(capture: Capture) -> None:
    rows = calls(capture, *LOGS)

    assert usage(rows) == expected(capture, "tokens_logs")


@pytest.mark.parametrize("capture", told(*TRACES))
def test_tokens_of_traces_alone_are_those_of_the_logs(capture: Capture) -> None:
    rows = calls(capture, *TRACES)

    assert usage(rows) == expected(capture, "tokens_logs")


@pytest.mark.parametrize("capture", told(*TRACES))
def test_traces_alone_tell_the_calls_with_usage_that_logs_tell(capture: Capture) -> None:
    names = ("session_id", "model", "turn_id", *TOKENS.values())

    traced, logged = calls(capture, *TRACES), calls(capture)

    assert [[row[name] for name in names] for row in traced] == [
        [row[name] for name in names] for row in logged if row["usage_source"]
    ]


@pytest.mark.parametrize("capture", told(*TRACES))
def test_a_call_told_by_logs_and_traces_is_one_row(capture: Capture) -> None:
    rows = [row for row in calls(capture) if row["usage_source"]]

    assert {(row["usage_source"], tuple(row["told_by"])) for row in rows} == {
        ("logs", ("logs", "traces"))
    }


@pytest.mark.parametrize("capture", told(*METRICS))
def test_tokens_of_metrics_alone_are_those_of_the_metric_of_turns(capture: Capture) -> None:
    rows = calls(capture, *METRICS)

    assert usage(rows) == expected(capture, "tokens_turn_metric")


@pytest.mark.parametrize("signals", [(Signal.LOGS, Signal.TRACES), (Signal.LOGS, Signal.METRICS)])
def test_a_second_signal_adds_no_tokens(signals: tuple[Signal, ...]) -> None:
    rows = only("fix_bug_tools", *signals)

    assert usage(rows) == {
        "input": 50480,
        "cached_input": 46848,
        "output": 548,
        "reasoning_output": 192,
    }


def test_metrics_add_no_tokens_to_traces() -> None:
    rows = only("fix_bug_tools", Signal.TRACES, Signal.METRICS)

    assert [(row["usage_source"], row["told_by"]) for row in rows] == 5 * [("traces", ["traces"])]


def test_each_failed_attempt_of_a_recovered_turn_is_a_row() -> None:
    rows = only("api_error_recovered")

    assert [(row["success"], row["status_code"], row["attempt"]) for row in rows] == [
        (False, 500, 0),
        (False, 429, 1),
        (True, 200, 0),
        (False, 200, 0),
        (False, 200, 0),
        (True, 200, 0),
    ]


def test_a_failure_of_the_stream_says_what_the_stream_said() -> None:
    rows = only("api_error_recovered")

    assert [(row["error_message"] or "")[:25] for row in rows] == [
        "http 500",
        "http 429",
        "",
        "stream disconnected befor",
        "rate limit exceeded: Rate",
        "",
    ]


def test_failed_requests_have_neither_usage_nor_cost() -> None:
    rows = [row for row in only("api_error_recovered") if not row["success"]]

    told = {
        name
        for row in rows
        for name in (*TOKENS.values(), "usage_source", "cost_usd", "cost_status")
        if row[name] is not None
    }
    assert told == set()


def test_the_warm_up_of_a_websocket_is_no_call() -> None:
    rows = only("chatgpt_auth_websocket")

    assert len(rows) == 5


def test_a_call_knows_its_turn_by_the_span_of_the_turn() -> None:
    rows = only("app_server_long_turn_cost")

    turns = Counter(row["turn_id"] for row in rows)
    assert list(turns.values()) == [7, 1, 1, 1, 1]


def test_what_a_turn_cost_is_not_what_its_calls_cost() -> None:
    rows = only("app_server_long_turn_cost")

    assert {row["reported_cost_usd"] for row in rows} == {None}
