"""Quantiles of groups are what DuckDB says, each by its own numbers alone."""

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.quantiles import quantiles, spreads

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


def quantile(values: list[float], share: float) -> float:
    group = np.zeros(len(values), dtype=np.int64)
    return float(quantiles(group, np.array(values), 1, share)[0])


def test_the_median_is_the_middle_or_between_the_two_in_the_middle() -> None:
    assert [quantile(values, 0.5) for values in ([3.0, 1.0, 2.0], [4.0, 1.0, 2.0, 3.0])] == [2, 2.5]


def test_a_quantile_lies_between_two_numbers_in_proportion() -> None:
    assert quantile([0.0, 10.0], 0.95) == pytest.approx(9.5)


def test_the_first_and_the_last_are_the_least_and_the_greatest() -> None:
    assert [quantile([3.0, 1.0, 2.0], share) for share in (0.0, 1.0)] == [1, 3]


@given(NUMBERS, st.sampled_from([0.05, 0.25, 0.5, 0.95]))
def test_it_is_what_duckdb_says(values: list[float], share: float) -> None:
    sql = "SELECT quantile_cont(value, $share) FROM (SELECT unnest($values::DOUBLE[]) AS value)"
    (expected,) = duckdb.execute(sql, {"share": share, "values": values}).fetchone() or (None,)

    assert quantile(values, share) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_groups_do_not_mix_in_whatever_order_they_stand() -> None:
    group = np.array([2, 0, 2, 0, 2])
    values = np.array([7.0, 1.0, 9.0, 3.0, 8.0])

    found = quantiles(group, values, 3, 0.5)

    np.testing.assert_array_equal(found, [2.0, np.nan, 8.0])


def test_no_numbers_have_no_quantile() -> None:
    nothing = np.array([], dtype=np.int64)

    found = quantiles(nothing, np.array([]), 2, 0.5)

    np.testing.assert_array_equal(found, [np.nan, np.nan])


@given(NUMBERS, NUMBERS)
def test_a_group_is_the_same_in_any_company(values: list[float], others: list[float]) -> None:
    group = np.array([0] * len(values) + [1] * len(others))

    found = quantiles(group, np.array(values + others), 2, 0.5)

    assert found[0] == quantile(values, 0.5)


def test_the_spread_is_the_median_distance_as_a_standard_deviation() -> None:
    values = np.arange(1.0, 10.0)

    (spread,) = spreads(np.zeros(9, dtype=np.int64), values, np.array([5.0]))

    assert spread == pytest.approx(2 * 1.4826)


def test_a_few_far_values_do_not_change_the_spread() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 1000.0])

    (spread,) = spreads(np.zeros(5, dtype=np.int64), values, np.array([1.0]))

    assert spread == 0.0
