"""Turn OTLP messages of the official classes into OTLP/JSON and back.

The official JSON functions do not do it: they write ids in base64, and OTLP wants hex.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from agentpond.pipeline.core.signal import Signal

from .reference import OFFICIAL

_IDS = {"trace_id", "span_id", "parent_span_id"}
_JSON_IDS = {"traceId", "spanId", "parentSpanId"}
_WIDE = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}
_DOUBLE = FieldDescriptor.TYPE_DOUBLE
_BYTES = FieldDescriptor.TYPE_BYTES
_MESSAGE = FieldDescriptor.TYPE_MESSAGE


@dataclass(frozen=True, slots=True)
class Writing:
    """How a sender writes what OTLP/JSON leaves open.

    Codex writes whole numbers as text and every absent field as null or empty; Claude Code
    writes attributes' whole numbers as numbers and leaves absent fields out.
    """

    wide_as_text: bool = True
    untold_as_null: bool = False
    upper_case_ids: bool = False
    unknown_keys: bool = False
    indent: int | None = None


def to_json(message: Message, writing: Writing) -> bytes:
    """Write a message as OTLP/JSON."""
    return json.dumps(_object(message, writing), indent=writing.indent).encode()


def from_json(signal: Signal, body: bytes) -> Message:
    """Read OTLP/JSON with the official classes."""
    told = _with_base64_ids(json.loads(body))
    return json_format.ParseDict(told, OFFICIAL[signal](), ignore_unknown_fields=True)


def _object(message: Message, writing: Writing) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if writing.unknown_keys:
        told["unknown"] = {"deep": [{"traceId": 7}, None]}
        told |= {field.name: [] for field in message.DESCRIPTOR.fields if "_" in field.name}
    if writing.untold_as_null:
        told |= {field.json_name: None for field in message.DESCRIPTOR.fields}
    for field, value in message.ListFields():
        many = field.is_repeated
        values = [_value(field, one, writing) for one in (value if many else [value])]
        told[field.json_name] = values if many else values[0]
    return told


def _value(field: FieldDescriptor, value: Any, writing: Writing) -> Any:
    if field.type == _MESSAGE:
        return _object(value, writing)
    if field.type == _BYTES:
        if field.name not in _IDS:
            return base64.b64encode(value).decode()
        return value.hex().upper() if writing.upper_case_ids else value.hex()
    if field.type in _WIDE:
        return str(value) if writing.wide_as_text else value
    return _double(value) if field.type == _DOUBLE else value


def _double(value: float) -> float | str:
    if value != value:  # noqa: PLR0124 - so NaN is told
        return "NaN"
    return {float("inf"): "Infinity", -float("inf"): "-Infinity"}.get(value, value)


def _with_base64_ids(told: Any) -> Any:
    if isinstance(told, list):
        return [_with_base64_ids(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in _JSON_IDS and isinstance(value, str)
        else _with_base64_ids(value)
        for key, value in told.items()
    }
