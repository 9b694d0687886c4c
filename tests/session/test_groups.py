"""Groups of rows sum up alike, whatever stands around them."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.groups import Groups, by_place, codes_of, mask_of, texts_of

LETTERS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30)
MONEY = st.floats(min_value=0, max_value=100, allow_nan=False)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def test_groups_stand_in_the_order_of_their_first_rows() -> None:
    column = texts("b", "a", "b", None)

    groups = Groups.by(column)

    assert groups.of_row.tolist() == [0, 1, 0, 2]


def test_rows_out_of_the_mask_are_in_no_group() -> None:
    column = texts("b", "a", "b")

    groups = Groups.by(column, where=np.array([False, True, True]))

    assert (groups.of_row.tolist(), groups.count) == ([-1, 0, 1], 2)


def test_a_group_without_a_told_value_sums_up_to_null() -> None:
    groups = Groups.by(texts("a", "b", "a"))

    total = groups.sum(pa.array([1, None, 2]))

    assert total.to_pylist() == [3, None]


def test_the_least_and_the_greatest_are_of_the_group() -> None:
    groups = Groups.by(texts("a", "b", "a"))
    column = pa.array([5, 7, 3])

    bounds = groups.min(column).to_pylist(), groups.max(column).to_pylist()

    assert bounds == ([3, 7], [5, 7])


def test_first_and_last_pass_over_what_is_not_told() -> None:
    groups = Groups.by(texts("a", "a", "a", "b"))
    column = texts(None, "x", "y", None)

    ends = groups.first(column).to_pylist(), groups.last(column).to_pylist()

    assert ends == (["x", None], ["y", None])


def test_texts_are_different_and_ascend() -> None:
    groups = Groups.by(texts("a", "b", "a", "a", "b"))

    listed = groups.texts(texts("q", None, "b", "q", None))

    assert listed.to_pylist() == [["b", "q"], []]


def test_each_row_gets_its_groups_value_and_rows_of_none_get_null() -> None:
    groups = Groups(np.array([1, -1, 0]), 2)

    spread = groups.spread(texts("x", "y"))

    assert spread.to_pylist() == ["y", None, "x"]


def test_any_tells_of_groups_with_a_row_in_the_mask() -> None:
    groups = Groups.by(texts("a", "b", "a"))

    found = groups.any(np.array([False, False, True]))

    assert found.tolist() == [True, False]


def test_rows_are_grouped_by_the_place_of_their_session() -> None:
    rows = pa.record_batch({"session_id": ["s2", "s9", "s1", "s2"]})

    groups = by_place(rows, pa.array(["s1", "s2", "s3"]))

    assert groups.counts().to_pylist() == [1, 2, 0]


def test_null_is_a_value_like_any_other_to_codes() -> None:
    codes = codes_of(texts("a", None, "a", None), pa.array([1, 1, 2, 1]))

    assert len(set(codes.tolist())) == 3


def test_null_is_false_to_a_mask() -> None:
    mask = mask_of(pa.array([True, None, False]))

    assert mask.tolist() == [True, False, False]


def test_words_are_listed_for_the_masks_a_row_is_in() -> None:
    listed = texts_of([("logs", np.array([True, False])), ("traces", np.array([True, True]))])

    assert listed.to_pylist() == [["logs", "traces"], ["traces"]]


def test_no_rows_make_no_groups() -> None:
    groups = Groups.by(texts())

    totals = groups.sum(pa.array([], pa.float64()))

    assert (groups.count, len(totals)) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), MONEY), min_size=1, max_size=40))
def test_a_groups_sum_of_money_is_the_same_in_any_company(rows: list[tuple[str, float]]) -> None:
    alone = [money for letter, money in rows if letter == "a"]
    company = Groups.by(pa.array([letter for letter, _ in rows]))
    by_itself = Groups.by(pa.array(["a"] * len(alone), pa.string()))

    together = company.sum(pa.array([money for _, money in rows]))

    firsts = [letter for letter, _ in rows]
    mine = firsts.index("a") if alone else None
    expected: list[Any] = by_itself.sum(pa.array(alone, pa.float64())).to_pylist()
    assert ([] if mine is None else [together[int(company.of_row[mine])].as_py()]) == expected


@given(LETTERS)
def test_every_row_is_in_the_group_of_its_value(letters: list[str | None]) -> None:
    groups = Groups.by(texts(*letters))

    back = groups.spread(groups.first(pa.array(range(len(letters)))))

    assert back.to_pylist() == [letters.index(letter) for letter in letters]
