"""Read attribute values as the type a column wants, whatever type came over the wire.

Agents tell numbers and booleans as strings and whole numbers as doubles (reference: Claude Code
section 6, Codex fact 4). Each function gives the values and a mask of those that were readable;
an unreadable value is null here and stays with the attributes.
"""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .wire.anyvalue import ValueColumns, text_of

Mask = npt.NDArray[np.bool_]
Read = Callable[[ValueColumns], tuple[pa.Array, Mask]]

# What agents write when they tell nothing: both mean NULL (SCHEMA: "Not told is NULL").
_UNTOLD = pa.array(["", "<REDACTED>", "[REDACTED]"])
_UNTOLD_SIZES = (0, 10)

_NULL_TEXT = pa.scalar(None, pa.string())
_WHOLE = r"^[+-]?[0-9]{1,18}$"
_REAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_TRUE = pa.array(["true", "True", "TRUE"])
_FALSE = pa.array(["false", "False", "FALSE"])

# Days that there are, from 1970 to 2259: Arrow raises on any other day or hour, and nanoseconds
# end in 2262.
_YEAR = "(?:19[7-9][0-9]|2[01][0-9]{2}|22[0-5][0-9])"
_LEAP_YEAR = (
    "(?:19(?:[79][26]|8[048])|20(?:[02468][048]|[13579][26])"
    "|21(?:0[48]|[2468][048]|[13579][26])|22(?:0[48]|[24][048]|[135][26]))"
)
_DAY_OF_YEAR = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME_OF_DAY = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
_ISO = rf"^(?:{_YEAR}-{_DAY_OF_YEAR}|{_LEAP_YEAR}-02-29)T{_TIME_OF_DAY}(Z|\+00:00)$"

_OLDEST = pa.scalar(0, pa.timestamp("us"))
_NEWEST = pa.scalar(datetime(2260, 1, 1), pa.timestamp("us"))  # noqa: DTZ001 - Arrow's have none
_SHORTEST = len("2026-11-20T10:00:00Z")


def read_text(values: ValueColumns) -> tuple[pa.Array, Mask]:
    """Read text; anything but a string becomes its JSON text."""
    text = values.column("string")
    if text.null_count:
        text = text_of(values)
    return _without_untold(text), _all(len(text))


def read_whole(values: ValueColumns) -> tuple[pa.Array, Mask]:
    """Read a whole number; a fraction is not one."""
    told = values.column("integer")
    if _holds(values, "string"):
        text = pc.utf8_ltrim(_matching(values.column("string"), _WHOLE), characters="+")
        told = pc.coalesce(told, text.cast(pa.int64()))
    if _holds(values, "double") or told.null_count:
        told = pc.coalesce(told, _whole_doubles(read_real(values)[0]))
    return told, _readable(values, told)


def read_real(values: ValueColumns) -> tuple[pa.Array, Mask]:
    """Read a number."""
    told = values.column("double")
    if _holds(values, "integer"):
        told = pc.coalesce(told, values.column("integer").cast(pa.float64(), safe=False))
    if _holds(values, "string"):
        text = _matching(values.column("string"), _REAL)
        told = pc.coalesce(told, text.cast(pa.float64()))
    return told, _readable(values, told)


def read_flag(values: ValueColumns) -> tuple[pa.Array, Mask]:
    """Read a boolean."""
    told = values.column("boolean")
    if _holds(values, "string"):
        text = values.column("string")
        word = pc.if_else(pc.is_in(text, _TRUE), pa.scalar(True), pa.scalar(False))
        known = pc.or_(pc.is_in(text, _TRUE), pc.is_in(text, _FALSE))
        told = pc.coalesce(told, pc.if_else(known, word, pa.scalar(None, pa.bool_())))
    return told, _readable(values, told)


def read_time(values: ValueColumns) -> tuple[pa.Array, Mask]:
    """Read an ISO 8601 time in UTC."""
    told = _plain_times(values.column("string"))
    if told is None:
        text = _without_zone(_matching(values.column("string"), _ISO))
        told = text.cast(pa.timestamp("ns")).cast(pa.timestamp("us"), safe=False)
    return told, _readable(values, told)


def reader_of(kind: pa.DataType) -> Read:
    """Give the function that reads values of a column's type."""
    if pa.types.is_integer(kind):
        return read_whole
    if pa.types.is_floating(kind):
        return read_real
    if pa.types.is_boolean(kind):
        return read_flag
    return read_time if pa.types.is_timestamp(kind) else read_text


def _without_untold(text: pa.Array) -> pa.Array:
    sizes = _sizes(text)
    if not np.isin(sizes, _UNTOLD_SIZES).any():
        return text
    return pc.if_else(pc.is_in(text, _UNTOLD), _NULL_TEXT, text)


def _sizes(text: pa.Array) -> npt.NDArray[np.int32]:
    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)
    return np.diff(offsets[text.offset : text.offset + len(text) + 1])


def _matching(text: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, pattern), text, _NULL_TEXT)


def _plain_times(texts: pa.Array) -> pa.Array | None:
    """Read times if all of them are plain: with day and second, to the microsecond, of our age.

    Looking at each by a regular expression takes three times as long.
    """
    try:
        times = _without_zone(texts).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    of_our_age = pc.and_(pc.greater_equal(times, _OLDEST), pc.less(times, _NEWEST))
    plain = pc.and_(of_our_age, pc.greater_equal(pc.binary_length(texts), _SHORTEST))
    return times if pc.all(plain).as_py() else None


def _without_zone(texts: pa.Array) -> pa.Array:
    return pc.ascii_rtrim(pc.replace_substring(texts, "+00:00", ""), "Z")


def _whole_doubles(doubles: pa.Array) -> pa.Array:
    # Above this a double may stand for a text that meant its neighbour.
    bounded = pc.less(pc.abs(doubles), pa.scalar(2.0**53))
    whole = pc.and_(bounded, pc.equal(doubles, pc.trunc(doubles)))
    return pc.if_else(whole, doubles, pa.scalar(None, pa.float64())).cast(pa.int64())


def _holds(values: ValueColumns, kind: str) -> bool:
    return bool(values.column(kind).null_count < len(values))


def _all(count: int) -> Mask:
    return np.ones(count, dtype=bool)


def _readable(values: ValueColumns, told: pa.Array) -> Mask:
    if not told.null_count:
        return _all(len(told))
    untold = pc.fill_null(pc.is_in(values.column("string"), _UNTOLD), False)
    readable: Mask = pc.or_(told.is_valid(), untold).to_numpy(zero_copy_only=False)
    return readable
