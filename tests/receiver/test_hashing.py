"""Hold the hashes to what ids need: the same for the same, and different for the different."""

import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.receiver.hashing import (
    add_up,
    combine,
    hash_numbers,
    hash_repeating,
    hash_text,
    to_uuids,
)

TEXTS = st.lists(st.none() | st.text(max_size=20) | st.text("ab", min_size=250, max_size=260))


@given(texts=TEXTS, before=TEXTS)
def test_a_text_has_the_same_hash_in_a_slice(
    texts: Sequence[str | None], before: Sequence[str | None]
) -> None:
    column = pa.array([*before, *texts, "after"], pa.string()).slice(len(before), len(texts))

    hashed = hash_text(column)

    np.testing.assert_array_equal(hashed, hash_text(pa.array(texts, pa.string())))


@given(texts=TEXTS)
def test_hashing_each_different_text_once_changes_nothing(texts: Sequence[str | None]) -> None:
    column = pa.array(texts, pa.string())

    hashed = hash_repeating(column)

    np.testing.assert_array_equal(hashed, hash_text(column))


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.int32(), pa.float64()])
def test_a_number_has_the_same_hash_in_a_slice(kind: pa.DataType) -> None:
    column = pa.array([7, None, 1, 2, None, 3], kind).slice(1, 4)

    hashed = hash_numbers(column)

    np.testing.assert_array_equal(hashed, hash_numbers(pa.array([None, 1, 2, None], kind)))


def test_a_flag_has_the_same_hash_in_a_slice() -> None:
    column = pa.array([True, None, False, True]).slice(1, 3)

    hashed = hash_numbers(column)

    np.testing.assert_array_equal(hashed, hash_numbers(pa.array([None, False, True])))


def test_a_hundred_thousand_short_texts_have_as_many_hashes() -> None:
    dice = random.Random(20261120)  # noqa: S311 - the same texts each time, not secrets
    texts = list({dice.randbytes(dice.randrange(12)).hex() for _ in range(100_000)})

    lanes = hash_text(pa.array(texts))

    assert [len(set(lane.tolist())) for lane in lanes] == [len(texts), len(texts)]


def test_texts_of_zero_bytes_differ_by_their_length() -> None:
    texts = pa.array(["\0" * size for size in range(300)])

    lanes = hash_text(texts)

    assert len(set(lanes[0].tolist())) == 300


def test_null_is_not_the_empty_text() -> None:
    lanes = hash_text(pa.array([None, ""], pa.string()))

    assert int(lanes[0, 0]) != int(lanes[0, 1])


def test_every_nan_has_the_same_hash() -> None:
    nans = np.array([0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001], dtype=np.uint64)

    lanes = hash_numbers(pa.array(nans.view(np.float64)))

    assert len(set(lanes[0].tolist())) == 1


def test_null_is_not_zero() -> None:
    lanes = hash_numbers(pa.array([None, 0], pa.int64()))

    assert int(lanes[0, 0]) != int(lanes[0, 1])


def test_the_order_of_columns_matters() -> None:
    one, other = hash_text(pa.array(["a"])), hash_text(pa.array(["b"]))

    assert combine([one, other]).tolist() != combine([other, one]).tolist()


def test_the_order_of_what_an_owner_owns_does_not_matter() -> None:
    lanes = hash_text(pa.array(["a", "b", "c"]))
    owner = np.array([0, 0, 2])

    sums = add_up(lanes, owner, 3)

    np.testing.assert_array_equal(sums, add_up(lanes[:, [1, 0, 2]], owner, 3))


def test_hashes_are_the_same_on_every_machine() -> None:
    column = hash_text(pa.array(["claude_code.api_request", "x" * 300, ""]))

    ids = [one.hex() for one in to_uuids(column).to_pylist()]

    assert ids == [
        "6c27e7bf5d4f2ee53b70d3279c56c111",
        "125237ea2ad7bc7aa5d1b4607dc83554",
        "e220a8397b1dcdaf68850ac74e2e5a26",
    ]
