"""Check that numbers which cannot be meant are taken for untold, and no others."""

import math

import pyarrow as pa
import pytest

from agentpond.pipeline.session.numbers import sound_rows

WHOLE = ("input_tokens", "sequence", "exit_code")


def rows(name: str, *values: float | None) -> pa.RecordBatch:
    kind = pa.int64() if name in WHOLE else pa.float64()
    return pa.record_batch({"session_id": ["s"] * len(values), name: pa.array(values, kind)})


@pytest.mark.parametrize("value", [-1, 2**48 + 1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("name", ["input_tokens", "sequence"])
def test_counts_below_nought_or_beyond_measure_are_untold(name: str, value: int) -> None:
    told = sound_rows(rows(name, 3, value, None))

    assert told.column(name).to_pylist() == [3, None, None]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -1e308])
@pytest.mark.parametrize("name", ["value", "reported_cost_usd", "duration_ms"])
def test_numbers_that_are_not_finite_or_beyond_measure_are_untold(name: str, value: float) -> None:
    told = sound_rows(rows(name, 0.5, value, None))

    assert told.column(name).to_pylist() == [0.5, None, None]


def test_a_point_below_nought_is_untold_and_a_credit_is_not() -> None:
    told = sound_rows(rows("value", -3.0)), sound_rows(rows("reported_cost_usd", -3.0))

    assert [each.column(1).to_pylist() for each in told] == [[None], [-3.0]]


def test_a_time_of_more_than_thirty_four_years_is_untold() -> None:
    told = sound_rows(rows("duration_ms", 2.0**40, 2.0**41))

    assert told.column(1).to_pylist() == [2.0**40, None]


@pytest.mark.parametrize("name", ["input_tokens", "value", "sequence"])
def test_rows_in_which_all_may_be_meant_are_given_as_they_are(name: str) -> None:
    given = rows(name, 0, 2**48, None)

    told = sound_rows(given)

    assert told is given


def test_whole_numbers_that_count_nothing_stay() -> None:
    given = rows("exit_code", -1, 2**62)

    told = sound_rows(given)

    assert told is given
