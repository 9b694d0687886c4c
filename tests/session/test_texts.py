"""What stands in texts is read from whole columns, and columns are written into texts."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.texts import (
    captured,
    counted,
    dollars,
    json_objects,
    string_member,
    worded,
)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def test_the_first_of_some_members_is_read() -> None:
    objects = texts('{"limit":2,"path":"a"}', '{"file_path": "b", "path": "a"}', "{}", None)

    read = string_member(objects, "file_path", "path")

    assert read.to_pylist() == ["a", "b", None, None]


def test_a_key_within_another_text_is_no_member() -> None:
    objects = texts(json.dumps({"content": '{"path": "inner"}', "path": "outer"}))

    read = string_member(objects, "path")

    assert read.to_pylist() == ["outer"]


# Control characters other than these JSON writes as `\uXXXX`, which stays as it stands.
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t")))
def test_any_text_is_read_as_it_was_written(text: str) -> None:
    objects = texts(json.dumps({"path": text}, ensure_ascii=False))

    read = string_member(objects, "path")

    assert read.to_pylist() == [text]


def test_a_pattern_that_is_not_there_gives_null() -> None:
    lines = texts("Exit code: 3", "fine", None)

    read = captured(lines, "code: (?P<told>[0-9]+)")

    assert read.to_pylist() == ["3", None, None]


def test_columns_are_put_into_a_sentence() -> None:
    columns = {"count": pa.array([2, 1]), "tool": texts("Bash", "Read")}

    said = worded("`{tool}` failed {count} times.", columns)

    assert said.to_pylist() == ["`Bash` failed 2 times.", "`Read` failed 1 times."]


def test_a_sentence_is_not_told_where_one_of_its_columns_is_not() -> None:
    columns = {"count": pa.array([2, None]), "tool": texts(None, "Read")}

    said = worded("`{tool}` failed {count} times.", columns)

    assert said.to_pylist() == [None, None]


def test_what_a_column_holds_is_not_read_as_a_slot() -> None:
    columns = {"first": texts("{second}"), "second": texts("x")}

    assert worded("{first} and {second}", columns).to_pylist() == ["{second} and x"]


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (12.345, "$12.35"),
        (1234567.0, "$1234567.00"),
        (0.1, "$0.10"),
        (0.0751, "$0.0751"),
        (0.09999, "$0.10"),
        (0.0, "$0.00"),
        (0.0001, "$0.0001"),
        (0.00001, "<$0.0001"),
        (-0.5, "-$0.50"),
        (-0.0751, "-$0.0751"),
        (-0.00001, ">-$0.0001"),
        (None, None),
    ],
)
def test_money_is_written_with_cents_and_what_is_little_with_more(
    amount: float | None, written: str | None
) -> None:
    assert dollars(pa.array([amount], pa.float64())).to_pylist() == [written]


def test_objects_hold_numbers_truth_values_and_texts() -> None:
    columns = {
        "count": pa.array([1, None]),
        "share": pa.array([0.25, 1e-9]),
        "odd": pa.array([True, None]),
        "name": texts("x", None),
    }

    objects = [json.loads(text) for text in json_objects(columns).to_pylist()]

    assert objects == [
        {"count": 1, "share": 0.25, "odd": True, "name": "x"},
        {"count": None, "share": 1e-9, "odd": None, "name": None},
    ]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t")))
def test_any_text_in_an_object_is_read_as_it_was_written(text: str) -> None:
    (written,) = json_objects({"name": texts(text)}).to_pylist()

    assert json.loads(written) == {"name": text}


def test_control_characters_in_an_object_become_blanks() -> None:
    (written,) = json_objects({"name": texts("a\x00b\x1bc")}).to_pylist()

    assert json.loads(written) == {"name": "a b c"}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_in_an_object_is_read_as_it_was_written(number: float) -> None:
    (written,) = json_objects({"number": pa.array([number])}).to_pylist()

    assert json.loads(written)["number"] == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_has_no_word_for_is_null(number: float) -> None:
    (written,) = json_objects({"number": pa.array([number])}).to_pylist()

    assert written == '{"number": null}'


def test_counts_are_written_with_what_is_counted() -> None:
    said = counted(pa.array([1, 3, None]), "call", "calls")

    assert said.to_pylist() == ["1 call", "3 calls", "an unknown number of calls"]
