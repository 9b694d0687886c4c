"""Bodies that cannot be decoded, whatever the receiver thinks of their telemetry."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .. import telemetry
from ..model import Level, Signal, Transport
from ..writing import as_json, dumped, written
from .ways import Way

Bad = tuple[str, Callable[[], bytes], Level | None]
_SERVICE_NAME = b"otlp-conformance"


def bad_bodies(way: Way) -> Iterator[Bad]:
    """Yield what is wrong, the body, and a level where it is not the rule's own."""
    whole = partial(_whole, way)
    yield "a body cut in the middle", lambda: whole()[: len(whole()) // 2], None
    # Protobuf asks for it, but parsers in use differ: gogo/protobuf lets it through.
    yield "text that is not UTF-8", lambda: _not_utf8(whole()), Level.PRACTICE
    if way.transport is Transport.JSON:
        yield "protobuf, told to be JSON", partial(_whole_as, way, Transport.PROTOBUF), None
        yield "a JSON array", lambda: b"[]", None
        yield "a number where a list belongs", partial(_number, way), None
        yield "0 bytes, which are no JSON", lambda: b"", Level.PRACTICE
    else:
        yield "JSON, told to be protobuf", partial(_whole_as, way, Transport.JSON), None
        yield "64 bytes of 0xFF", lambda: b"\xff" * 64, None


def deep(signal: Signal, at_ns: int) -> Any:
    """Give a request with an attribute nested deep, within what parsers take by default (100)."""
    request = telemetry.whole(signal, at_ns)
    attributes = telemetry.resources(request)[0].resource.attributes
    value = attributes.add(key="conformance.deep").value
    for _ in range(30):
        value = value.array_value.values.add()
    value.bool_value = True
    return request


def _whole(way: Way) -> bytes:
    return _whole_as(way, way.transport)


def _whole_as(way: Way, transport: Transport) -> bytes:
    return written(telemetry.whole(way.signal, way.at_ns), transport)


def _not_utf8(body: bytes) -> bytes:
    return body.replace(_SERVICE_NAME, b"\xff" * len(_SERVICE_NAME))


def _number(way: Way) -> bytes:
    (name,) = as_json(telemetry.whole(way.signal, way.at_ns))
    return dumped({name: 5})
