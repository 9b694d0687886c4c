"""Read since when something is meant: a date, a time, or a duration back from now."""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from ..pipeline.durations import Duration


def since_us(text: str, now_us: int) -> int:
    """Give Unix microseconds; dates and times without a zone are UTC.

    Raises:
        ValueError: the text is neither.

    """
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return now_us - _back_us(text)
    moment = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6)


def _back_us(text: str) -> int:
    try:
        back = TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError as error:
        msg = f"expected a date such as 2026-11-01 or a duration back such as 7d, got '{text}'."
        raise ValueError(msg) from error
    return back // timedelta(microseconds=1)
