"""API calls that failed are counted, and apart from those what was refused for rate or overload."""

from typing import Any

import pytest

from ...evidence.happened import at, prompt, told
from .given import Row, call, found, given, refused

RATE = "rate limit exceeded: Rate limit reached for gpt-5.5 on tokens per min: Limit 30000."
BROKEN = "stream disconnected before completion: error decoding response body"


def broken(count: int, **columns: Any) -> list[Row]:
    """Make API calls whose answer broke off, one a second."""
    return [refused(number, BROKEN, duration_ms=100.0, **columns) for number in range(count)]


def limited(count: int, **columns: Any) -> list[Row]:
    """Make API calls that were refused for their rate, one a second."""
    return [refused(100 + number, RATE, **columns) for number in range(count)]


def of_calls(kind: str, *calls: Row, **options: Any) -> list[Row]:
    batch = told(prompt(0, "Go."), prompt(0, "Go.", session_id="other"))
    return found(kind, given(batch, api_calls=calls), **options)


def retries(*calls: Row, **options: Any) -> list[Row]:
    return of_calls("retries", *calls, **options)


def rate_limits(*calls: Row, **options: Any) -> list[Row]:
    return of_calls("rate_limits", *calls, **options)


def test_three_api_calls_that_failed_are_found() -> None:
    (row,) = retries(*broken(3), call(9))

    assert row["payload"] == {"failed": 3, "waited_ms": 300, "example": BROKEN}
    assert (row["severity"], row["category"], row["at"]) == ("warning", "errors", at(0))
    assert row["message"].startswith(f'3 API calls failed ("{BROKEN}").')


def test_two_are_not() -> None:
    assert retries(*broken(2), call(9)) == []


def test_how_many_failures_it_takes_can_be_set() -> None:
    assert [len(retries(*broken(5), retries=least)) for least in (1, 5, 6)] == [1, 1, 0]


def test_ten_times_as_many_are_critical() -> None:
    severities = [retries(*broken(count))[0]["severity"] for count in (29, 30)]

    assert severities == ["warning", "critical"]


def test_an_error_that_says_nothing_is_no_example() -> None:
    (row,) = retries(*(refused(number, None) for number in range(3)))

    assert row["payload"] == {"failed": 3, "waited_ms": None, "example": None}
    assert row["message"].startswith("3 API calls failed. ")


def test_what_the_events_of_failed_calls_are_is_its_evidence() -> None:
    failures = [
        {
            "event_type": "api_error",
            "time": at(number),
            "request_id": f"req-{number}",
            "error_message": BROKEN,
            "success": False,
        }
        for number in range(3)
    ]
    batch = told(prompt(0, "Go."), *failures)

    (row,) = found("retries", given(batch))

    assert row["evidence"] == [2, 3, 4]


def test_one_call_refused_for_its_rate_is_found() -> None:
    (row,) = rate_limits(*limited(1), call(200))

    assert (row["severity"], row["payload"]["failed"]) == ("warning", 1)
    assert row["message"].startswith("1 API call was refused for rate or overload (")


def test_an_overloaded_api_is_found_with_them() -> None:
    (row,) = rate_limits(*limited(1), refused(1, "Overloaded"))

    assert (row["payload"]["failed"], row["payload"]["example"]) == (2, "Overloaded")


def test_how_many_refusals_it_takes_can_be_set() -> None:
    found_with = [len(rate_limits(*limited(2), rate_limits=least)) for least in (1, 2, 3)]

    assert found_with == [1, 1, 0]


def test_ten_times_as_many_refusals_are_critical() -> None:
    severities = [rate_limits(*limited(count))[0]["severity"] for count in (9, 10)]

    assert severities == ["warning", "critical"]


def test_each_failure_counts_for_one_of_the_two() -> None:
    calls = [*broken(2), *limited(3)]

    assert (retries(*calls), len(rate_limits(*calls))) == ([], 1)


def test_a_call_of_which_it_is_not_told_whether_it_worked_did_not_fail() -> None:
    assert retries(*(call(number, success=None) for number in range(9))) == []


def test_calls_of_two_sessions_do_not_add_up() -> None:
    assert retries(*broken(2), *broken(2, session_id="other")) == []


def test_its_id_stays_the_same_when_more_calls_fail() -> None:
    ids = {retries(*broken(count))[0]["insight_id"] for count in (3, 4, 30)}

    assert len(ids) == 1


def test_where_nobody_made_the_calls_nothing_is_found() -> None:
    sessions = given(told(prompt(0, "Go.")), unmade={"api_calls": ["s"]})

    assert (found("retries", sessions), found("rate_limits", sessions)) == ([], [])


@pytest.mark.parametrize("rule", ["retries", "rate_limits"])
def test_it_can_be_switched_off(rule: str) -> None:
    assert of_calls(rule, *broken(9), *limited(9), off=[rule]) == []
