"""Turns that stand still, were broken off or never answered are found, one finding each."""

from typing import Any

import pytest

from ...evidence.happened import at, prompt, told
from .given import Row, call, found, given, refused, turn

PROMPT = prompt(0, "Mend the test.")


def of_turns(
    kind: str,
    *turns: Row,
    events: tuple[Row, ...] = (),
    calls: tuple[Row, ...] = (),
    **options: Any,
) -> list[Row]:
    batch = told(PROMPT, *events)
    return found(kind, given(batch, turns=turns, api_calls=calls, tool_calls=[]), **options)


def unanswered(
    *events: Row, calls: tuple[Row, ...] = (refused(5),), status: str = "done", **columns: Any
) -> list[Row]:
    """Look at a turn that is over and used no tool, unless the columns say otherwise."""
    row = turn(status, **{"tool_calls": 0, **columns})
    return of_turns("unanswered_prompt", row, events=events, calls=calls)


def test_a_turn_that_stands_still_is_found() -> None:
    (row,) = of_turns("stalled_turn", turn("stalled"))

    assert row["message"] == (
        "Turn 1 has stood still since 2026-11-20 10:01 UTC, after 2 API calls and 1 use of a "
        "tool. See whether the agent waits for an answer, or was ended."
    )
    assert row["payload"] == {"number": 1, "api_calls": 2, "tool_calls": 1}
    assert (row["severity"], row["at"], row["turn_id"]) == ("warning", at(0), "t")
    assert (row["cost_usd"], row["evidence"]) == (0.5, [1])


def test_a_turn_that_was_broken_off_is_found() -> None:
    (row,) = of_turns("abandoned_turn", turn("aborted"))

    assert row["message"] == "Turn 1 was broken off after 2 API calls and 1 use of a tool."
    assert row["severity"] == "info"


@pytest.mark.parametrize("status", ["done", "active"])
def test_a_turn_that_is_over_or_at_work_is_neither(status: str) -> None:
    kinds = ("stalled_turn", "abandoned_turn")

    assert [of_turns(kind, turn(status)) for kind in kinds] == [[], []]


def test_counts_that_are_not_told_are_not_said_to_be_none() -> None:
    (row,) = of_turns("stalled_turn", turn("stalled", api_calls=None, tool_calls=None))

    assert row["payload"] == {"number": 1, "api_calls": None, "tool_calls": None}
    assert "after an unknown number of API calls and an unknown number of uses" in row["message"]


def test_each_turn_has_a_finding_of_its_own() -> None:
    turns = [turn("stalled", turn_id=f"t{number}", number=number) for number in (1, 2)]

    rows = of_turns("stalled_turn", *turns)

    assert len({row["insight_id"] for row in rows}) == 2


def test_its_id_stays_the_same_while_the_turn_goes_on() -> None:
    longer = {"ended_at": at(900), "api_calls": 7}

    ids = {
        of_turns("stalled_turn", row)[0]["insight_id"]
        for row in (turn("stalled"), turn("stalled", **longer))
    }

    assert len(ids) == 1


def test_a_prompt_after_which_every_call_failed_was_never_answered() -> None:
    (row,) = unanswered()

    assert row["message"].startswith("The prompt of turn 1 was never answered: no API call of it")
    assert (row["severity"], row["turn_id"], row["evidence"]) == ("warning", "t", [1])


def test_a_prompt_after_which_there_was_no_call_was_never_answered() -> None:
    assert len(unanswered(calls=(), api_calls=0)) == 1


def test_a_prompt_of_a_turn_that_stands_still_was_never_answered_either() -> None:
    assert len(unanswered(status="stalled")) == 1


def test_nobody_waits_for_an_answer_to_what_the_agent_made_up() -> None:
    assert unanswered(prompt="<task-notification> done") == []


def test_a_prompt_was_answered_if_a_call_worked() -> None:
    assert unanswered(calls=(refused(5), call(6))) == []


def test_a_call_of_another_turn_is_no_answer() -> None:
    assert len(unanswered(calls=(refused(5), call(6, turn_id="u")))) == 1


def test_a_prompt_was_answered_if_an_answer_is_told() -> None:
    assert unanswered({"event_type": "assistant_response", "time": at(6)}) == []


def test_a_prompt_was_answered_if_a_tool_was_used() -> None:
    assert unanswered(tool_calls=1) == []


def test_a_command_is_not_to_be_answered() -> None:
    command = {"attributes": {"command_name": "clear"}}

    assert unanswered(prompt(1, "/clear", **command)) == []


def test_a_turn_that_is_at_work_may_still_be_answered() -> None:
    assert unanswered(status="active") == []


def test_a_prompt_that_was_taken_back_is_told_of_as_broken_off_alone() -> None:
    assert unanswered(status="aborted") == []


def test_a_turn_without_a_prompt_has_nothing_to_answer() -> None:
    other = turn("done", turn_id="u", number=2, tool_calls=0)

    assert of_turns("unanswered_prompt", other, calls=(refused(5, turn_id="u"),)) == []


def test_where_calls_are_not_counted_no_answer_is_missed() -> None:
    assert unanswered(calls=(), api_calls=None) == []


def test_turns_of_two_sessions_do_not_mix() -> None:
    mine, other = turn("done", tool_calls=0), turn("done", tool_calls=0, session_id="other")
    events = (prompt(0, "Go.", session_id="other"),)
    calls = (refused(5), call(5, session_id="other"))

    rows = of_turns("unanswered_prompt", mine, other, events=events, calls=calls)

    assert [row["session_id"] for row in rows] == ["s"]


@pytest.mark.parametrize(
    ("kind", "status", "option"),
    [
        ("stalled_turn", "stalled", "stalled_turns"),
        ("abandoned_turn", "aborted", "abandoned_turns"),
        ("unanswered_prompt", "done", "unanswered_prompts"),
    ],
)
def test_how_many_in_a_session_it_takes_can_be_set(kind: str, status: str, option: str) -> None:
    turns = [turn(status, turn_id=name, tool_calls=0) for name in ("t", "u")]
    elsewhere = turn(status, turn_id="v", session_id="other", tool_calls=0)
    events = (prompt(0, "Go.", turn_id="u"), prompt(0, "Go.", session_id="other", turn_id="v"))

    def sessions(least: Any) -> list[str]:
        rows = of_turns(kind, *turns, elsewhere, events=events, **{option: least})
        return [row["session_id"] for row in rows]

    assert sessions(2) == ["s", "s"]
    assert sessions(3) == []


@pytest.mark.parametrize("rule", ["stalled_turn", "abandoned_turn", "unanswered_prompt"])
def test_it_can_be_switched_off(rule: str) -> None:
    turns = [
        turn("stalled", tool_calls=0),
        turn("aborted", turn_id="u", number=2),
    ]

    rows = [of_turns(rule, *turns, calls=(refused(5),), off=off) for off in ([], [rule])]

    assert (len(rows[0]), rows[1]) == (1, [])
