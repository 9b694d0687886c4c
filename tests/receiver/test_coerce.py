"""Read numbers, flags and times from whatever type an agent sends them in."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .build import CLAUDE_CODE, log, logs, rows


def lifted(column: str, attribute: str, told: Any) -> tuple[Any, bool]:
    """Give the column's value, and whether the attribute stayed with the attributes."""
    name = {"event.name": "tool_result"}
    (row,) = rows(logs([log(name | {attribute: told})], scope=CLAUDE_CODE))
    return row[column], attribute in row["attributes"]


WHOLE = [
    ("7", 7),
    ("+7", 7),
    ("-7", -7),
    ("007", 7),
    (7, 7),
    (7.0, 7),
    ("7.0", 7),
    ("1e3", 1000),
    (-(2**63), -(2**63)),
    (2**63 - 1, 2**63 - 1),
    ("999999999999999999", 999999999999999999),
]
NOT_WHOLE = [
    "1234567890123456789",
    "9223372036854775807",
    "seven",
    "7.5",
    7.5,
    "9223372036854775808",
    "1e30",
    1e30,
    " 7",
    "0x7",
    [7],
    "\u0667",
]
REAL = [
    ("7", 7.0),
    (7, 7.0),
    (7.5, 7.5),
    ("7.5", 7.5),
    ("-.5", -0.5),
    ("1e3", 1000.0),
    ("1.0e-3", 0.001),
]
FLAGS = [
    ("true", True),
    ("false", False),
    ("True", True),
    ("FALSE", False),
    (True, True),
    (False, False),
]
TIMES = {
    "2026-11-20T10:34:28Z": 0,
    "2026-11-20T10:34:28.5Z": 500_000,
    "2026-11-20T10:34:28.046Z": 46_000,
    "2026-11-20T10:34:28.046123Z": 46_123,
    "2026-11-20T10:34:28.046123999Z": 46_123,
    "2026-11-20T10:34:28.046+00:00": 46_000,
}
NOT_TIMES = [
    "2026-11-20",
    "2026-13-20T10:34:28Z",
    "2026-02-30T10:34:28Z",
    "2026-11-20T25:34:28Z",
    "2026-11-20T10:34:28+01:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "yesterday",
    5,
]


@pytest.mark.parametrize(("told", "value"), WHOLE, ids=repr)
def test_a_whole_number_is_read(told: Any, value: Any) -> None:
    assert lifted("input_tokens", "input_tokens", told) == (value, False)


@pytest.mark.parametrize("told", NOT_WHOLE, ids=repr)
def test_what_is_no_whole_number_stays_with_the_attributes(told: Any) -> None:
    assert lifted("input_tokens", "input_tokens", told) == (None, True)


@pytest.mark.parametrize("told", [2**31, -(2**31) - 1, 2**63 - 1, -(2**63), "4294967295"], ids=repr)
def test_a_number_that_does_not_fit_its_column_stays_with_the_attributes(told: Any) -> None:
    assert lifted("status_code", "status_code", told) == (None, True)


@pytest.mark.parametrize("told", [2**31 - 1, -(2**31) + 1, 529], ids=repr)
def test_a_number_that_just_fits_its_column_is_taken(told: int) -> None:
    assert lifted("status_code", "status_code", told) == (told, False)


@pytest.mark.parametrize(("told", "value"), REAL, ids=repr)
def test_a_number_is_read(told: Any, value: Any) -> None:
    assert lifted("duration_ms", "duration_ms", told) == (value, False)


@pytest.mark.parametrize("told", ["fast", "1,5", "NaN", "1e", True], ids=repr)
def test_what_is_no_number_stays_with_the_attributes(told: Any) -> None:
    assert lifted("duration_ms", "duration_ms", told) == (None, True)


@pytest.mark.parametrize(("told", "value"), FLAGS, ids=repr)
def test_a_flag_is_read(told: Any, value: Any) -> None:
    assert lifted("success", "success", told) == (value, False)


@pytest.mark.parametrize("told", ["yes", "1", 1, "maybe"], ids=repr)
def test_what_is_no_flag_stays_with_the_attributes(told: Any) -> None:
    assert lifted("success", "success", told) == (None, True)


@pytest.mark.parametrize("told", TIMES, ids=repr)
def test_a_time_is_read_with_any_number_of_digits(told: str) -> None:
    (row,) = rows(logs([log({"event.timestamp": told}, time_unix_nano=0)]))

    assert row["time"] == datetime(2026, 11, 20, 10, 34, 28, TIMES[told])  # noqa: DTZ001 - UTC
    assert row["attributes"] == {}


@settings(deadline=None)
@given(at=st.datetimes(datetime(1970, 1, 1), datetime(2259, 12, 31)))  # noqa: DTZ001 - UTC
def test_every_time_there_is_is_read(at: datetime) -> None:
    (row,) = rows(logs([log({"event.timestamp": f"{at.isoformat()}Z"}, time_unix_nano=0)]))

    assert row["time"] == at


@settings(deadline=None)
@given(told=st.from_regex(r"\A[0-9]{4}-[0-3][0-9]-[0-3][0-9]T[0-9]{2}:[0-6][0-9]:[0-6][0-9]Z\Z"))
def test_a_time_there_is_not_is_kept_as_it_is(told: str) -> None:
    (row,) = rows(logs([log({"event.timestamp": told}, time_unix_nano=0)]))

    assert (row["time"] is None) == (row["attributes"] == {"event.timestamp": told})


@pytest.mark.parametrize("told", NOT_TIMES, ids=repr)
def test_what_is_no_time_stays_and_the_observed_time_stands_in(told: Any) -> None:
    fields = {"time_unix_nano": 0, "observed_time_unix_nano": 1_795_170_868_046_229_786}

    (row,) = rows(logs([log({"event.timestamp": told}, **fields)]))

    assert row["time"] == datetime(2026, 11, 20, 10, 34, 28, 46_229)  # noqa: DTZ001 - UTC
    assert row["attributes"] == {"event.timestamp": str(told)}


@pytest.mark.parametrize("column", ["content", "input_tokens", "success", "duration_ms"])
@pytest.mark.parametrize("told", ["", "<REDACTED>", "[REDACTED]"])
def test_what_is_redacted_or_empty_is_null_and_gone(column: str, told: str) -> None:
    attribute = {"content": "prompt"}.get(column, column)
    message = logs([log({"event.name": "user_prompt", attribute: told})], scope=CLAUDE_CODE)

    (row,) = rows(message)

    assert (row[column], attribute in row["attributes"]) == (None, False)


@pytest.mark.parametrize(("told", "text"), [(7, "7"), (True, "true"), (["a", 1], '["a",1]')])
def test_a_text_column_takes_other_types_as_json(told: Any, text: str) -> None:
    assert lifted("tool_name", "tool_name", told) == (text, False)
