"""Check which edits and test runs are a break/fix loop."""

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.evidence.loops import loop_begins, loops_of
from agentpond.pipeline.evidence.uses import Uses

from .happened import Row, edited, ran, told, used, uses

TESTS = "pytest -q"


def row(seconds: float, letter: str, **columns: Any) -> Row:
    """Make what a letter stands for: an edit, tests that fail or pass, anything else, no edit."""
    made = {
        "e": edited(seconds, "calc.py"),
        "f": ran(seconds, TESTS, "1 failed"),
        "p": used(seconds, "Bash", f'{{"command":"{TESTS}"}}'),
        "r": used(seconds, "Read", '{"file_path":"calc.py"}'),
        "x": edited(seconds, "calc.py", success=False),
    }
    return {**made[letter], **columns}


def happened(letters: str, **sessions: str) -> Batch:
    """Make session `s` of letters, and others by name."""
    every = {"s": letters, **sessions}
    rows = [
        row(second, letter, session_id=name, tool_call_id=f"{name}{second:03}")
        for name, done in every.items()
        for second, letter in enumerate(done, 1)
    ]
    return told(*rows)


def loops(letters: str, least: int = 3, **sessions: str) -> tuple[list[int], list[int]]:
    """Give the loop of each use of a tool, and the failing runs of each loop."""
    found = loops_of(uses(happened(letters, **sessions)), least)
    return found.of_use.tolist(), found.failures.tolist()


def test_three_failing_runs_with_an_edit_before_each_are_a_loop() -> None:
    assert loops("efefef") == ([0, 0, 0, 0, 0, 0], [3])


def test_two_failing_runs_are_none() -> None:
    assert loops("efef") == ([-1, -1, -1, -1], [])


def test_how_many_runs_make_a_loop_can_be_said() -> None:
    assert loops("efef", least=2) == ([0, 0, 0, 0], [2])


def test_the_same_tests_run_again_without_an_edit_are_none() -> None:
    assert loops("efff") == ([-1, -1, -1, -1], [])


def test_a_run_that_fails_before_anything_was_edited_does_not_count() -> None:
    assert loops("fefef") == ([-1, -1, -1, -1, -1], [])


def test_several_edits_before_a_run_belong_to_the_loop() -> None:
    assert loops("eefefeef") == ([0, 0, 0, 0, 0, 0, 0, 0], [3])


def test_what_is_done_in_between_is_no_part_of_it() -> None:
    assert loops("erfrefref") == ([0, -1, 0, -1, 0, 0, -1, 0, 0], [3])


def test_edits_after_the_last_failing_run_are_no_part_of_it() -> None:
    assert loops("efefefep") == ([0, 0, 0, 0, 0, 0, -1, -1], [3])


def test_an_edit_that_failed_is_none() -> None:
    assert loops("efxfxf") == ([-1, -1, -1, -1, -1, -1], [])


def test_tests_that_pass_end_a_loop() -> None:
    assert loops("efefpefef") == ([-1] * 9, [])


def test_after_tests_that_pass_another_loop_can_begin() -> None:
    assert loops("efefefpefefef") == ([0] * 6 + [-1] + [1] * 6, [3, 3])


def test_each_session_has_loops_of_its_own() -> None:
    assert loops("efef", t="efefef") == ([-1] * 4 + [0] * 6, [3])


def test_an_edit_of_another_session_is_before_no_run_of_this_one() -> None:
    assert loops("eee", t="fefef") == ([-1] * 8, [])


def test_a_command_that_is_no_test_run_is_no_part_of_a_loop() -> None:
    every = told(*(each for n in (1, 3, 5) for each in (row(n, "e"), ran(n + 1, "ls x", "no"))))

    assert len(loops_of(uses(every), 1)) == 0


@pytest.mark.parametrize("letters", ["", "r", "p"])
def test_without_edits_and_failures_there_are_no_loops(letters: str) -> None:
    given = uses(happened(letters, t="r"))

    assert (len(loops_of(given, 1)), loop_begins(loops_of(given, 1), given).to_pylist()) == (
        0,
        [0] * (len(letters) + 1),
    )


def test_a_loop_is_counted_where_it_begins() -> None:
    given = uses(happened("refefefpefefef"))

    assert loop_begins(loops_of(given, 3), given).to_pylist() == [0, 1, *[0] * 6, 1, *[0] * 5]


def columns(letters: str) -> Uses:
    """Make the uses of tools of one session without the processors that gather them."""
    kinds = [_KINDS[letter] for letter in letters]
    calls = {
        "session_id": pa.repeat("s", len(kinds)),
        "tool_name": pa.array([name for name, _, _ in kinds], pa.string()),
        "success": pa.array([success for _, _, success in kinds], pa.bool_()),
        "status": pa.repeat("done", len(kinds)),
    }
    untold = pa.nulls(len(kinds), pa.string())
    command = pa.array([command for _, command, _ in kinds], pa.string())
    return Uses(pa.record_batch(calls), pa.nulls(len(kinds), pa.binary(16)), untold, command)


def walked(letters: str, least: int) -> tuple[list[int], list[int]]:
    """Walk from pass to pass, and number the stretches with enough failures after an edit."""
    of_use, since = [-1] * len(letters), 0
    failures: list[int] = []
    for end in [*(at for at, each in enumerate(letters) if each == "p"), len(letters)]:
        broken = _broken(letters, since, end)
        if len(broken) >= least:
            edits = [at for at in range(since, broken[-1]) if letters[at] == "e"]
            for at in (*edits, *broken):
                of_use[at] = len(failures)
            failures.append(len(broken))
        since = end + 1
    return of_use, failures


def _broken(letters: str, since: int, end: int) -> list[int]:
    seen = [at for at in range(since, end) if letters[at] in "ef"]
    return [at for before, at in pairwise(seen) if letters[before] + letters[at] == "ef"]


@given(st.text("efprx", max_size=40), st.integers(1, 4))
def test_columns_find_the_loops_that_walking_finds(letters: str, least: int) -> None:
    found = loops_of(columns(letters), least)

    assert (found.of_use.tolist(), found.failures.tolist()) == walked(letters, least)


_KINDS: dict[str, tuple[str, str | None, bool]] = {
    "e": ("Edit", None, True),
    "f": ("Bash", TESTS, False),
    "p": ("Bash", TESTS, True),
    "r": ("Read", None, True),
    "x": ("Edit", None, False),
}
