"""Check what is told of each use of a tool: its event, its input, its command, what it did."""

from typing import Any

import pytest

from .happened import at, decided, edited, failed, ran, told, used, uses


def listed(column: Any) -> list[Any]:
    out: list[Any] = column.to_pylist()
    return out


def number(event_id: bytes) -> int:
    return int.from_bytes(event_id, "big")


def test_the_result_stands_for_a_use_also_where_its_decision_is_told() -> None:
    given = told(decided(1, "Edit", "e", "accept", "config"), edited(2, "a.py", tool_call_id="e"))

    assert [number(each) for each in listed(uses(given).event_id)] == [2]


def test_the_decision_stands_for_a_use_that_was_not_allowed() -> None:
    given = told(decided(1, "Edit", "e", "reject", "user_reject"))

    found = uses(given)

    assert ([number(each) for each in listed(found.event_id)], list(found.rejected)) == (
        [1],
        [True],
    )


def test_a_use_without_an_id_is_told_of_by_its_event() -> None:
    given = told(ran(1, "cat a.py", "no", tool_call_id=None))

    found = uses(given)

    assert (listed(found.command), [number(each) for each in listed(found.event_id)]) == (
        ["cat a.py"],
        [1],
    )


def test_two_sessions_with_a_use_of_one_id_have_each_their_own() -> None:
    given = told(
        used(1, "Read", '{"path":"a"}', tool_call_id="x"),
        used(1, "Read", '{"path":"b"}', tool_call_id="x", session_id="t"),
    )

    assert listed(uses(given).tool_input) == ['{"path":"a"}', '{"path":"b"}']


@pytest.mark.parametrize(
    ("tool_input", "command"),
    [
        ('{"command":"ls -l"}', "ls -l"),
        ('{"cmd": "cat \\"a b\\""}', 'cat "a b"'),
        ('{"command":["bash","-lc","make test"]}', "make test"),
        ('{"path":"a.py"}', None),
    ],
)
def test_a_command_is_read_from_the_input(tool_input: str, command: str | None) -> None:
    given = told(used(1, "shell", tool_input), agent="codex")

    assert listed(uses(given).command) == [command]


def test_where_the_input_is_not_told_claude_code_tells_the_command_beside_it() -> None:
    given = told(used(1, "Bash", None, content="ls -l"))

    assert listed(uses(given).command) == ["ls -l"]


def test_what_a_command_of_codex_put_out_is_not_the_command() -> None:
    given = told(used(1, "exec_command", None, content="a.py"), agent="codex")

    assert listed(uses(given).command) == [None]


def test_what_was_not_allowed_did_not_fail() -> None:
    given = told(
        decided(1, "Edit", "e", "reject", "user_reject"),
        failed(2, "Edit", '{"file_path":"a.py"}', "no"),
        edited(3, "a.py"),
    )

    found = uses(given)

    assert (list(found.failed), list(found.worked)) == (
        [False, True, False],
        [False, False, True],
    )


@pytest.mark.parametrize(
    ("tool", "tool_input", "edits"),
    [
        ("Edit", '{"file_path":"a.py"}', True),
        ("Write", '{"file_path":"a.py"}', True),
        ("apply_patch", "*** Begin Patch\n*** End Patch", True),
        ("str_replace_based_edit_tool", '{"command":"str_replace","path":"a.py"}', True),
        ("str_replace_based_edit_tool", '{"command":"view","path":"a.py"}', False),
        ("shell", '{"command":["apply_patch","*** Begin Patch\\n*** End Patch"]}', True),
        ("Read", '{"file_path":"a.py"}', False),
        ("Bash", '{"command":"cat a.py"}', False),
        (None, '{"command":"cat a.py"}', False),
    ],
)
def test_tools_that_change_files_are_known(tool: str | None, tool_input: str, edits: bool) -> None:
    given = told(used(1, tool, tool_input))

    assert list(uses(given).edits) == [edits]


def test_a_use_began_before_it_was_over() -> None:
    given = uses(told(edited(2, "a.py", duration_ms=500.0)))

    took_us = given.ended_us - given.began_us

    assert (list(took_us), listed(given.column("ended_at"))) == ([500_000], [at(2)])


def test_uses_stand_in_order_of_session_and_begin() -> None:
    given = told(
        used(3, "b", "{}"), used(1, "a", "{}", session_id="t"), used(2, "a", "{}"), agent="codex"
    )

    assert listed(uses(given).column("tool_call_id")) == ["a-2", "b-3", "a-1"]
