"""The watch sees whatever an input does to the process that judges it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .orders import Mutants
from .shrink import minimized, shorter, shorter_json, shorter_protobuf
from .targets import mutant, targets
from .watch import Judge

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it"
)

FAILURES = {
    "dies": "died -11",
    "hangs": "hang",
    "eats": "MemoryError in misbehaving.py:_eat: ",
    "swells": "memory",
    "errs": "KeyError in misbehaving.py:_err: b'x'",
}


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(deadline_s=1.0) as judging:
        yield judging


@pytest.mark.parametrize("name", FAILURES)
def test_a_broken_law_is_told_by_its_kind(judge: Judge, name: str) -> None:
    body = b"x"

    failure = judge.judge(name, body)

    assert failure is not None
    assert failure.kind == FAILURES[name]


@pytest.mark.parametrize("name", FAILURES)
def test_after_a_failure_the_next_input_is_judged(judge: Judge, name: str) -> None:
    judge.judge(name, b"x")

    failure = judge.judge(name, b"a")

    assert failure is None


def test_the_input_that_killed_the_process_is_known_by_its_number(judge: Judge) -> None:
    numbers = [found.number for found in judge.judge_mutants(Mutants("dies", 1, 0, 4))]

    again = [found.number for found in judge.judge_mutants(Mutants("dies", 1, 0, 4))]

    assert numbers == again != []


@pytest.mark.parametrize("name", ["protobuf-logs", "json-metrics", "together-json-logs", "log"])
def test_a_seed_and_a_number_name_one_input(name: str) -> None:
    target = targets()[name]

    bodies = [mutant(target, 1, number) for number in range(40)]

    assert bodies == [mutant(targets()[name], 1, number) for number in range(40)]


def test_an_input_is_minimised_to_what_breaks_the_law() -> None:
    body = b"abcdefgh" * 20 + b"!" + b"ijkl" * 33 + b"?"

    small = minimized(body, shorter, lambda less: b"!" in less and b"?" in less)

    assert small == b"!?"


def test_protobuf_is_made_smaller_with_its_lengths_right() -> None:
    body = b"\x0a\x06\x12\x04\x10\x07\x18\x09"

    smaller = list(shorter_protobuf(body))

    assert b"\x0a\x04\x12\x02\x18\x09" in smaller


def test_json_is_made_smaller_as_json() -> None:
    body = b'{"a": [1, 2, {"b": null}], "c": 3}'

    smaller = list(shorter_json(body))

    assert b'{"a": [1, 2, {}], "c": 3}' in smaller
