"""What stands in texts is read from whole columns."""

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.texts import captured, string_member


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
