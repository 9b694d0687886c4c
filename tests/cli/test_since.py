"""`--since` takes any time that a calendar has, and refuses others in words."""

import pytest

from agentpond.cli.since import since_us

NOW_US = 1_795_200_000_000_000


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("0001-01-01", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999", 253_402_300_799_999_999),
        ("2026-11-20T18:40:00+00:00", NOW_US),
    ],
)
def test_since_reads_the_first_and_the_last_time_to_the_microsecond(text: str, us: int) -> None:
    told = since_us(text, NOW_US)

    assert told == us


@pytest.mark.parametrize(
    "text",
    ["99999999d", "999999999999999999999d", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00-05:00"],
)
def test_since_out_of_all_time_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"in no year from 1 to 9999|expected a date"):
        since_us(text, NOW_US)
