"""Read durations as Go and the Collector write them: `5s`, `1h30m`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def read_duration(value: object) -> object:
    """Turn ``1h30m`` into a timedelta; leave numbers and ISO 8601 (`PT2H`). Raises ValueError."""
    if not isinstance(value, str) or value.startswith("P"):
        return value
    if not _DURATION.fullmatch(value):
        msg = f"expected a duration such as `30s`, `5m` or `1h30m`, got '{value}'."
        raise ValueError(msg)
    parts = _DURATION_PART.findall(value)
    try:
        return timedelta(seconds=sum(float(number) * UNITS_S[unit] for number, unit in parts))
    except OverflowError as error:
        msg = f"'{value}' is longer than anything lasts. Give a shorter duration."
        raise ValueError(msg) from error


Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30s", "5m", "1h30m"]}),
]
