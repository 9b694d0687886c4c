"""Cut OTLP's message descriptors to what we store, with attributes and values left as bytes.

On the wire a message and a ``bytes`` field look alike. An array or kvlist is declared as bytes
because an Arrow schema cannot be recursive and ``AnyValue`` is: nested values are decoded level
by level. Attributes and bodies are declared as bytes because most of them repeat: telling them
apart as bytes and decoding each one once takes 2.1 us a record where decoding all takes 3.5
(Claude Code's `api_request`, 21 attributes, 1,000 records a request).

All of these are declared as repeated. Protobuf merges a message that is told twice, where of
bytes the last would stand: so that a second one can be seen.
"""

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

PACKAGE = "agentpond.wire"

SOURCES: tuple[FileDescriptor, ...] = (
    common_pb2.DESCRIPTOR,
    resource_pb2.DESCRIPTOR,
    logs_pb2.DESCRIPTOR,
    metrics_pb2.DESCRIPTOR,
    trace_pb2.DESCRIPTOR,
    logs_service_pb2.DESCRIPTOR,
    metrics_service_pb2.DESCRIPTOR,
    trace_service_pb2.DESCRIPTOR,
)

_AS_BYTES = {"array_value", "kvlist_value", "attributes", "body"}

# Nothing of ours reads these; a field that is not declared is skipped at no cost. `key_strindex`
# has no meaning outside profiles (common.proto: "treat as absent"); `string_value_strindex` has
# none either, but is a member of AnyValue's oneof.
_LEFT_OUT = {"entity_refs", "exemplars", "metadata", "key_strindex", "description"}


def wire_descriptor(message: str) -> Descriptor:
    """Give the cut descriptor of one OTLP message, by its bare name."""
    return _POOL.FindMessageTypeByName(f"{PACKAGE}.{message}")


def _cut_file() -> bytes:
    cut = FileDescriptorProto(name="agentpond/wire.proto", package=PACKAGE, syntax="proto3")
    for source in SOURCES:
        proto = FileDescriptorProto()
        source.CopyToProto(proto)
        cut.message_type.extend(_cut_message(message) for message in proto.message_type)
    return cut.SerializeToString()


def _cut_message(message: DescriptorProto) -> DescriptorProto:
    fields = [_cut_field(field) for field in message.field if field.name not in _LEFT_OUT]
    return DescriptorProto(
        name=message.name,
        field=fields,
        nested_type=[_cut_message(nested) for nested in message.nested_type],
        oneof_decl=message.oneof_decl,
    )


def _cut_field(field: FieldDescriptorProto) -> FieldDescriptorProto:
    cut = FieldDescriptorProto()
    cut.CopyFrom(field)
    if field.name in _AS_BYTES:
        cut.type = FieldDescriptorProto.TYPE_BYTES
        cut.label = FieldDescriptorProto.LABEL_REPEATED
        cut.ClearField("type_name")
        cut.ClearField("oneof_index")
    elif field.type == FieldDescriptorProto.TYPE_ENUM:
        cut.type = FieldDescriptorProto.TYPE_INT32
        cut.ClearField("type_name")
    elif field.type_name:
        # ".opentelemetry.proto.metrics.v1.SummaryDataPoint.ValueAtQuantile", version and all
        _, _, name = field.type_name.partition(".v1.")
        cut.type_name = f".{PACKAGE}.{name}"
    return cut


_POOL = DescriptorPool()
_POOL.AddSerializedFile(_cut_file())
