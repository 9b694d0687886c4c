"""Break/fix loops are found, and inputs that fail again and again; polling is neither."""

from typing import Any

import pytest

from agentpond.pipeline.core.batch import Batch

from ...evidence.happened import at, edited, failed, ran, told, used
from .given import Row, call, found, given

TESTS = "python3 -m pytest -q"


def loop(failures: int, since: int = 0, **columns: Any) -> list[Row]:
    """Make edits and failing test runs in turn, ten seconds apart."""
    rows = []
    for number in range(failures):
        rows += [
            edited(since + 20 * number, "calc.py", **columns),
            ran(since + 20 * number + 10, TESTS, "1 failed", **columns),
        ]
    return rows


def loops(batch: Batch, *calls: Row, **options: Any) -> list[Row]:
    return found("break_fix_loop", given(batch, api_calls=calls), **options)


def repeated(batch: Batch, *calls: Row, **options: Any) -> list[Row]:
    return found("repeated_failure", given(batch, api_calls=calls), **options)


def test_three_failing_test_runs_with_an_edit_before_each_are_a_loop() -> None:
    (row,) = loops(told(*loop(3)))

    assert row["payload"] == {"failures": 3, "program": "python3 -m pytest", "edits": 3}
    assert (row["severity"], row["turn_id"], row["evidence"]) == (
        "warning",
        "t",
        [1, 2, 3, 4, 5, 6],
    )


def test_two_are_none() -> None:
    assert loops(told(*loop(2))) == []


def test_how_many_failures_make_a_loop_can_be_set() -> None:
    batch = told(*loop(4))

    assert [len(loops(batch, loop_failures=least)) for least in (2, 4, 5)] == [1, 1, 0]


def test_twice_as_many_are_critical() -> None:
    severities = [loops(told(*loop(count)))[0]["severity"] for count in (5, 6)]

    assert severities == ["warning", "critical"]


def test_a_test_run_that_passes_ends_a_loop() -> None:
    passing = used(45, "Bash", f'{{"command":"{TESTS}"}}')

    assert loops(told(*loop(2), passing, *loop(2, 50))) == []


def test_tests_that_fail_again_without_an_edit_between_are_no_loop() -> None:
    batch = told(edited(0, "calc.py"), *(ran(n, TESTS, "1 failed") for n in (1, 2, 3)))

    assert (loops(batch), len(repeated(batch))) == ([], 1)


def test_a_loop_is_not_told_of_again_as_a_repeated_failure() -> None:
    batch = told(*loop(5))

    assert (len(loops(batch)), repeated(batch)) == (1, [])


def test_a_loop_costs_what_the_api_calls_from_its_first_edit_to_its_last_failure_cost() -> None:
    outside, inside = (call(-5.0), call(51.0)), (call(5.0), call(30.0, cost_usd=0.5))

    (row,) = loops(told(*loop(3)), *outside, *inside)

    assert row["cost_usd"] == pytest.approx(0.75)


def test_what_a_loop_costs_is_not_told_without_a_price() -> None:
    (row,) = loops(told(*loop(3)), call(5.0, cost_usd=None, cost_status="unpriced"))

    assert "cost_usd" not in row


def test_loops_of_two_sessions_do_not_mix() -> None:
    batch = told(*loop(2), *loop(2, 5, session_id="other"), *loop(3, session_id="third"))

    assert [row["session_id"] for row in loops(batch)] == ["third"]


def test_a_loop_keeps_its_id_when_it_goes_on() -> None:
    ids = {loops(told(*loop(count)))[0]["insight_id"] for count in (3, 4, 7)}

    assert len(ids) == 1


def test_two_loops_of_a_session_have_two_ids() -> None:
    passing = used(70, "Bash", f'{{"command":"{TESTS}"}}')
    rows = loops(told(*loop(3), passing, *loop(3, 80)))

    assert len({row["insight_id"] for row in rows}) == 2


def test_the_same_command_failing_three_times_in_a_row_is_found() -> None:
    batch = told(*(ran(n, "npm run build", "TS2339") for n in (1, 2, 3)))

    (row,) = repeated(batch)

    assert row["payload"] == {"failures": 3, "what": "npm run build", "tool_name": "Bash"}
    assert (row["severity"], row["turn_id"], row["evidence"]) == ("warning", "t", [1, 2, 3])


def test_twice_in_a_row_is_not() -> None:
    assert repeated(told(ran(1, "npm run build", "TS2339"), ran(2, "npm run build", "TS1"))) == []


def test_how_many_failures_in_a_row_it_takes_can_be_set() -> None:
    batch = told(*(ran(n, "npm run build", "TS2339") for n in (1, 2, 3, 4)))

    assert [len(repeated(batch, repeated_failures=least)) for least in (2, 4, 5)] == [1, 1, 0]


def test_twice_as_many_in_a_row_are_critical() -> None:
    rows = [ran(n, "npm run build", "TS2339") for n in range(6)]

    severities = [repeated(told(*rows[:count]))[0]["severity"] for count in (5, 6)]

    assert severities == ["warning", "critical"]


