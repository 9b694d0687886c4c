"""Uses of tools that were not allowed are counted, for each tool."""

from typing import Any

from ...evidence.happened import at, decided, told, used
from .given import Row, found, given


def rejected(seconds: float, tool_name: str = "Bash", source: str | None = "config") -> Row:
    call = f"{tool_name}-{seconds}"
    return decided(seconds, tool_name, call, "reject", "", decision_source=source)


def denied(*rows: Row, agent: str = "claude_code", **options: Any) -> list[Row]:
    return found("denied_tools", given(told(*rows, agent=agent), api_calls=[]), **options)


def test_a_use_that_was_not_allowed_is_found() -> None:
    (row,) = denied(rejected(1))

    assert row["message"].startswith("Bash was not allowed 1 time, decided by config.")
    assert row["payload"] == {"denied": 1, "tool_name": "Bash", "decided_by": "config"}
    assert (row["severity"], row["category"]) == ("info", "permissions")
    assert (row["at"], row["evidence"]) == (at(1), [1])


def test_a_use_that_was_allowed_is_not() -> None:
    allowed = decided(1, "Bash", "b", "accept", "config")

    assert denied(allowed, used(2, "Bash", None, tool_call_id="b")) == []


def test_how_many_it_takes_can_be_set() -> None:
    rows = [rejected(number) for number in (1, 2)]

    assert [len(denied(*rows, denials=least)) for least in (1, 2, 3)] == [1, 1, 0]


def test_five_of_them_are_a_warning() -> None:
    rows = [rejected(number) for number in range(5)]

    severities = [denied(*some)[0]["severity"] for some in (rows[:4], rows)]

    assert severities == ["info", "warning"]


def test_each_tool_is_counted_apart_and_names_all_who_decided() -> None:
    rows = denied(rejected(1), rejected(2), rejected(3, "Write"), rejected(4, source="user_reject"))

    counts = {(row["payload"]["tool_name"], row["payload"]["decided_by"]): row for row in rows}

    assert {key: row["payload"]["denied"] for key, row in counts.items()} == {
        ("Bash", "config and user_reject"): 3,
        ("Write", "config"): 1,
    }
    assert len({row["insight_id"] for row in rows}) == 2


def test_tools_whose_names_differ_in_one_letter_have_two_ids() -> None:
    rows = denied(rejected(1, "file"), rejected(2, "files"))

    assert len({row["insight_id"] for row in rows}) == 2


def test_who_decided_is_left_out_where_it_is_not_told() -> None:
    (row,) = denied(rejected(1, source=None))

    assert row["message"].startswith("Bash was not allowed 1 time. Allow")
    assert row["payload"]["decided_by"] is None


def test_uses_of_two_sessions_do_not_add_up() -> None:
    rows = denied(rejected(1), {**rejected(2), "session_id": "other"}, denials=2)

    assert rows == []


def test_its_id_stays_the_same_when_more_are_denied() -> None:
    rows = [rejected(number) for number in range(6)]

    ids = {denied(*rows[:count])[0]["insight_id"] for count in (1, 2, 6)}

    assert len(ids) == 1


def test_what_codex_was_not_allowed_is_found_too() -> None:
    (row,) = denied(rejected(1, "exec_command", "User"), agent="codex")

    assert (row["agent"], row["payload"]["tool_name"]) == ("codex", "exec_command")


def test_where_nobody_made_the_uses_nothing_is_found() -> None:
    sessions = given(told(rejected(1)), tool_calls=[], unmade={"tool_calls": ["s"]})

    assert found("denied_tools", sessions) == []


def test_it_can_be_switched_off() -> None:
    assert denied(rejected(1), off=["denied_tools"]) == []
