"""Turn how a request ended into what its sender is told, over gRPC and over HTTP."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.signal import Accepted, Encoding, Signal

Refusal = Retryable | Permanent
Ended = Accepted | Refusal
"""How a request ended."""

CONTENT_TYPES = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}

# A gRPC status travels in HTTP/2 headers, twice (as text and in grpc-status-details-bin), and
# gRPC clients take 8 KiB of headers by default: grpc.max_metadata_size.
_MAX_MESSAGE_CHARS = 1000

_EMPTY = {Encoding.PROTOBUF: b"", Encoding.JSON: b"{}"}

_RESPONSES: dict[Signal, type[Any]] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceResponse,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceResponse,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceResponse,
}

_REJECTED = {
    Signal.TRACES: "rejected_spans",
    Signal.METRICS: "rejected_data_points",
    Signal.LOGS: "rejected_log_records",
}

_HTTP_STATUSES = {
    "not_found": 404,
    "bad_method": 405,
    "too_large": 413,
    "bad_content_type": 415,
    "bad_encoding": 415,
}

_CODES = {
    "not_found": code_pb2.UNIMPLEMENTED,
    "bad_method": code_pb2.UNIMPLEMENTED,
    "too_large": code_pb2.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def http_answer(ended: Ended, signal: Signal, encoding: Encoding) -> HttpAnswer:
    """Answer an export request that came over HTTP."""
    if isinstance(ended, Accepted):
        headers = {"Content-Type": CONTENT_TYPES[encoding]}
        return HttpAnswer(200, headers, success(ended, signal, encoding))
    return http_refusal(ended, encoding)


def http_refusal(error: Refusal, encoding: Encoding) -> HttpAnswer:
    """Refuse over HTTP: the status code, and a ``google.rpc.Status`` as the body."""
    headers = {"Content-Type": CONTENT_TYPES[encoding]}
    body = _written(status(error), encoding)
    if isinstance(error, Retryable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
        return HttpAnswer(503, headers, body)
    if error.reason == "bad_method":
        headers["Allow"] = "POST"
    return HttpAnswer(_HTTP_STATUSES.get(error.reason, 400), headers, body)


def success(accepted: Accepted, signal: Signal, encoding: Encoding) -> bytes:
    """Write the export response; ``partial_success`` is set only if there is something to say."""
    if not accepted.rejected and not accepted.message:
        return _EMPTY[encoding]
    told = {_REJECTED[signal]: accepted.rejected, "error_message": _shortened(accepted.message)}
    return _written(_RESPONSES[signal](partial_success=told), encoding)


def status(error: Refusal) -> status_pb2.Status:
    """Give the ``google.rpc.Status`` of a refusal, the same for both transports.

    Only a ``Retryable`` carries ``RetryInfo``: a client that sees RESOURCE_EXHAUSTED with it
    would send the same request for ever.
    """
    message = _shortened(str(error))
    if isinstance(error, Retryable):
        told = status_pb2.Status(code=code_pb2.UNAVAILABLE, message=message)
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        told.details.add().Pack(retry)
        return told
    code = _CODES.get(error.reason, code_pb2.INVALID_ARGUMENT)
    told = status_pb2.Status(code=code, message=message)
    if code == code_pb2.INVALID_ARGUMENT:
        wrong = error_details_pb2.BadRequest()
        wrong.field_violations.add(field="body", description=error.reason)
        told.details.add().Pack(wrong)
    return told


def _written(message: Message, encoding: Encoding) -> bytes:
    if encoding is Encoding.JSON:
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def _shortened(message: str) -> str:
    """Cut what is too long, and replace what protobuf cannot hold as text."""
    text = message.encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_MESSAGE_CHARS else text[: _MAX_MESSAGE_CHARS - 3] + "..."
