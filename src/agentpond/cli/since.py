"""Read since when something is meant: a date, a time, or a duration back from now."""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from ..pipeline.durations import Duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def since_us(text: str, now_us: int) -> int:
    """Give Unix microseconds; dates and times without a zone are UTC.

    Raises:
        ValueError: the text is neither, or a time in no year from 1 to 9999.

    """
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return _in_time(now_us - _back_us(text), text)
    moment = told if told.tzinfo else told.replace(tzinfo=UTC)
    return _in_time((moment - _EPOCH) // _MICROSECOND, text)


def _in_time(since_us: int, text: str) -> int:
    """Refuse times, in UTC, that no calendar here has."""
    try:
        _EPOCH + since_us * _MICROSECOND
    except OverflowError as error:
        msg = f"'{text}' is in no year from 1 to 9999. Give a later date or a shorter duration."
        raise ValueError(msg) from error
    return since_us


def _back_us(text: str) -> int:
    try:
        back = TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError as error:
        msg = f"expected a date such as 2026-11-01 or a duration back such as 7d, got '{text}'."
        raise ValueError(msg) from error
    return back // _MICROSECOND
