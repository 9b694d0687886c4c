"""Turn protobuf messages into the bytes of a transport: protobuf, or OTLP's own JSON."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import json_format

from .model import Transport

ID_KEYS = frozenset({"traceId", "spanId", "parentSpanId"})


def written(message: Any, transport: Transport) -> bytes:
    """Write a message as the transport has it."""
    if transport is Transport.JSON:
        return dumped(as_json(message))
    data: bytes = message.SerializeToString()
    return data


def as_json(message: Any) -> Any:
    """Give a message as OTLP/JSON: like ProtoJSON, but ids are hex and enums numbers."""
    told = json_format.MessageToDict(message, use_integers_for_enums=True)
    for owner in objects(told):
        for key in ID_KEYS & owner.keys():
            owner[key] = base64.b64decode(owner[key]).hex()
    return told


def dumped(told: Any) -> bytes:
    """Write JSON text as compactly as exporters do."""
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def objects(told: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in a value, outer ones first."""
    if isinstance(told, dict):
        yield told
        for value in list(told.values()):
            yield from objects(value)
    elif isinstance(told, list):
        for value in told:
            yield from objects(value)


def changed(told: Any, keys: frozenset[str], change: Callable[[Any], Any]) -> Any:
    """Change the values of some keys, wherever they stand, in place."""
    for owner in objects(told):
        for key in keys & owner.keys():
            value = owner[key]
            owner[key] = list(map(change, value)) if isinstance(value, list) else change(value)
    return told
