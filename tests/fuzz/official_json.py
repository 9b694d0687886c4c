"""Say of an OTLP/JSON body whether it is valid, and what it says, by the official classes.

``json_format`` alone is not the judge: OTLP writes ids in hex and enums as numbers and ignores
keys that are not lowerCamelCase, and Python's version takes what ProtoJSON's text and the C++
version refuse (``true`` for 1.0, ``"1_000"``). So a body is checked against ProtoJSON field by
field, with the official descriptors, and what is left is handed to ``json_format``.
Sources: OTLP specification, "JSON Protobuf Encoding"; protobuf.dev, "ProtoJSON Format".
"""

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from agentpond.pipeline.core.signal import Signal

from ..receiver.wire.reference import OFFICIAL

_IDS = {"trace_id", "span_id", "parent_span_id"}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_BASE64 = re.compile(r"([A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = ("NaN", "Infinity", "-Infinity")
_DEEPEST = 101
_MOST_DIGITS = 1000
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
}


class Invalid(Exception):
    """A body that ProtoJSON or OTLP refuses."""


class Open(Exception):
    """A body on which the official implementations or the specifications do not agree."""


def read(signal: Signal, body: bytes) -> Message:
    """Read a body. Raises Invalid, or Open where either answer is right."""
    try:
        told = json.loads(
            body.decode(),
            parse_constant=_refuse_constant,
            parse_int=_whole,
            object_pairs_hook=_without_repeats,
        )
    except RecursionError as error:
        raise Open("nested deeper than Python's parser goes") from error
    except ValueError as error:
        raise Invalid(str(error)) from error
    kind = OFFICIAL[signal].DESCRIPTOR
    message: Message = json_format.ParseDict(
        _message(kind, told, 1),
        OFFICIAL[signal](),
        max_recursion_depth=_DEEPEST + 1,
    )
    return message


def _refuse_constant(name: str) -> Any:
    raise Invalid(f"{name} is no JSON")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(members)
    if len(told) != len(members):
        raise Open("a key stands twice in an object: RFC 8259 leaves open what it means")
    return told


def _message(kind: Any, told: Any, depth: int) -> dict[str, Any]:
    """Leave of an object what OTLP knows, each value checked."""
    if not isinstance(told, dict):
        raise Invalid(f"{kind.name} is no object")
    if depth > _DEEPEST:
        raise Invalid("nested too deep")
    known = {field.json_name: field for field in kind.fields}
    kept = {name: value for name, value in told.items() if name in known and value is not None}
    _look_for_surrogates({name: value for name, value in told.items() if name not in known})
    oneofs = [known[name].containing_oneof for name in kept]
    named = [oneof.full_name for oneof in oneofs if oneof is not None]
    if len(set(named)) < len(named):
        raise Invalid("two members of a oneof")
    read_all = {name: _field(known[name], value, depth) for name, value in kept.items()}
    return {name: value for name, value in read_all.items() if value is not None}


def _look_for_surrogates(unknown: Any) -> None:
    if _SURROGATE.search(json.dumps(unknown, ensure_ascii=False)):
        raise Open("half a surrogate pair where nobody reads it")


def _field(field: FieldDescriptor, told: Any, depth: int) -> Any:
    if not field.is_repeated:
        return _one(field, told, depth)
    if not isinstance(told, list):
        raise Invalid(f"{field.json_name} is no list")
    if None in told:
        raise Invalid(f"{field.json_name} has null for an element")
    return [_one(field, one, depth) for one in told]


def _one(field: FieldDescriptor, told: Any, depth: int) -> Any:
    if field.message_type is not None:
        return _message(field.message_type, told, depth + 1)
    return _SCALARS[field.cpp_type](field, told)


def _integer(field: FieldDescriptor, told: Any) -> int:
    number = _number(field, told)
    if not isinstance(number, int):
        if not number.is_integer():
            raise Invalid(f"{field.json_name}: {told!r} is no whole number")
        number = int(number)
    low, high = _RANGES[field.cpp_type]
    if not low <= number < high:
        raise Invalid(f"{field.json_name}: {told!r} is out of range")
    return number


