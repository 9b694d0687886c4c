"""Turn an input into smaller ones, of which one may break the same law."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from ..receiver.wire.bytewise import LENGTH
from .damage_protobuf import Field, NotProtobuf, split


def minimized(
    body: bytes,
    smaller: Callable[[bytes], Iterator[bytes]],
    breaks: Callable[[bytes], bool],
    tries: int = 2000,
) -> bytes:
    """Take away from a body for as long as what is left ``breaks`` the law."""
    found = True
    while found:
        found = False
        for candidate in smaller(body):
            tries -= 1
            if tries < 0:
                return body
            if len(candidate) < len(body) and breaks(candidate):
                body, found = candidate, True
                break
    return body


def shorter(body: bytes) -> Iterator[bytes]:
    """Leave out stretches, long ones first."""
    size = len(body)
    while size >= 1:
        for start in range(0, len(body), size):
            yield body[:start] + body[start + size :]
        size //= 2


def shorter_behind_first(body: bytes) -> Iterator[bytes]:
    """Leave out stretches behind the first byte."""
    for rest in shorter(body[1:]):
        yield body[:1] + rest


def shorter_protobuf(body: bytes) -> Iterator[bytes]:
    """Leave out fields at any depth, then bytes anywhere."""
    yield from _without_fields(body)
    yield from shorter(body)


def shorter_json(body: bytes) -> Iterator[bytes]:
    """Leave out members and elements at any depth, then bytes anywhere."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    for less in _without_members(told):
        yield json.dumps(less).encode("utf-8", "surrogatepass")
    yield from shorter(body)


def _without_fields(body: bytes) -> Iterator[bytes]:
    try:
        fields = split(body)
    except NotProtobuf:
        return
    parts = [field.encoded() for field in fields]
    for at, field in enumerate(fields):
        before, after = b"".join(parts[:at]), b"".join(parts[at + 1 :])
        yield before + after
        if field.wire_type == LENGTH:
            for less in _without_fields(field.value):
                yield before + Field(field.number, LENGTH, less).encoded() + after


def _without_members(told: Any) -> Iterator[Any]:
    if isinstance(told, dict):
        for key in told:
            yield {name: value for name, value in told.items() if name != key}
            for less in _without_members(told[key]):
                yield {**told, key: less}
    elif isinstance(told, list):
        for at, one in enumerate(told):
            yield told[:at] + told[at + 1 :]
            for less in _without_members(one):
                yield [*told[:at], less, *told[at + 1 :]]
