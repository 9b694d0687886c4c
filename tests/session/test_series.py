"""Check that counters add up to what was counted, however they are told."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.groups import Groups
from agentpond.pipeline.session.series import totals

_TIME = pa.timestamp("us")


@dataclass(frozen=True)
class Point:
    """One point of a counter; times in any unit."""

    start: int | None
    time: int
    value: float | None
    temporality: str | None = "cumulative"
    series: int = 0
    group: int = 0


def total(*points: Point, groups: int = 1) -> list[float | None]:
    told: list[float | None] = totals(
        Groups(np.array([point.group for point in points], dtype=np.int64), groups),
        np.array([point.series for point in points], dtype=np.int64),
        pa.array([point.start for point in points], _TIME),
        pa.array([point.time for point in points], _TIME),
        pa.array([point.value for point in points], pa.float64()),
        pa.array([point.temporality for point in points], pa.string()),
    ).to_pylist()
    return told


def test_deltas_are_added_up() -> None:
    points = [Point(0, 60, 2.0, "delta"), Point(60, 120, 3.0, "delta")]

    counted = total(*points)

    assert counted == [5.0]


def test_of_a_cumulative_series_the_last_point_counts() -> None:
    points = [Point(0, 60, 2.0), Point(0, 120, 22.0), Point(0, 180, 22.0)]

    counted = total(*points)

    assert counted == [22.0]


def test_processes_that_began_at_different_times_are_added_up() -> None:
    points = [Point(0, 60, 5.0), Point(30, 90, 1.0), Point(0, 120, 7.0), Point(30, 150, 2.0)]

    counted = total(*points)

    assert counted == [9.0]


def test_a_counter_that_falls_has_begun_again() -> None:
    points = [Point(0, 60, 5.0), Point(0, 120, 2.0), Point(0, 180, 4.0)]

    counted = total(*points)

    assert counted == [9.0]


def test_series_of_one_process_are_added_up() -> None:
    points = [Point(0, 60, 5.0, series=1), Point(0, 60, 2.0, series=2)]

    counted = total(*points)

    assert counted == [7.0]


def test_both_temporalities_of_one_session_are_added_up() -> None:
    points = [Point(0, 60, 5.0, "delta"), Point(60, 90, 2.0), Point(60, 120, 3.0)]

    counted = total(*points)

    assert counted == [8.0]


@pytest.mark.parametrize("temporality", [None, "unspecified"])
def test_a_point_of_no_temporality_tells_nothing(temporality: str | None) -> None:
    points = [Point(0, 60, 5.0, temporality)]

    counted = total(*points)

    assert counted == [None]


def test_a_point_without_a_value_tells_nothing() -> None:
    points = [Point(0, 60, None), Point(0, 30, 4.0)]

    counted = total(*points)

    assert counted == [4.0]


def test_a_group_without_points_has_no_total() -> None:
    points = [Point(0, 60, 5.0, group=1), Point(0, 60, 5.0, group=-1)]

    counted = total(*points, groups=2)

    assert counted == [None, 5.0]


amounts = st.integers(0, 1000)
deltas = st.lists(amounts, max_size=5)
processes = st.lists(st.lists(amounts, min_size=1, max_size=5), max_size=4)


@given(st.lists(st.tuples(deltas, processes), min_size=1, max_size=3), st.randoms())
def test_what_was_counted_is_told_in_any_order_with_points_told_twice(
    told: list[tuple[list[int], list[list[int]]]], chance: Random
) -> None:
    points = []
    expected: list[float | None] = []
    for group, (added, counts) in enumerate(told):
        points += [Point(t, t + 1, float(n), "delta", 0, group) for t, n in enumerate(added)]
        for start, steps in enumerate(counts):
            running = np.cumsum(steps)
            of_process = [
                Point(start, time, float(n), "cumulative", start % 2, group)
                for time, n in enumerate(running)
            ]
            points += of_process + of_process[::2]
        known = sum(added) + sum(sum(steps) for steps in counts)
        expected.append(float(known) if added or counts else None)
    chance.shuffle(points)

    counted = total(*points, groups=len(told))

    assert counted == expected


@given(st.lists(st.lists(amounts, min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_counter_that_begins_again_loses_nothing(lives: list[list[int]]) -> None:
    values = [value for steps in lives for value in (0, *np.cumsum(steps))]

    counted = total(*(Point(0, time, float(value)) for time, value in enumerate(values)))

    assert counted == [float(sum(sum(steps) for steps in lives))]


@given(st.lists(st.floats(0, 10, allow_nan=False), min_size=1, max_size=20), st.integers(0, 5))
def test_a_total_does_not_change_in_its_last_bit_with_its_company(
    values: list[float], others: int
) -> None:
    own = [Point(0, time, value, "delta") for time, value in enumerate(values)]
    company = [Point(0, time, 0.1 * time, "delta", group=1) for time in range(others)]

    alone = total(*own)

    assert total(*company, *own, groups=2)[:1] == alone
