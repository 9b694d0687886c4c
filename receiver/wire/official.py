"""Rewrite request bodies with the official classes, where ours cannot tell what they are.

A oneof that is told twice is a mistake no encoder makes, but protobuf says what it means: the
last one stands. Columns do not show which came last; the official classes do.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ...pipeline.core.errors import Permanent
from ...pipeline.core.signal import Signal

_REQUESTS: dict[Signal, type[Message]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}


class ToldTwice(Exception):
    """A message tells more than one member of a oneof; never leaves this package."""


def check_told_once(told: Iterable[npt.NDArray[np.bool_]]) -> None:
    """Check that each message tells one member of a oneof, or none.

    ``told`` has a mask for each member. Raises ToldTwice.
    """
    masks = list(told)
    if len(masks) > 1 and np.sum(masks, axis=0).max(initial=0) > 1:
        raise ToldTwice


def rewrite(signal: Signal, body: bytes) -> bytes:
    """Write a body as the official classes understand it: each oneof once.

    Raises:
        Permanent: it is not a message of that signal.

    """
    try:
        rewritten: bytes = _REQUESTS[signal].FromString(body).SerializeToString()
    except DecodeError as error:
        raise Permanent(
            f"the body is not OTLP in protobuf: {error}. "
            "Send the OTLP message as your exporter's SDK encodes it, uncut.",
            reason="invalid_protobuf",
        ) from error
    return rewritten
