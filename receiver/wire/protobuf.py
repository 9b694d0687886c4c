"""Decode OTLP protobuf bodies, many in one call, into columns."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ptars import HandlerPool

from ...pipeline.core.errors import Permanent
from ...pipeline.core.signal import Signal
from .descriptors import wire_descriptor
from .hexadecimal import hex_of_bytes
from .node import Rows
from .official import ToldTwice
from .scatter import scatter

_REQUESTS = {
    Signal.LOGS: "ExportLogsServiceRequest",
    Signal.METRICS: "ExportMetricsServiceRequest",
    Signal.TRACES: "ExportTraceServiceRequest",
}

_NESTED = {"array_value": "ArrayValue", "kvlist_value": "KeyValueList"}
_PARTS = ("KeyValue", "AnyValue")


class NotDecoded(Permanent):
    """ptars refuses a body. The official classes may take it: a field 0 inside a group."""


def _handlers() -> dict[str, Any]:
    names = [*_REQUESTS.values(), *_NESTED.values(), *_PARTS]
    pool = HandlerPool([wire_descriptor(names[0]).file])
    return {name: pool.get_for_message(wire_descriptor(name)) for name in names}


_HANDLERS = _handlers()


class ProtobufNode:
    """Messages as ``ptars`` decoded them: one Arrow struct."""

    def __init__(self, messages: pa.StructArray) -> None:
        """Show the structs of an array."""
        self._messages = messages

    def __len__(self) -> int:
        """Count the messages."""
        return len(self._messages)

    def column(self, name: str) -> pa.Array:
        """Give a scalar field of each message."""
        return self._messages.field(name)

    def numbers(self, name: str) -> pa.Array:
        """Give a repeated scalar field as lists."""
        return self._messages.field(name)

    def child(self, name: str) -> Self:
        """Give a singular message field of each message."""
        return type(self)(self._messages.field(name))

    def told(self, name: str) -> Rows:
        """Give the rows in which a singular message field is present."""
        if name in _NESTED:
            return self._singular(name)[0]
        return _rows(self._messages.field(name).is_valid())

    def children(self, name: str) -> tuple[Rows, Self]:
        """Give a repeated message field end to end, and the row each one belongs to."""
        lists = self._messages.field(name)
        return _numbers(pc.list_parent_indices(lists)), type(self)(pc.list_flatten(lists))

    def attributes(self) -> tuple[Rows, Rows, Self]:
        """Give the attributes with each different one decoded once."""
        lists = self._messages.field("attributes")
        encoded = pc.dictionary_encode(pc.list_flatten(lists))
        owner = _numbers(pc.list_parent_indices(lists))
        return owner, _numbers(encoded.indices), self._decoded("KeyValue", encoded.dictionary)

    def values(self, name: str) -> tuple[pa.Array, Self]:
        """Give a singular AnyValue field with each different value decoded once."""
        rows, told = self._singular(name)
        encoded = pc.dictionary_encode(told)
        which = scatter(encoded.indices, rows, len(self))
        return which, self._decoded("AnyValue", encoded.dictionary)

    def hex_id(self, name: str, size: int) -> pa.Array:
        """Give an id in lower-case hex; null if it is absent or invalid."""
        return hex_of_bytes(self._messages.field(name), size)

    def nested(self, name: str) -> tuple[Rows, Rows, Self]:
        """Give the values of an AnyValue's array or kvlist, decoded one level deep."""
        rows, encoded = self._singular(name)
        holders = self._decoded(_NESTED[name], encoded)
        values = holders.column("values")
        owner = _numbers(pc.list_parent_indices(values))
        return rows, owner, type(self)(pc.list_flatten(values))

    def _singular(self, name: str) -> tuple[Rows, pa.Array]:
        """Give a message field that is told once at most: the rows that do, and its bytes."""
        lists = self._messages.field(name)
        rows = _numbers(pc.list_parent_indices(lists))
        if (np.diff(rows) == 0).any():
            raise ToldTwice
        return rows, pc.list_flatten(lists)

    def _decoded(self, message: str, encoded: pa.Array) -> Self:
        return type(self)(_decode(message, _HANDLERS[message].array_to_record_batch, encoded))


def decode_protobuf(signal: Signal, bodies: Sequence[bytes]) -> tuple[Rows, ProtobufNode]:
    """Decode request bodies of one signal in a single call.

    Returns:
        The resource envelopes (ResourceLogs, ResourceMetrics, ResourceSpans) of all bodies end
        to end, and for each the index of its body.

    Raises:
        NotDecoded: at least one body is not a message of that type.

    """
    message = _REQUESTS[signal]
    requests = _decode(message, _HANDLERS[message].list_to_record_batch, list(bodies))
    envelopes = requests.field(0)
    owner = _numbers(pc.list_parent_indices(envelopes))
    return owner, ProtobufNode(pc.list_flatten(envelopes))


def _decode(message: str, decode: Callable[[Any], pa.RecordBatch], encoded: Any) -> pa.StructArray:
    try:
        return decode(encoded).to_struct_array()
    except BaseException as error:
        if not isinstance(error, ValueError) and not _is_panic(error):
            raise
        raise NotDecoded(
            f"the body has no valid {message} in protobuf: {error}. "
            "Send the OTLP message as your exporter's SDK encodes it, uncut.",
            reason="invalid_protobuf",
        ) from error


def _is_panic(error: BaseException) -> bool:
    """Tell whether Rust code panicked: ptars 0.0.25 does at a length close to 2**64.

    pyo3 makes the class outside of ``Exception`` and under no name that could be imported.
    """
    return type(error).__name__ == "PanicException"


def _rows(mask: pa.BooleanArray) -> Rows:
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False)).astype(np.int64)


def _numbers(array: pa.Array) -> Rows:
    numbers: Rows = array.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return numbers