def test_a_success_with_the_same_input_ends_the_row() -> None:
    rows = [ran(n, "npm run build", "TS2339") for n in (1, 2, 4, 5)]

    assert repeated(told(*rows, used(3, "Bash", '{"command":"npm run build"}'))) == []


def test_other_uses_between_do_not_end_it() -> None:
    rows = [ran(n, "npm run build", "TS2339") for n in (1, 3, 5)]

    batch = told(*rows, used(2, "Bash", '{"command":"ls"}'), ran(4, "make", "Error 2"))

    assert [row["evidence"] for row in repeated(batch)] == [[1, 2, 3]]


def test_three_different_inputs_that_fail_are_not_found() -> None:
    batch = told(*(ran(n, f"cat {n}.txt", "No such file") for n in (1, 2, 3)))

    assert repeated(batch) == []


def test_a_tool_without_a_command_is_named_by_its_name() -> None:
    gone = '{"file_path":"gone.py"}'
    batch = told(*(failed(n, "Read", gone, "File does not exist.") for n in (1, 2, 3)))

    (row,) = repeated(batch)

    assert row["message"].startswith("`Read` failed 3 times in a row with the same input.")


def test_a_tool_whose_name_is_not_told_is_found_too() -> None:
    rows = [used(n, None, '{"id":1}', success=False) for n in (1, 2, 3)]

    (row,) = repeated(told(*rows))

    assert row["payload"] == {"failures": 3, "what": "unknown tool", "tool_name": None}


def test_tools_without_input_are_not_compared() -> None:
    rows = [used(n, "Bash", None, success=False) for n in (1, 2, 3)]

    assert repeated(told(*rows)) == []


@pytest.mark.parametrize("tool_name", ["wait_agent", "write_stdin", "BashOutput", "bashoutput"])
def test_a_tool_that_polls_is_no_loop(tool_name: str) -> None:
    rows = [failed(n, tool_name, '{"id":1}', "not yet") for n in range(9)]

    assert repeated(told(*rows)) == []


def test_which_tools_poll_can_be_set() -> None:
    batch = told(*(failed(n, "Check", '{"id":1}', "not yet") for n in range(9)))

    found_by_default, found_as_set = repeated(batch), repeated(batch, polling_tools=["check"])

    assert (len(found_by_default), found_as_set) == (1, [])


def test_what_was_not_allowed_did_not_fail() -> None:
    refusal = {"event_type": "tool_decision", "decision": "reject", "success": None}
    rows = [ran(n, "npm run build", "no", **refusal) for n in (1, 2, 3)]

    assert repeated(told(*rows)) == []


def test_failures_cost_what_the_api_calls_between_them_cost() -> None:
    batch = told(*(ran(n, "npm run build", "TS2339") for n in (10, 20, 30)))

    (row,) = repeated(batch, call(5.0), call(15.0), call(25.0), call(35.0))

    assert row["cost_usd"] == pytest.approx(0.5)


def test_failures_of_two_sessions_do_not_mix() -> None:
    mine = [ran(n, "npm run build", "TS2339") for n in (1, 3)]
    others = [ran(n, "npm run build", "TS2339", session_id="other") for n in (2, 4)]

    assert repeated(told(*mine, *others)) == []


def test_it_keeps_its_id_when_it_fails_once_more() -> None:
    rows = [ran(n, "npm run build", "TS2339") for n in range(6)]

    ids = {repeated(told(*rows[:count]))[0]["insight_id"] for count in (3, 4, 6)}

    assert len(ids) == 1


def test_what_it_is_about_began_with_the_first_failure() -> None:
    (row,) = repeated(told(*(ran(n, "npm run build", "TS2339") for n in (7, 8, 9))))

    assert row["at"] == at(6.9)


def test_commands_of_codex_are_read_too() -> None:
    rows = [failed(n, "exec_command", '{"cmd":"npm run build"}', "TS2339") for n in (1, 2, 3)]

    (row,) = repeated(told(*rows, agent="codex"))

    assert (row["agent"], row["payload"]["what"]) == ("codex", "npm run build")


@pytest.mark.parametrize("rule", ["break_fix_loop", "repeated_failure"])
def test_it_can_be_switched_off(rule: str) -> None:
    sessions = given(told(*loop(5), *(ran(200 + n, "npm run build", "TS1") for n in range(5))))

    assert (len(found(rule, sessions)), found(rule, sessions, off=[rule])) == (1, [])


@pytest.mark.parametrize("command", ["sleep 30; gh pr view 12", "cd app && gh pr checks 12"])
def test_commands_that_wait_for_something_are_no_loops(command: str) -> None:
    assert repeated(told(*(ran(10 * number, command, "pending") for number in range(4)))) == []


def test_tests_that_fail_again_after_an_edit_did_not_have_the_same_input() -> None:
    assert repeated(told(*loop(3)), loop_failures=9) == []


def test_a_command_that_is_no_test_is_not_mended_by_an_edit_of_something() -> None:
    rows = [
        row
        for number in range(3)
        for row in (edited(20 * number, "a.md"), ran(20 * number + 10, "deploy", "no"))
    ]

    assert len(repeated(told(*rows))) == 1
