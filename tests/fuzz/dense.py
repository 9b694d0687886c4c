"""Make bodies of very many messages of next to nothing, which decode to far more than they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.wire.decode import decode

from ..receiver.wire import bytewise
from ..receiver.wire.reference import OFFICIAL

_SIGNALS = list(Signal)


@dataclass(frozen=True, slots=True)
class Shape:
    """A field that is told again and again, by the names of the fields around it."""

    signal: Signal
    path: tuple[str, ...]


def _shapes(signal: Signal, *paths: str) -> list[Shape]:
    return [Shape(signal, tuple(path.split("."))) for path in paths]


_LOGS = "resource_logs.scope_logs.log_records"
_METRICS = "resource_metrics.scope_metrics.metrics"
_SPANS = "resource_spans.scope_spans.spans"
_VALUES = (
    "attributes",
    "attributes.value.array_value.values",
    "attributes.value.kvlist_value.values",
)

SHAPES: Sequence[Shape] = [
    *_shapes(Signal.LOGS, "resource_logs", "resource_logs.scope_logs", _LOGS),
    *_shapes(Signal.LOGS, *(f"{_LOGS}.{path}" for path in _VALUES)),
    *_shapes(Signal.LOGS, *(f"resource_logs.resource.{path}" for path in _VALUES)),
    *_shapes(Signal.LOGS, f"{_LOGS}.body.array_value.values", "resource_logs.resource.entity_refs"),
    *_shapes(Signal.TRACES, _SPANS, f"{_SPANS}.events", f"{_SPANS}.links"),
    *_shapes(Signal.TRACES, *(f"{_SPANS}.links.{path}" for path in _VALUES)),
    *_shapes(Signal.METRICS, _METRICS, f"{_METRICS}.metadata"),
    *_shapes(Signal.METRICS, f"{_METRICS}.gauge.data_points", f"{_METRICS}.histogram.data_points"),
    *_shapes(Signal.METRICS, f"{_METRICS}.exponential_histogram.data_points"),
    *_shapes(Signal.METRICS, f"{_METRICS}.summary.data_points.quantile_values"),
    *_shapes(Signal.METRICS, f"{_METRICS}.gauge.data_points.exemplars"),
]


def body(encoding: Encoding, shape: Shape, times: int) -> bytes:
    """Write a request that tells an empty message many times; its first byte is the signal."""
    write = _json if encoding is Encoding.JSON else _protobuf
    return bytes([_SIGNALS.index(shape.signal)]) + write(shape, times)


def is_decoded_or_refused(encoding: Encoding, signal_and_body: bytes) -> None:
    """Decode a body; the judge looks at the memory that it takes."""
    if not signal_and_body:
        return
    signal = _SIGNALS[signal_and_body[0] % len(_SIGNALS)]
    try:
        decode(signal, encoding, [signal_and_body[1:]])
    except Permanent:
        return


def _protobuf(shape: Shape, times: int) -> bytes:
    kind: Any = OFFICIAL[shape.signal].DESCRIPTOR
    numbers = []
    for name in shape.path:
        field = kind.fields_by_name[name]
        numbers.append(field.number)
        kind = field.message_type
    written = bytewise.message(numbers[-1]) * times
    for number in reversed(numbers[:-1]):
        written = bytewise.message(number, written)
    return written


def _json(shape: Shape, times: int) -> bytes:
    kind: Any = OFFICIAL[shape.signal].DESCRIPTOR
    fields = []
    for name in shape.path:
        fields.append(kind.fields_by_name[name])
        kind = fields[-1].message_type
    written = ",".join(["{}"] * times)
    for field in reversed(fields):
        value = f"[{written}]" if field.is_repeated else written
        written = f'{{"{field.json_name}":{value}}}'
    return written.encode()
