"""Turn a protobuf body into one that is wrong in its fields, with the lengths around it right.

Bytes damaged blindly mostly break a length, and the decoder refuses at once. Here the damage is
inside of a field, and everything around it is written anew to fit.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from ..receiver.wire.bytewise import (
    END_GROUP,
    FIXED64,
    GROUP,
    LENGTH,
    VARINT,
    arrays,
    kvlists,
    message,
    tag,
    varint,
)
from .damage import damaged

FIXED32 = 5
_HUGE = (-1, 1 << 63, 1 << 62, 1 << 32, (1 << 32) - 1, 1 << 31, (1 << 31) - 1, 1 << 20, 0)
_BAD_TEXT = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"ab\xe2\x82", b"\0")
_SIZES = {FIXED64: 8, FIXED32: 4}
_ATTRIBUTE = 200


class NotProtobuf(Exception):
    """Bytes that cannot be split into fields."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it stands on the wire; ``value`` is without tag and length."""

    number: int
    wire_type: int
    value: bytes

    def encoded(self) -> bytes:
        if self.wire_type == LENGTH:
            return message(self.number, self.value)
        return tag(self.number, self.wire_type) + self.value


def split(body: bytes) -> list[Field]:
    """Split a message into its fields. Raises NotProtobuf; groups are not read."""
    return list(_fields(body))


def broken(body: bytes, kind: Any, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Damage one field somewhere in a message; ``kind`` is its descriptor."""
    try:
        fields = split(body)
    except NotProtobuf:
        return damaged(body, others, dice)
    if not fields:
        return _invented(kind, dice)
    at = dice.randrange(len(fields))
    inner = _message_in(kind, fields[at])
    if inner is not None and dice.random() < 0.85:
        deeper = broken(fields[at].value, inner, others, dice)
        patch = Field(fields[at].number, LENGTH, deeper).encoded()
    else:
        patch = dice.choice(_BREAKS)(fields[at], kind, dice)
    whole = [field.encoded() for field in fields]
    return b"".join([*whole[:at], patch, *whole[at + 1 :]])


def _fields(body: bytes) -> Iterator[Field]:
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        number, wire_type = key >> 3, key & 7
        start = at
        if wire_type == VARINT:
            _, at = _varint(body, at)
        elif wire_type == LENGTH:
            size, start = _varint(body, at)
            at = start + size
        elif wire_type in _SIZES:
            at += _SIZES[wire_type]
        else:
            raise NotProtobuf
        if at > len(body):
            raise NotProtobuf
        yield Field(number, wire_type, body[start:at])


def _varint(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise NotProtobuf


def _message_in(kind: Any, field: Field) -> Any:
    known = kind.fields_by_number.get(field.number)
    if known is None or field.wire_type != LENGTH:
        return None
    return known.message_type


def _known(kind: Any, dice: random.Random) -> FieldDescriptor:
    found: FieldDescriptor = dice.choice(kind.fields)
    return found


def _invented(kind: Any, dice: random.Random) -> bytes:
    """Write a field of the type that is not there yet, with a value that may not fit."""
    number = _known(kind, dice).number
    return dice.choice(
        (
            message(number, dice.randbytes(dice.randrange(12))),
            message(number, dice.choice(_BAD_TEXT)),
            message(number),
            tag(number, VARINT) + varint(dice.choice(_HUGE)),
            tag(number, FIXED64) + dice.randbytes(8),
            tag(number, FIXED32) + dice.randbytes(4),
        )
    )


def _drop(_field: Field, _kind: Any, _dice: random.Random) -> bytes:
    return b""


def _tell_again(field: Field, _kind: Any, dice: random.Random) -> bytes:
    return field.encoded() * dice.choice((2, 2, 3, 50))


def _tell_beside(field: Field, kind: Any, dice: random.Random) -> bytes:
    return field.encoded() + _invented(kind, dice)


def _tell_before(field: Field, kind: Any, dice: random.Random) -> bytes:
    return _invented(kind, dice) + field.encoded()


def _rename(field: Field, kind: Any, dice: random.Random) -> bytes:
    number = dice.choice((_known(kind, dice).number, 0, 99, 2**29 - 1, 2**29, field.number + 1))
    return Field(number, field.wire_type, field.value).encoded()


def _retype(field: Field, _kind: Any, dice: random.Random) -> bytes:
    return tag(field.number, dice.randrange(8)) + field.value


def _lie_about_length(field: Field, _kind: Any, dice: random.Random) -> bytes:
    size = dice.choice((*_HUGE, len(field.value) + 1, max(0, len(field.value) - 1)))
    return tag(field.number, LENGTH) + varint(size) + field.value


def _stretch_varints(field: Field, _kind: Any, dice: random.Random) -> bytes:
    """Write tag, length or number in more bytes than are needed, and than are allowed."""
    more = dice.randrange(1, 10)
    long_tag = _longer(tag(field.number, field.wire_type), dice.choice((0, more)))
    if field.wire_type == VARINT:
        return long_tag + _longer(field.value, more)
    size = _longer(varint(len(field.value)), more) if field.wire_type == LENGTH else b""
    return long_tag + size + field.value


def _longer(number: bytes, more: int) -> bytes:
    if not more or not number:
        return number
    return number[:-1] + bytes([number[-1] | 0x80]) + b"\x80" * (more - 1) + b"\0"


def _change_value(field: Field, _kind: Any, dice: random.Random) -> bytes:
    if field.wire_type == VARINT:
        return tag(field.number, VARINT) + varint(dice.choice((*_HUGE, dice.getrandbits(64))))
    if field.wire_type == LENGTH:
        return message(field.number, damaged(field.value, (), dice))
    extremes = (b"\0" * 8, b"\xff" * 8, b"\0\0\0\0\0\0\xf0\x7f", b"\0\0\0\0\0\0\xf8\xff")
    size = _SIZES[field.wire_type]
    return tag(field.number, field.wire_type) + dice.choice((*extremes, dice.randbytes(8)))[:size]


def _spoil_text(field: Field, _kind: Any, dice: random.Random) -> bytes:
    return message(field.number, field.value[: dice.randrange(9)], dice.choice(_BAD_TEXT))


def _group(field: Field, _kind: Any, dice: random.Random) -> bytes:
    number = dice.choice((field.number, 99))
    closing = dice.choice((number, number, number + 1))
    return tag(number, GROUP) + field.encoded() + tag(closing, END_GROUP)


def _nest(field: Field, _kind: Any, dice: random.Random) -> bytes:
    nest = dice.choice((arrays, kvlists))
    value = nest(dice.choice((1, 2, 5, 29, 30, 31, 32, 46, 47, 48, 49, 100, _ATTRIBUTE)))
    return message(field.number, message(1, b"k"), message(2, value)) + field.encoded()


_BREAKS = (
    *(_drop, _tell_again, _tell_beside, _tell_before, _rename, _retype),
    *(_lie_about_length, _stretch_varints, _change_value, _change_value),
    *(_spoil_text, _group, _nest),
)
