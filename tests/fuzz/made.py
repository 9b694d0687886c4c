"""Make requests that hold every field OTLP has, so that fuzzing reaches each of them."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from agentpond.pipeline.core.signal import Signal

from ..receiver.wire.reference import OFFICIAL

_DEEPEST_VALUE = 2
_SCALARS = {
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_DOUBLE: 0.5,
    FieldDescriptor.CPPTYPE_ENUM: 1,
    FieldDescriptor.CPPTYPE_INT32: 3,
    FieldDescriptor.CPPTYPE_UINT32: 2,
    FieldDescriptor.CPPTYPE_INT64: -7,
    FieldDescriptor.CPPTYPE_UINT64: 1_795_169_696_914_874_878,
}
_IDS = {"trace_id": b"0123456789abcdef", "span_id": b"01234567", "parent_span_id": b"76543210"}


def requests(signal: Signal) -> list[Message]:
    """Give requests of a signal; between them they tell each member of each oneof."""
    kind = OFFICIAL[signal]
    made = []
    for turn in range(8):
        message = kind()
        _fill(message, turn, {})
        made.append(message)
    return list({one.SerializeToString(): one for one in made}.values())


def _fill(message: Message, turn: int, above: dict[str, int]) -> None:
    name = message.DESCRIPTOR.full_name
    if above.get(name, 0) >= _DEEPEST_VALUE:
        return
    inside = {**above, name: above.get(name, 0) + 1}
    for field in _chosen(message.DESCRIPTOR, turn):
        if field.message_type is not None:
            value = getattr(message, field.name)
            value = value.add() if field.is_repeated else value
            value.SetInParent()
            _fill(value, turn + 1, inside)
        elif field.is_repeated:
            getattr(message, field.name).extend([_scalar(field)] * 2)
        else:
            setattr(message, field.name, _scalar(field))


def _chosen(kind: Any, turn: int) -> list[FieldDescriptor]:
    """Give all fields, but of each oneof one."""
    oneofs = [oneof for oneof in kind.oneofs if len(oneof.fields) > 1]
    left_out = {
        field.name
        for oneof in oneofs
        for at, field in enumerate(oneof.fields)
        if at != turn % len(oneof.fields)
    }
    return [field for field in kind.fields if field.name not in left_out]


def _scalar(field: FieldDescriptor) -> object:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _IDS.get(field.name, b"\0\xff")
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return field.name
    return _SCALARS[field.cpp_type]
