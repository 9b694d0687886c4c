"""Text becomes values with places."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.config.document import Place
from agentpond.config.load import load, parse
from agentpond.pipeline.core.errors import ConfigError


def said(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "a.yaml", {})
    return str(caught.value)


def test_every_key_and_value_knows_its_place() -> None:
    text = "a:\n  b: [1, two]\n"

    document = parse(text)

    assert document.values == {"a": {"b": [1, "two"]}}
    assert document.keys[("a", "b")] == Place(2, 3)
    assert document.places[("a", "b", 1)] == Place(2, 10)


def test_a_variable_takes_the_type_of_what_stands_in_it() -> None:
    text = "a: ${env:PORT}\nb: '${env:PORT}'\nc: x${env:PORT}y\n"

    document = parse(text, environ={"PORT": "4317"})

    assert document.values == {"a": 4317, "b": "4317", "c": "x4317y"}


@pytest.mark.parametrize(
    ("environ", "expected"), [({}, "b:-c"), ({"A": ""}, "b:-c"), ({"A": "d"}, "d")]
)
def test_a_default_stands_in_for_a_variable_that_is_unset_or_empty(
    environ: dict[str, str], expected: str
) -> None:
    text = "a: ${env:A:-b:-c}\n"

    document = parse(text, environ=environ)

    assert document.values == {"a": expected}


def test_two_dollar_signs_are_one() -> None:
    text = "a: $${env:A} costs $$5 or $5\n"

    document = parse(text, environ={"A": "x"})

    assert document.values == {"a": "${env:A} costs $5 or $5"}


def test_what_stands_in_a_variable_is_not_expanded_again() -> None:
    text = "a: ${env:A}\n"

    document = parse(text, environ={"A": "${env:B}$$"})

    assert document.values == {"a": "${env:B}$$"}


def test_a_variable_that_is_not_set_is_a_problem_at_its_place() -> None:
    text = "a:\n  b: ${env:NOPE}\n"

    document = parse(text, "a.yaml", {})

    assert [str(problem) for problem in document.problems] == [
        (
            "a.yaml:2:6: a.b: the environment variable NOPE is not set. "
            "Set it, or write ${env:NOPE:-default}."
        )
    ]


def test_another_kind_of_reference_is_told_how_to_be_written() -> None:
    text = "a: ${NAME}\n"

    document = parse(text, "a.yaml", {"NAME": "x"})

    assert [str(problem) for problem in document.problems] == [
        (
            "a.yaml:1:4: a: `${NAME}` is not understood. "
            "Write ${env:NAME}, or $${NAME} for the text itself."
        )
    ]


def test_every_duplicate_key_is_told() -> None:
    text = "a: 1\nb: {c: 1, c: 2}\na: 3\n"

    document = parse(text, "a.yaml")

    assert [str(problem) for problem in document.problems] == [
        "a.yaml:2:11: b.c: is here twice; the first one is in line 2. Keep one of the two.",
        "a.yaml:3:1: a: is here twice; the first one is in line 1. Keep one of the two.",
    ]


def test_a_merged_mapping_gives_way_to_own_keys() -> None:
    text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n"

    document = parse(text)

    assert document.values["b"] == {"x": 1, "y": 3}


def test_an_alias_of_itself_is_a_problem_and_no_endless_loop() -> None:
    text = "a: &a\n  b: *a\n"

    document = parse(text)

    assert [problem.message for problem in document.problems] == ["refers to itself."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1\n", "a.yaml:2:1: a tab character cannot indent YAML. Use spaces."),
        (
            "a:\n  b:c\n  d: 1\n",
            "a.yaml:2:3: a space is missing after `b:`. Write `b: c`.",
        ),
        (
            "a:\n  b: 1\n  c:2\n",
            "a.yaml:3:3: a space is missing after `c:`. Write `c: 2`.",
        ),
        (
            "a: {b: ${env:X}}\n",
            'a.yaml:1:8: inside braces or brackets ${env:X} needs quotes. Write `"${env:X}"`.',
        ),
        (
            "a: [1, 2\nb: 3\n",
            "a.yaml:1:4: this list or mapping is not closed. Put a `]` where it ends.",
        ),
        ("a: x\x01\n", "a.yaml:1:5: a control character (1) cannot stand in YAML. Remove it."),
    ],
)
def test_what_is_not_yaml_is_told_in_plain_words(text: str, expected: str) -> None:
    assert said(text) == expected


def test_a_missing_file_is_told_how_to_be_made(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == (
        f"{path}: there is no such file. Write one to start from: agentpond config default > {path}"
    )


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: \xff\n")

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: is not UTF-8 text (byte 3 is not). Save it as UTF-8."


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")

    document = load(path)

    assert document.values == {"a": 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab $:{}#'\"-é", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_json_is_read_as_it_was_written(value: object) -> None:
    text = json.dumps(value).replace("$", "$$")

    document = parse(text, environ={})

    assert document.values == value
