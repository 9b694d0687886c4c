"""Turn how a request ended into what its sender is told, over gRPC and over HTTP."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
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

# A gRPC status travels in HTTP/2 headers, twice (percent-encoded, so up to three times as long,
# and in grpc-status-details-bin, a third longer), and gRPC clients take 8 KiB of headers by
# default: grpc.max_metadata_size. HTTP gets the same words.
MAX_MESSAGE_BYTES = 1200
_CUT = "..."
_MAX_PHRASE_CHARS = 300

RETRY_INFO = "google.rpc.retryinfo-bin"
"""The name of the trailer with a delay alone."""

# What OTLP recommends ("Response size"), and the least that holds an answer without words.
MAX_ANSWER_BYTES = 4 * 1024**2
LEAST_ANSWER_BYTES = 512

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
    "unauthenticated": 401,
    "forbidden_host": 403,
    "forbidden_origin": 403,
    "not_found": 404,
    "bad_method": 405,
    "slow_header": 408,
    "length_required": 411,
    "too_large": 413,
    "bad_content_type": 415,
    "bad_encoding": 415,
    "headers_too_large": 431,
    "http_version": 505,
}

_CODES = {
    "unauthenticated": code_pb2.UNAUTHENTICATED,
    "forbidden_host": code_pb2.PERMISSION_DENIED,
    "forbidden_origin": code_pb2.PERMISSION_DENIED,
    "not_found": code_pb2.UNIMPLEMENTED,
    "bad_method": code_pb2.UNIMPLEMENTED,
    "too_large": code_pb2.RESOURCE_EXHAUSTED,
    "http_version": code_pb2.UNIMPLEMENTED,
}

# What a status asks for beside the words: RFC 9110, 15.5.2 and 15.5.6.
_HEADERS = {
    "unauthenticated": ("WWW-Authenticate", "Bearer"),
    "bad_method": ("Allow", "POST"),
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reason: str = HTTPStatus.OK.phrase
    """What the status line says. OpenTelemetry's Python exporter shows its user nothing else."""


def http_answer(
    ended: Ended, signal: Signal, encoding: Encoding, limit_bytes: int = MAX_ANSWER_BYTES
) -> HttpAnswer:
    """Answer an export request that came over HTTP."""
    if isinstance(ended, Accepted):
        headers = {"Content-Type": CONTENT_TYPES[encoding]}
        return HttpAnswer(200, headers, success(ended, signal, encoding, limit_bytes))
    return http_refusal(ended, encoding, limit_bytes)


def http_refusal(
    error: Refusal, encoding: Encoding, limit_bytes: int = MAX_ANSWER_BYTES
) -> HttpAnswer:
    """Refuse over HTTP: the status code, and a ``google.rpc.Status`` as the body."""
    headers = {"Content-Type": CONTENT_TYPES[encoding]}
    body = _within(limit_bytes, str(error), lambda words: _written(status(error, words), encoding))
    if isinstance(error, Retryable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
        return HttpAnswer(503, headers, body, _phrase(503, error))
    if error.reason in _HEADERS:
        name, value = _HEADERS[error.reason]
        headers[name] = value
    code = _HTTP_STATUSES.get(error.reason, 400)
    return HttpAnswer(code, headers, body, _phrase(code, error))


def _phrase(code: int, error: Refusal) -> str:
    """Put the standard words and ours into a status line, which is ASCII (RFC 9112, 4)."""
    words = "".join(char if " " <= char <= "~" else "?" for char in str(error))
    return f"{HTTPStatus(code).phrase}: {words}"[:_MAX_PHRASE_CHARS]


def success(
    accepted: Accepted, signal: Signal, encoding: Encoding, limit_bytes: int = MAX_ANSWER_BYTES
) -> bytes:
    """Write the export response; ``partial_success`` is set only if there is something to say."""
    if not accepted.rejected and not accepted.message:
        return _EMPTY[encoding]

    def write(words: str) -> bytes:
        told = {_REJECTED[signal]: accepted.rejected, "error_message": words}
        return _written(_RESPONSES[signal](partial_success=told), encoding)

    return _within(limit_bytes, accepted.message, write)


def status(error: Refusal, words: str | None = None) -> status_pb2.Status:
    """Give the ``google.rpc.Status`` of a refusal, the same for both transports.

    Only a ``Retryable`` carries ``RetryInfo``: a client that sees RESOURCE_EXHAUSTED with it
    would send the same request for ever. ``words`` replace the error's own.
    """
    message = _shortened(str(error) if words is None else words)
    if isinstance(error, Retryable):
        told = status_pb2.Status(code=code_pb2.UNAVAILABLE, message=message)
        told.details.add().Pack(_retry_info(error))
        return told
    code = _CODES.get(error.reason, code_pb2.INVALID_ARGUMENT)
    told = status_pb2.Status(code=code, message=message)
    if code == code_pb2.INVALID_ARGUMENT:
        wrong = error_details_pb2.BadRequest()
        wrong.field_violations.add(field="body", description=error.reason)
        told.details.add().Pack(wrong)
    return told


def retry_info(error: Refusal) -> bytes | None:
    """Give the ``google.rpc.RetryInfo`` alone; None for what is not to be sent again."""
    return _retry_info(error).SerializeToString() if isinstance(error, Retryable) else None


def _retry_info(error: Retryable) -> error_details_pb2.RetryInfo:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
    return retry


def _written(message: Message, encoding: Encoding) -> bytes:
    if encoding is Encoding.JSON:
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def _within(limit_bytes: int, words: str, write: Callable[[str], bytes]) -> bytes:
    """Write an answer with as many of the words as the limit allows.

    OTLP specification, "Response size": shorten the message first. Without any words all of
    our answers are shorter than the least limit that can be set.
    """
    words = _shortened(words)
    answer = write(words)
    while len(answer) > limit_bytes and words:
        words = words[: len(words) // 2]
        answer = write(words)
    return answer


def _shortened(message: str) -> str:
    """Cut what is too long, and replace what protobuf cannot hold as text."""
    text = message.encode("utf-8", "replace")
    if len(text) <= MAX_MESSAGE_BYTES:
        return text.decode()
    return text[: MAX_MESSAGE_BYTES - len(_CUT)].decode("utf-8", "ignore") + _CUT