def _double(field: FieldDescriptor, told: Any) -> float | str:
    if told in _WORDS:
        return str(told)
    number = _number(field, told)
    try:
        real = float(number)
    except OverflowError as error:
        raise Invalid(f"{field.json_name}: {told!r} is no double") from error
    if math.isfinite(real):
        return real
    if isinstance(told, str):
        raise Open("Python's version takes infinities told as large numbers, C++'s does not")
    raise Invalid(f"{field.json_name}: {told!r} is no double")


def _number(field: FieldDescriptor, told: Any) -> int | float:
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        raise Invalid(f"{field.json_name}: {told!r} is no number")
    if not isinstance(told, str):
        return told
    if _NUMBER.match(told):
        return _text_number(told)
    if _python_takes(told):
        raise Open("Python's version takes it, C++'s does not")
    raise Invalid(f"{field.json_name}: {told!r} is no number")


def _text_number(told: str) -> int | float:
    try:
        return int(told)
    except ValueError:
        pass
    real = float(told)
    if real.is_integer() and abs(real) >= 2**53:
        raise Open("a whole number told as a fraction, beyond what a double holds")
    if real.is_integer() != (_fraction(told) == 0):
        raise Open("a fraction so small that a double does not tell it")
    return real


def _fraction(told: str) -> int:
    """Say 0 if a decimal is a whole number."""
    mantissa, _, exponent = told.lower().partition("e")
    digits = mantissa.partition(".")[2].rstrip("0")
    return int(max(0, len(digits) - int(exponent or 0)) > 0 and not _is_zero(mantissa))


def _is_zero(mantissa: str) -> bool:
    return not mantissa.strip("-0.")


def _python_takes(told: str) -> bool:
    try:
        float(told)
    except ValueError:
        return False
    return True


def _flag(field: FieldDescriptor, told: Any) -> bool:
    if not isinstance(told, bool):
        raise Invalid(f"{field.json_name}: {told!r} is no flag")
    return told


def _enum(field: FieldDescriptor, told: Any) -> int:
    if isinstance(told, bool) or not isinstance(told, int):
        # OTLP: "values of enum fields MUST be encoded as integer values".
        if isinstance(told, float) and told.is_integer():
            raise Open("1.0 for an enum's number")
        raise Invalid(f"{field.json_name}: {told!r} is no enum's number")
    if not -(2**31) <= told < 2**31:
        raise Invalid(f"{field.json_name}: {told!r} is out of range")
    return told


def _text(field: FieldDescriptor, told: Any) -> str | None:
    if not isinstance(told, str):
        raise Invalid(f"{field.json_name}: {told!r} is no text")
    if field.type == FieldDescriptor.TYPE_BYTES and field.name in _IDS:
        return _id(told)
    if _SURROGATE.search(told):
        raise Invalid(f"{field.json_name} has half a surrogate pair")
    return _base64(field, told) if field.type == FieldDescriptor.TYPE_BYTES else told


def _id(told: str) -> str | None:
    """Leave an id out that is none: OTLP asks to take the record, and not the id."""
    if _SURROGATE.search(told):
        raise Open("half a surrogate pair in an id")
    if not re.fullmatch("([0-9a-fA-F]{2})*", told):
        return None
    return base64.b64encode(bytes.fromhex(told)).decode()


def _base64(field: FieldDescriptor, told: str) -> str:
    characters = told.rstrip("=")
    padded = len(characters) < len(told)
    if not _BASE64.match(told) or len(characters) % 4 == 1 or (padded and len(told) % 4):
        if all(character.isascii() for character in told):
            raise Open("Python's version skips what is no base64, C++'s does not")
        raise Invalid(f"{field.json_name} is no base64")
    return told.replace("+", "-").replace("/", "_")


_SCALARS: dict[int, Callable[[FieldDescriptor, Any], Any]] = {
    **dict.fromkeys(_RANGES, _integer),
    FieldDescriptor.CPPTYPE_DOUBLE: _double,
    FieldDescriptor.CPPTYPE_BOOL: _flag,
    FieldDescriptor.CPPTYPE_ENUM: _enum,
    FieldDescriptor.CPPTYPE_STRING: _text,
}
