"""Tell from a body alone which signal it holds, by looking at its first item only.

The three requests have the same envelope: resources in field 1, scopes in field 2, items in
field 2. What tells them apart is the items' own fields: their numbers and wire types.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from ..pipeline.core.signal import Encoding, Signal

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}

# A body of 64 MiB could hold 32 million empty envelopes.
_MOST_FIELDS = 1000
# Encoders write fields by number; only repeated ones are many.
_ENOUGH = 64
_JSON_HEAD_BYTES = 64 << 10
_LONGEST_VARINT = 10

# logs.proto, trace.proto, metrics.proto: the wire type of each field of an item.
_FIELDS: dict[Signal, Mapping[int, int]] = {
    Signal.LOGS: {
        **dict.fromkeys((1, 11), _FIXED64),
        **dict.fromkeys((2, 7), _VARINT),
        **dict.fromkeys((3, 5, 6, 9, 10, 12), _BYTES),
        8: _FIXED32,
    },
    Signal.TRACES: {
        **dict.fromkeys((1, 2, 3, 4, 5, 9, 11, 13, 15), _BYTES),
        **dict.fromkeys((6, 10, 12, 14), _VARINT),
        **dict.fromkeys((7, 8), _FIXED64),
        16: _FIXED32,
    },
    Signal.METRICS: dict.fromkeys((1, 2, 3, 5, 7, 9, 10, 11, 12), _BYTES),
}
# A field above a signal's highest is of a later version of OTLP: unknown there, but no mistake.
_HIGHEST = {signal: max(known) for signal, known in _FIELDS.items()}
_SPAN_ID_BYTES = {1: 16, 2: 8, 4: 8}
_METRIC_DATA = (5, 7, 9, 10, 11)
# data_points, aggregation_temporality, is_monotonic
_DATA_FIELDS = {1: _BYTES, 2: _VARINT, 3: _VARINT}

# Text inside a value cannot look like this: its quotes are escaped.
_JSON_KEY = re.compile(
    rb'"resource(?:(_?[Ll]ogs)|(_?[Mm]etrics)|(_?[Ss]pans))"\s*:\s*\[\s*\{\s*"', re.ASCII
)
_JSON_SIGNALS = (Signal.LOGS, Signal.METRICS, Signal.TRACES)


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    wire_type: int
    start: int
    end: int


class _Untold(Exception):
    """The bytes are no protobuf, or there are too many to look at; never leaves this module."""


def tell_signal(body: bytes, encoding: Encoding) -> Signal | None:
    """Tell which signal a request body holds; None if that cannot be told.

    It cannot be told of an empty request, of empty envelopes, of what is no OTLP, and of an
    item so poor that it could be of two signals. No bytes make it raise or take long.
    """
    if encoding is Encoding.JSON:
        found = _JSON_KEY.search(body, 0, _JSON_HEAD_BYTES)
        return _JSON_SIGNALS[found.lastindex - 1] if found and found.lastindex else None
    try:
        return _of_item(_Reader(body))
    except _Untold:
        return None


class _Reader:
    """Reads the fields of messages in a body, up to a number of them in all."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._left = _MOST_FIELDS

    def whole(self) -> _Field:
        """Show the body itself as a message."""
        return _Field(0, _BYTES, 0, len(self._body))

    def fields(self, message: _Field) -> Iterator[_Field]:
        """Yield the fields of a message. Raises _Untold."""
        at = message.start
        while at < message.end:
            self._left -= 1
            if not self._left:
                raise _Untold
            tag, at = self._varint(at, message.end)
            number, wire_type = tag >> 3, tag & 7
            start, at = self._extent(wire_type, at, message.end)
            if at > message.end or not number:
                raise _Untold
            yield _Field(number, wire_type, start, at)

    def messages(self, held: _Field, number: int) -> Iterator[_Field]:
        """Yield the messages in one field that are not empty. Raises _Untold."""
        for field in self.fields(held):
            if field.number == number and field.wire_type == _BYTES and field.end > field.start:
                yield field

    def _extent(self, wire_type: int, at: int, end: int) -> tuple[int, int]:
        """Say where a field's value begins and ends."""
        if wire_type == _VARINT:
            return at, self._varint(at, end)[1]
        if wire_type == _BYTES:
            size, start = self._varint(at, end)
            return start, start + size
        if wire_type not in _SIZES:
            raise _Untold
        return at, at + _SIZES[wire_type]

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        number = 0
        for place in range(at, min(end, at + _LONGEST_VARINT)):
            byte = self._body[place]
            number |= (byte & 0x7F) << 7 * (place - at)
            if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
                return number, place + 1
        raise _Untold


def _of_item(reader: _Reader) -> Signal | None:
    for resource in reader.messages(reader.whole(), 1):
        for scope in reader.messages(resource, 2):
            for item in reader.messages(scope, 2):
                fields = list(islice(reader.fields(item), _ENOUGH))
                fitting = [signal for signal in Signal if _fits(signal, fields, reader)]
                return fitting[0] if len(fitting) == 1 and _tells(fitting[0], fields) else None
    return None


def _tells(signal: Signal, fields: list[_Field]) -> bool:
    """Tell whether an item that fits is no poor one: a metric without data is but a text."""
    return signal is not Signal.METRICS or any(f.number in _METRIC_DATA for f in fields)


def _fits(signal: Signal, fields: list[_Field], reader: _Reader) -> bool:
    """Tell whether these can be the fields of one item of a signal."""
    known = _FIELDS[signal]
    told = [field for field in fields if field.number <= _HIGHEST[signal]]
    if any(known.get(field.number) != field.wire_type for field in told):
        return False
    if signal is Signal.TRACES:
        return all(_is_id(field) for field in fields)
    if signal is Signal.METRICS:
        return all(_is_data(field, reader) for field in fields if field.number in _METRIC_DATA)
    return True


def _is_id(field: _Field) -> bool:
    size = field.end - field.start
    return size in (0, _SPAN_ID_BYTES.get(field.number, size))


def _is_data(field: _Field, reader: _Reader) -> bool:
    try:
        held = islice(reader.fields(field), _ENOUGH)
        return all(_DATA_FIELDS.get(one.number) == one.wire_type for one in held)
    except _Untold:
        return False
