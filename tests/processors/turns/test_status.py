"""Check what becomes of turns, and when time alone changes it."""

import pytest

from .given import Row, again, answer, at, call, prompt, sessions, span, tool, turns

CODEX: Row = {"agent": "codex"}
TURN_OF_CODEX: Row = {"agent": "codex", "event_name": "session_task.turn"}


def test_a_turn_whose_span_ended_is_done() -> None:
    given = sessions([span(0, 9)], as_of=10)

    rows = turns(given, "status")

    assert rows == [("done",)]


def test_a_turn_after_which_another_began_is_done() -> None:
    given = sessions([prompt(0, "a"), prompt(5, "b")], as_of=10)

    rows = turns(given, "turn_id", "status")

    assert rows == [("a", "done"), ("b", "active")]


def test_a_turn_whose_session_ended_is_done() -> None:
    given = sessions([prompt(0), prompt(5, None, event_type="session_end")], as_of=10)

    rows = turns(given, "status")

    assert rows == [("done",)]


def test_a_session_that_was_taken_up_again_has_an_active_turn() -> None:
    given = sessions(
        [prompt(0, "a"), prompt(5, None, event_type="session_end"), prompt(8, "b")], as_of=10
    )

    rows = turns(given, "turn_id", "status")

    assert rows == [("a", "done"), ("b", "active")]


@pytest.mark.parametrize(
    ("as_of", "status"), [(10, "active"), (609.9, "active"), (610, "stalled"), (9e5, "stalled")]
)
def test_a_turn_stalls_when_nothing_is_heard_of_it(as_of: float, status: str) -> None:
    given = sessions([prompt(0)], [], [tool(10, None, "no_result")], as_of=as_of)

    rows = turns(given, "status")

    assert rows == [(status,)]


@pytest.mark.parametrize(("as_of", "status"), [(39.9, "active"), (40, "done"), (9e5, "done")])
def test_a_turn_that_was_answered_is_done_when_it_has_been_quiet(as_of: float, status: str) -> None:
    given = sessions([prompt(0), answer(10)], [call(10)], [tool(2, 4)], as_of=as_of)

    rows = turns(given, "status")

    assert rows == [(status,)]


@pytest.mark.parametrize(
    "after",
    [
        ([], [tool(11, None, "pending")]),
        ([], [tool(3, None, "pending")]),
        ([], [tool(3, 12)]),
        ([call(12)], []),
    ],
)
def test_an_answer_is_not_final_if_a_call_is_heard_of_after_it(
    after: tuple[list[Row], list[Row]],
) -> None:
    given = sessions([prompt(0), answer(10)], *after, as_of=100)

    rows = turns(given, "status")

    assert rows == [("active",)]


@pytest.mark.parametrize(
    "last",
    [
        call(10, stop_reason="end_turn"),
        call(10, stop_reason="max_tokens"),
        call(10, success=False),
        call(10, **CODEX),
        call(10, success=False, **CODEX),
    ],
)
def test_a_call_after_which_nothing_more_is_asked_is_a_final_word(last: Row) -> None:
    given = sessions([prompt(0)], [last], [tool(2, 4)], as_of=100)

    rows = turns(given, "status")

    assert rows == [("done",)]


@pytest.mark.parametrize(
    "last", [call(10), call(10, stop_reason="tool_use"), call(10, success=None, **CODEX)]
)
def test_a_call_after_which_more_must_come_is_no_final_word(last: Row) -> None:
    given = sessions([prompt(0)], [last], as_of=100)

    rows = turns(given, "status")

    assert rows == [("active",)]


def test_a_command_that_calls_nothing_is_done() -> None:
    given = sessions([prompt(0, attributes={"command_name": "clear"})], as_of=100)

    rows = turns(given, "status")

    assert rows == [("done",)]


def test_a_command_that_calls_the_model_is_a_turn_like_any_other() -> None:
    given = sessions([prompt(0, attributes={"command_name": "review"})], [call(9)], as_of=100)

    rows = turns(given, "status")

    assert rows == [("active",)]


def test_a_turn_that_codex_calls_interrupted_is_aborted() -> None:
    cost: Row = {"event_type": "turn_cost", "attributes": {"turn.interrupted": "true"}, **CODEX}
    given = sessions([span(0, 9, **CODEX), prompt(150, **cost)])

    rows = turns(given, "status")

    assert rows == [("aborted",)]


def test_a_turn_that_codex_calls_uninterrupted_is_not_aborted() -> None:
    cost: Row = {"event_type": "turn_cost", "attributes": {"turn.interrupted": "false"}, **CODEX}
    given = sessions([span(0, 9, **CODEX), prompt(150, **cost)])

    rows = turns(given, "status")

    assert rows == [("done",)]


def test_a_turn_of_which_a_tool_was_aborted_is_aborted() -> None:
    cut = span(3, 5, event_type="tool", attributes={"aborted": "true"}, **CODEX)
    given = sessions([span(0, 9, **CODEX), cut])

    rows = turns(given, "status")

    assert rows == [("aborted",)]


def test_a_turn_whose_span_alone_tells_no_tokens_is_aborted() -> None:
    given = sessions(
        [span(0, 9, "a", input_tokens=0, **TURN_OF_CODEX), span(10, 19, "b", **TURN_OF_CODEX)]
    )

    rows = turns(given, "turn_id", "status")

    assert rows == [("a", "done"), ("b", "aborted")]


def test_a_span_without_tokens_where_none_has_any_tells_nothing() -> None:
    given = sessions([span(0, 9, **TURN_OF_CODEX)])

    rows = turns(given, "status")

    assert rows == [("done",)]


def test_a_turn_of_codex_that_left_a_tool_without_a_result_is_aborted() -> None:
    given = sessions(
        [prompt(0, "a", **CODEX), prompt(9, "b", **CODEX)],
        [call(2, "a", **CODEX)],
        [tool(3, None, "no_result", "a", **CODEX)],
    )

    rows = turns(given, "turn_id", "status")

    assert rows[0] == ("a", "aborted")


def test_a_turn_of_claude_code_that_left_a_tool_without_a_result_is_done() -> None:
    given = sessions(
        [prompt(0, "a"), prompt(9, "b")], [call(2, "a")], [tool(3, None, "no_result", "a")]
    )

    rows = turns(given, "turn_id", "status")

    assert rows[0] == ("a", "done")


def test_a_turn_that_a_person_aborted_at_a_question_is_aborted() -> None:
    given = sessions([prompt(0)], [], [tool(3, None, "rejected", decision_source="user_abort")])

    rows = turns(given, "status")

    assert rows == [("aborted",)]


def test_an_active_turn_is_looked_at_again_when_it_would_stall() -> None:
    given = sessions([prompt(0)], [call(10)], as_of=11)

    asked = again(given)

    assert asked == [("s", at(610))]


def test_an_answered_turn_is_looked_at_again_when_it_would_be_done() -> None:
    given = sessions([prompt(0), answer(10)], as_of=11)

    asked = again(given)

    assert asked == [("s", at(40))]


def test_turns_that_are_over_are_not_looked_at_again() -> None:
    given = sessions([prompt(0, "a"), span(5, 9, "b")], as_of=10)

    asked = again(given)

    assert asked == []


def test_both_times_can_be_set() -> None:
    given = sessions([prompt(0), prompt(0, session_id="t"), answer(2, session_id="t")], as_of=2.5)

    asked = again(given, stalled_after="1m", settled_after="1s")

    assert asked == [("s", at(60)), ("t", at(3))]
