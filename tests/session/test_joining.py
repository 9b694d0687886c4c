"""Check that rows find the last row of another table that is alike."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.joining import last_alike

Key = tuple[str | None, int | None]

KEYS = st.lists(
    st.tuples(st.sampled_from([None, "", "a", "b"]), st.sampled_from([None, 0, 1])), max_size=8
)


def columns(rows: list[Key]) -> list[pa.Array]:
    texts, numbers = ([row[place] for row in rows] for place in (0, 1))
    return [pa.array(texts, pa.string()), pa.array(numbers, pa.int64())]


def found(keys: list[Key], sought: list[Key], where: list[bool] | None = None) -> list[int | None]:
    mask = None if where is None else np.array(where, np.bool_)
    rows: list[int | None] = last_alike(columns(keys), columns(sought), mask).to_pylist()
    return rows


def test_the_last_row_that_is_alike_in_all_columns_is_found() -> None:
    keys: list[Key] = [("a", 1), ("a", 2), ("a", 1), ("b", 1)]

    assert found(keys, [("a", 1), ("b", 1), ("b", 2)]) == [2, 3, None]


def test_a_row_with_a_null_is_like_no_other() -> None:
    keys: list[Key] = [("a", None), (None, None), ("a", 1)]

    assert found(keys, [("a", None), (None, None), (None, 1)]) == [None, None, None]


def test_rows_that_are_left_out_are_not_found() -> None:
    keys: list[Key] = [("a", 1), ("a", 1), ("b", 1)]

    assert found(keys, [("a", 1), ("b", 1)], [True, False, False]) == [0, None]


def test_among_no_rows_nothing_is_found() -> None:
    assert found([], [("a", 1)]) == [None]


def test_where_nothing_is_sought_nothing_is_found() -> None:
    assert found([("a", 1)], []) == []


def test_ids_of_a_fixed_size_are_alike_where_their_bytes_are() -> None:
    keys = pa.array([bytes(16), b"x" * 16, None], pa.binary(16))

    assert last_alike([keys], [keys]).to_pylist() == [0, 1, None]


@given(KEYS, KEYS, st.data())
def test_columns_find_what_walking_finds(
    keys: list[Key], sought: list[Key], data: st.DataObject
) -> None:
    where = data.draw(st.lists(st.booleans(), min_size=len(keys), max_size=len(keys)))

    walked = [
        max((at for at, key in enumerate(keys) if where[at] and key == each), default=None)
        if None not in each
        else None
        for each in sought
    ]
    assert found(keys, sought, where) == walked
