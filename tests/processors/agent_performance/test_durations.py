"""Check the quantiles of durations, and the durations that they are of."""

from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from .given import Row, call, failed_call, only, performance, rejected, tables, tool, turn

FINITE = st.floats(0, 2**40, allow_nan=False)


def made(*columns: str, **given: list[Row]) -> dict[str, Any]:
    return only(performance(tables(**given)), *columns)


def test_quantiles_are_in_proportion_between_two_durations() -> None:
    calls = [call(duration_ms=each) for each in (400.0, 100.0, 200.0, 300.0)]

    row = made("api_call_ms", "api_call_p50_ms", "api_call_p95_ms", calls=calls)

    assert row == {
        "api_call_ms": [100.0, 200.0, 300.0, 400.0],
        "api_call_p50_ms": 250.0,
        "api_call_p95_ms": pytest.approx(385.0),
    }


def test_calls_that_failed_or_are_sums_took_no_time_to_tell() -> None:
    calls = [
        call(duration_ms=5.0),
        failed_call(duration_ms=9.0),
        call(duration_ms=9.0, api_call_id="t1/rest"),
        call(),
    ]

    assert made("api_call_ms", calls=calls) == {"api_call_ms": [5.0]}


def test_uses_of_tools_that_are_over_took_time_whether_they_worked_or_not() -> None:
    tools = [
        tool(duration_ms=5.0),
        tool(duration_ms=4.0, success=False),
        tool(duration_ms=9.0, status="pending"),
        rejected(duration_ms=9.0),
    ]

    assert made("tool_call_ms", tools=tools) == {"tool_call_ms": [4.0, 5.0]}


def test_turns_that_are_not_over_have_no_duration_yet() -> None:
    durations = {"done": 1.0, "aborted": 2.0, "active": 3.0, "stalled": 4.0}
    turns = [turn(each, status=each, duration_ms=took) for each, took in durations.items()]

    assert made("turns", "turn_ms", turns=turns) == {"turns": 4, "turn_ms": [1.0, 2.0]}


def test_without_a_duration_there_are_no_quantiles() -> None:
    row = made("api_call_ms", "api_call_p50_ms", "api_call_p95_ms", calls=[call()])

    assert row == {"api_call_ms": [], "api_call_p50_ms": None, "api_call_p95_ms": None}


def test_each_model_has_durations_of_its_own() -> None:
    calls = [call("a", duration_ms=2.0), call("b", duration_ms=1.0), call("a", duration_ms=0.5)]

    rows = performance(tables(calls))

    assert [row["api_call_ms"] for row in rows] == [[0.5, 2.0], [1.0]]


@pytest.mark.parametrize("took", [float("nan"), float("inf"), -1.0, 2.0**41])
def test_a_duration_that_cannot_be_meant_is_left_out(took: float) -> None:
    calls = [call(duration_ms=took), call(duration_ms=3.0)]

    assert made("api_call_ms", "api_call_p95_ms", calls=calls) == {
        "api_call_ms": [3.0],
        "api_call_p95_ms": 3.0,
    }


@given(st.lists(FINITE, min_size=1, max_size=30))
@examples(deadline=timedelta(seconds=5), max_examples=40)
def test_quantiles_are_those_of_the_store(durations: list[float]) -> None:
    row = made("api_call_p50_ms", "api_call_p95_ms", calls=[call(duration_ms=d) for d in durations])

    theirs = duckdb.execute(
        "SELECT quantile_cont(took, [0.5, 0.95]) FROM (SELECT unnest(?::DOUBLE[]) AS took)",
        [durations],
    ).fetchone()
    assert theirs is not None
    assert list(row.values()) == pytest.approx(theirs[0])
