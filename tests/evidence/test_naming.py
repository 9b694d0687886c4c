"""Errors are named by what they say, and by what failed where they say nothing."""

import pytest

from agentpond.pipeline.evidence.naming import Names, names_of

from .happened import Row, at, errors, failed, ran, told, used


def named(*rows: Row) -> Names:
    return names_of(errors(told(*rows)))


def test_an_error_is_named_by_the_template_of_its_line() -> None:
    names = named(ran(1, "cat /a", "cat: /a/b.py: No such file or directory"))

    assert names.line.to_pylist() == ["cat: /a/b.py: No such file or directory"]
    assert names.template.to_pylist() == ["cat: <path>: No such file or directory"]
    assert names.category.to_pylist() == ["missing_file"]
    assert names.silent.to_pylist() == [False]


@pytest.mark.parametrize("message", ["Shell command failed", "Exit code 1", "Error", ""])
def test_a_command_that_says_nothing_is_named_by_its_program(message: str) -> None:
    names = named(ran(1, "cd app && make lint", message))

    assert names.template.to_pylist() == ["make lint failed"]
    assert names.silent.to_pylist() == [True]


def test_the_line_stays_as_it_came_where_it_says_nothing() -> None:
    names = named(ran(1, "make", "Shell command failed"))

    assert names.line.to_pylist() == ["Shell command failed"]


def test_a_tool_without_a_message_or_a_command_is_named_by_its_name() -> None:
    names = named(used(1, "Read", "{}", success=False))

    assert (names.line.to_pylist(), names.template.to_pylist()) == (
        ["Read failed"],
        ["Read failed"],
    )


def test_an_error_told_by_its_type_alone_is_named_by_it_and_says_nothing() -> None:
    names = named(used(1, "Bash", None, success=False, error_type="ShellError"))

    assert (names.template.to_pylist(), names.silent.to_pylist()) == (["ShellError"], [True])


def test_a_tool_without_a_name_is_named_by_its_kind() -> None:
    names = named(used(1, None, "{}", success=False))

    assert names.template.to_pylist() == ["tool"]


@pytest.mark.parametrize(
    ("kind", "columns", "template"),
    [
        ("api_error", {"request_id": "r"}, "API call failed"),
        (
            "hook",
            {"attributes": {"hook_name": "Stop", "num_non_blocking_error": "2"}},
            "hook Stop failed",
        ),
        ("mcp_connection", {"attributes": {"status": "failed"}}, "MCP server did not connect"),
        ("compaction", {"success": False}, "compaction failed"),
    ],
)
def test_what_else_says_nothing_is_named_by_what_it_is(
    kind: str, columns: Row, template: str
) -> None:
    names = named({"event_type": kind, "time": at(1), "success": False, **columns})

    assert names.template.to_pylist() == [template]


@pytest.mark.parametrize("message", ["Shell command failed", "assertion `left == right` failed"])
def test_what_a_test_run_says_is_a_failure_of_tests(message: str) -> None:
    names = named(ran(1, "cargo test", message))

    assert names.category.to_pylist() == ["test_failure"]


def test_where_the_program_does_not_tell_that_tests_ran_the_name_does() -> None:
    names = named(ran(1, "python manage.py test", "Exit code 1"), ran(2, "python a.py", "Error"))

    assert names.template.to_pylist() == ["python: tests failed", "python failed"]
    assert names.category.to_pylist() == ["test_failure", "other"]


def test_errors_of_one_fingerprint_are_of_one_category_whatever_ran() -> None:
    names = named(
        ran(1, "python a.py", "boom in the engine"),
        ran(2, "pytest", "boom in the engine"),
        ran(3, "cat a", "pytest failed"),
        ran(4, "pytest", "Shell command failed"),
        ran(5, "x", "ValueError: '/srv/timeout' is wrong"),
        ran(6, "x", "ValueError: 'network' is wrong"),
    )

    pairs = set(zip(names.fingerprint.to_pylist(), names.category.to_pylist(), strict=True))
    assert len(pairs) == len(set(names.fingerprint.to_pylist())) == 3


def test_where_a_test_run_says_something_more_telling_it_is_that() -> None:
    names = named(ran(1, "pytest", "bash: line 1: pytest: command not found"))

    assert names.category.to_pylist() == ["missing_command"]


def test_a_command_that_runs_no_tests_fails_in_another_way() -> None:
    names = named(ran(1, "make", "Shell command failed"))

    assert names.category.to_pylist() == ["other"]


def test_what_an_error_is_called_does_not_depend_on_the_others() -> None:
    rows = [
        ran(1, "cat /a", "cat: /a: No such file or directory"),
        ran(2, "pytest", "Shell command failed"),
        failed(3, "Read", "{}", "File does not exist."),
    ]

    together, alone = named(*rows), [named(row) for row in rows]

    for name in ("line", "template", "fingerprint", "category"):
        assert getattr(together, name).to_pylist() == [
            value for each in alone for value in getattr(each, name).to_pylist()
        ]


def test_errors_of_one_template_have_one_fingerprint() -> None:
    names = named(
        ran(1, "cat /a", "cat: /a: No such file or directory"),
        ran(2, "cat /b", "cat: /b/c.py: No such file or directory"),
        ran(3, "cat /b", "cat: /b: Is a directory"),
    )

    first, second, third = names.fingerprint.to_pylist()
    assert (first == second, first == third) == (True, False)


def test_where_nothing_failed_there_are_no_names() -> None:
    names = named(used(1, "Read", "{}"))

    assert len(names.template) == 0
