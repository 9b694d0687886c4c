"""Write protobuf by hand, so that it can be wrong."""

from collections.abc import Callable

VARINT, FIXED64, LENGTH, GROUP, END_GROUP = 0, 1, 2, 3, 4


def varint(number: int) -> bytes:
    """Write a number; a negative one takes ten bytes, as protobuf has it."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def tag(field: int, wire_type: int) -> bytes:
    return varint(field << 3 | wire_type)


def whole(field: int, number: int) -> bytes:
    return tag(field, VARINT) + varint(number)


def fixed(field: int, eight_bytes: bytes) -> bytes:
    return tag(field, FIXED64) + eight_bytes


def message(field: int, *parts: bytes) -> bytes:
    """Write a message, text or bytes: all three look alike."""
    held = b"".join(parts)
    return tag(field, LENGTH) + varint(len(held)) + held


def item(*fields: bytes) -> bytes:
    """Write a request with one item: a log record, span or metric by its fields."""
    return message(1, message(2, message(2, *fields)))


def attribute(*value: bytes, key: bytes = b"k") -> bytes:
    """Write a log record with one attribute, whose AnyValue has these fields."""
    return item(message(6, message(1, key), message(2, *value)))


def arrays(levels: int) -> bytes:
    """Write an AnyValue of arrays in arrays around a text."""
    return _around(levels, lambda inner: message(5, message(1, inner)))


def kvlists(levels: int) -> bytes:
    """Write an AnyValue of kvlists in kvlists around a text."""
    return _around(levels, lambda inner: message(6, message(1, message(2, inner))))


def _around(levels: int, wrap: Callable[[bytes], bytes]) -> bytes:
    value = message(1, b"x")
    for _ in range(levels):
        value = wrap(value)
    return value
