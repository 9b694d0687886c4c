"""Errors about files that the agent had edited before are counted."""

from typing import Any

from ...evidence.happened import at, prompt, told
from .given import Row, found, given, related


def after_edits(*rows: Row, **options: Any) -> list[Row]:
    batch = told(prompt(0, "Go."), prompt(0, "Go.", session_id="other"))
    return found("errors_after_edits", given(batch, correlations=rows), **options)


def test_three_errors_about_edited_files_are_found() -> None:
    rows = [related(5, 1, "a.py"), related(6, 2, "b.py"), related(7, 2, "b.py")]

    (row,) = after_edits(*rows)

    assert row["payload"] == {"errors": 3, "files": 2, "file": "b.py"}
    assert (row["severity"], row["at"], row["evidence"]) == ("warning", at(5), [5, 6, 7, 1, 2])


def test_two_are_not() -> None:
    assert after_edits(related(5, 1, "a.py"), related(6, 1, "a.py")) == []


def test_how_many_it_takes_can_be_set() -> None:
    (row,) = after_edits(related(5, 1, "a.py"), edit_errors=1)

    assert row["message"].startswith("1 error is about files that the agent had edited before")


def test_three_times_as_many_are_critical() -> None:
    rows = [related(number, 1, "a.py") for number in range(10, 19)]

    severities = [after_edits(*some)[0]["severity"] for some in (rows[:8], rows)]

    assert severities == ["warning", "critical"]


def test_an_error_about_two_files_is_one() -> None:
    rows = [related(5, 1, "a.py"), related(5, 2, "b.py"), related(6, 1, "a.py")]

    assert after_edits(*rows) == []


def test_of_two_files_told_of_as_often_the_first_is_named() -> None:
    rows = [related(5, 2, "b.py"), related(6, 1, "a.py"), related(7, 3, "c.py")]

    (row,) = after_edits(*rows)

    assert row["payload"]["file"] == "b.py"


def test_what_a_human_did_to_a_file_does_not_count() -> None:
    rows = [{**related(number, 1, "a.py"), "cause": "human"} for number in range(10, 20)]

    assert after_edits(*rows) == []


def test_an_event_that_shows_more_than_one_of_them_is_named_once() -> None:
    (row,) = after_edits(*(related(number, 1, "a.py") for number in (5, 6, 7)))

    assert row["evidence"] == [5, 6, 7, 1]


def test_errors_of_two_sessions_do_not_add_up() -> None:
    others = [related(number, 1, "a.py", session_id="other") for number in (8, 9)]

    assert after_edits(*others, related(5, 1, "a.py"), related(6, 1, "a.py")) == []


def test_its_id_stays_the_same_when_more_errors_come() -> None:
    rows = [related(number, 1, "a.py") for number in range(10, 19)]

    ids = {after_edits(*rows[:count])[0]["insight_id"] for count in (3, 4, 9)}

    assert len(ids) == 1


def test_where_nothing_is_related_nothing_is_found() -> None:
    batch = told(prompt(0, "Go."))

    rows = found("errors_after_edits", given(batch, unmade={"correlations": ["s"]}))

    assert rows == []


def test_it_can_be_switched_off() -> None:
    rows = [related(number, 1, "a.py") for number in (5, 6, 7)]

    assert after_edits(*rows, off=["errors_after_edits"]) == []
