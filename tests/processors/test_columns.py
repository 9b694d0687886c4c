"""Check that maps taken apart and put together are what they were."""

import pyarrow as pa
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.core.columns import entries, lookup, map_column, put, whole
from agentpond.pipeline.core.schema import MAP

# The machines are busy: how long an example takes is not what is tested.
PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MAPS = st.lists(
    st.none() | st.dictionaries(st.sampled_from("abcd"), st.none() | st.text("xyé", max_size=3)),
    max_size=6,
)


def column(told: list[dict[str, str | None] | None]) -> pa.Array:
    return pa.array([None if each is None else list(each.items()) for each in told], MAP)


def dicts(told: pa.Array) -> list[dict[str, str] | None]:
    return [None if each is None else dict(each) for each in told.to_pylist()]


@PATIENT
@given(MAPS, st.integers(0, 6))
def test_a_map_column_survives_being_taken_apart(
    told: list[dict[str, str | None] | None], start: int
) -> None:
    part = column(told).slice(min(start, len(told)))

    again = map_column(entries(part))

    assert again.equals(part)


@PATIENT
@given(MAPS, st.sets(st.integers(0, 5)))
def test_a_key_that_is_put_stands_once_in_the_rows_named(
    told: list[dict[str, str | None] | None], wanted: set[int]
) -> None:
    rows = sorted(row for row in wanted if row < len(told))
    values = pa.array([f"v{row}" for row in rows], pa.string())

    done = map_column(put(entries(column(told)), pa.array(rows, pa.int64()), "a", values))

    expected = [
        {**(each or {}), "a": f"v{row}"} if row in rows else each for row, each in enumerate(told)
    ]
    assert dicts(done) == expected


def test_what_a_null_map_covers_is_not_an_entry() -> None:
    offsets = pa.array([0, 1, 2], pa.int32())
    hidden = pa.MapArray.from_arrays(
        offsets, pa.array(["a", "b"]), pa.array(["1", "2"]), mask=pa.array([True, False])
    )

    told = entries(hidden)

    assert (told.keys.to_pylist(), told.rows.to_pylist()) == (["b"], [1])


def test_a_look_up_in_a_slice_finds_the_rows_own_value() -> None:
    part = column([{"a": "0"}, {"a": "1"}, None, {"b": "2"}]).slice(1)

    found = lookup(part, "a")

    assert found.to_pylist() == ["1", None, None]


def test_a_slice_is_shown_without_its_neighbours() -> None:
    part = pa.array(["aa", "bb", None, "cc", "dd"]).slice(1, 3)

    shown = whole(part)

    assert shown.to_pylist() == [b"bbcc"]


def test_an_array_without_text_is_shown_as_nothing() -> None:
    empty = [pa.array([], pa.string()), pa.nulls(3, pa.string())]

    shown = [whole(each).to_pylist() for each in empty]

    assert shown == [[b""], [b""]]
