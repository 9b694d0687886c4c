"""Give the bodies that fuzzing begins from: what agents sent, cut short, and some made by hand."""

import gzip
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from agentpond.pipeline.core.signal import Encoding, Signal

from ..golden.captures import captures
from ..receiver.wire import bytewise
from ..receiver.wire.otlp_json import Writing, to_json
from ..receiver.wire.reference import OFFICIAL
from .made import requests

_MOST_BODIES = 60
_MOST_BYTES = 4000
_ITEMS_KEPT = 2
# Larger ones hold more of the same.
_SLOW_BYTES = 60_000
_HELD = {
    *("resourceLogs", "scopeLogs", "logRecords", "resourceSpans", "scopeSpans", "spans"),
    *("resourceMetrics", "scopeMetrics", "metrics", "dataPoints", "events", "links"),
}


@lru_cache
def bodies(signal: Signal, encoding: Encoding) -> tuple[bytes, ...]:
    """Give bodies of a kind, small ones first; the same ones each time."""
    cut = _cut_json if encoding is Encoding.JSON else _cut_protobuf
    sent = {cut(signal, body) for body in _sent(signal, encoding)}
    short = sorted((body for body in sent if len(body) <= _MOST_BYTES), key=lambda b: (len(b), b))
    step = max(1, len(short) // _MOST_BODIES)
    return (*_made(signal, encoding), *short[::step])


def gzipped() -> list[bytes]:
    """Give gzip bodies: of several levels, members and headers, and one that is a bomb."""
    texts = [b"", b"a", *bodies(Signal.LOGS, Encoding.JSON)[:8], b"\0" * 2_000_000]
    packed = [gzip.compress(text, level, mtime=0) for text in texts for level in (0, 1, 9)]
    named = bytearray(packed[3])
    named[3] = 0x08
    with_name = bytes(named[:10]) + b"name\0" + bytes(named[10:])
    return [*packed, packed[3] + packed[4], packed[0] * 17, with_name, packed[4] + b"\0" * 9]


def _sent(signal: Signal, encoding: Encoding) -> Iterator[bytes]:
    for capture in captures():
        if capture.encoding is encoding:
            yield from (body for body in capture.bodies(signal) if len(body) < _SLOW_BYTES)


def _made(signal: Signal, encoding: Encoding) -> list[bytes]:
    made = requests(signal)
    if encoding is Encoding.JSON:
        writings = (Writing(), Writing(wide_as_text=False, untold_as_null=True, unknown_keys=True))
        return [b"{}", *(to_json(one, writing) for one in made for writing in writings)]
    odd = [bytewise.attribute(bytewise.arrays(20)), bytewise.attribute(bytewise.kvlists(20))]
    return [b"", *(one.SerializeToString() for one in made), *odd]


def _cut_protobuf(signal: Signal, body: bytes) -> bytes:
    message = OFFICIAL[signal].FromString(body)
    _cut_message(message)
    cut: bytes = message.SerializeToString()
    return cut


def _cut_message(message: Message) -> None:
    """Leave a few of the items of each list of messages that is not attributes."""
    for field, value in message.ListFields():
        if field.message_type is None or field.name == "attributes":
            continue
        if field.is_repeated:
            del value[_ITEMS_KEPT:]
        for one in value if field.is_repeated else [value]:
            _cut_message(one)


def _cut_json(_signal: Signal, body: bytes) -> bytes:
    return json.dumps(_cut_value(json.loads(body)), separators=(",", ":")).encode()


def _cut_value(told: Any) -> Any:
    if isinstance(told, list):
        return [_cut_value(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {
        key: _cut_value(value[:_ITEMS_KEPT] if key in _HELD else value)
        if isinstance(value, list)
        else _cut_value(value)
        for key, value in told.items()
    }
