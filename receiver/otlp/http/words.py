"""Turn mistakes of senders into refusals that say what to do instead."""

import re

from ....pipeline.core.errors import Permanent, Retryable
from ....pipeline.core.signal import Encoding
from .. import admission
from .paths import all_of

_GRPC_TYPES = "application/grpc"
_GRPC_PATHS = "opentelemetry.proto."

_FORMS = {
    "application/x-www-form-urlencoded": (
        "it is what curl -d sends unless told otherwise: add -H 'Content-Type: application/json'"
    ),
    "multipart/form-data": (
        "it is what a form or curl -F sends: post the message itself, with curl --data-binary"
    ),
    "text/plain": (
        "it is what fetch() sends with a text, and some clients by default: set the header"
    ),
}

# Of llhttp's and aiohttp's own words, those that tell one trouble from another.
_TOO_LONG = ("bytes when reading", "Too many headers", "Header overflow")
_OTHER_VERSION = "HTTP version"
_QUOTE = re.compile(r""":?\s*(?:\bb(?=['"])|bytearray|(?<=status line )['"])""")

_CODEX_ORDER = ("logs", "traces", "metrics")


def encoding_of(content_type: str | None, grpc_endpoint: str) -> Encoding:
    """Tell how a body is written; see ``admission.encoding_of`` for what it raises."""
    name = (content_type or "").partition(";")[0].strip().lower()
    if name.startswith(_GRPC_TYPES):
        raise grpc_came(grpc_endpoint)
    if name in _FORMS:
        raise Permanent(
            f"Content-Type: {name} is not taken here; {_FORMS[name]}. Send "
            f"application/x-protobuf or application/json.",
            reason="bad_content_type",
        )
    return admission.encoding_of(content_type)


def is_grpc(path: str, content_type: str | None) -> bool:
    """Tell whether a request was meant for a gRPC port."""
    return path.lstrip("/").startswith(_GRPC_PATHS) or (content_type or "").startswith(_GRPC_TYPES)


def grpc_came(grpc_endpoint: str) -> Permanent:
    """Say that this is the other port, and which one is right if there is one."""
    where = "no gRPC port is open here"
    if grpc_endpoint:
        where = (
            f"OTLP over gRPC is on {grpc_endpoint}: set "
            f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{grpc_endpoint}"
        )
    return Permanent(
        f"This is the OTLP/HTTP port, and gRPC was spoken to it; {where}. To stay on this port "
        f"set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.",
        reason="wrong_protocol",
    )


def http2_came() -> Permanent:
    """Say that HTTP/1.1 is spoken here."""
    return Permanent(
        f"HTTP/2 is not spoken here. POST to {all_of()} over HTTP/1.1.", reason="http_version"
    )


def speak_https() -> Permanent:
    """Say that this port wants TLS."""
    return Permanent(
        "This port speaks TLS, and plain text came. Use https:// "
        "(OTEL_EXPORTER_OTLP_ENDPOINT=https://...), and for an authority of your own "
        "OTEL_EXPORTER_OTLP_CERTIFICATE=<its certificate file>.",
        reason="wrong_protocol",
    )


def speak_http() -> Permanent:
    """Say that this port is without TLS."""
    return Permanent(
        "This port speaks plain HTTP, and a TLS hello came. Use http:// "
        "(OTEL_EXPORTER_OTLP_ENDPOINT=http://...), or give this receiver a certificate under "
        "protocols.http.tls.",
        reason="wrong_protocol",
    )


def no_handshake(error: Exception) -> Permanent:
    """Say why TLS did not come about; the client sees an alert, this is for our log."""
    return Permanent(
        f"TLS: no handshake: {str(error) or type(error).__name__}. Clients need to trust the "
        f"certificate (OTEL_EXPORTER_OTLP_CERTIFICATE), and where tls.client_ca_file is set to "
        f"show one (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY).",
        reason="tls_handshake",
    )


def crowded(open_now: int, setting: str) -> Retryable:
    """Say that there are as many connections as may be."""
    return Retryable(
        f"{open_now} connections are open, as many as {setting} allows. Keep connections open "
        f"instead of opening one for each request, and send again.",
        retry_after_s=5.0,
        reason="too_many_connections",
    )


def length_required() -> Permanent:
    """Ask for a length, without which a body would not be seen."""
    return Permanent(
        "Neither Content-Length nor Transfer-Encoding: chunked came, so that a body could not "
        "be told from a next request. Send one of them; Content-Length: 0 for no body.",
        reason="length_required",
    )


def headers_too_large(limit_bytes: int) -> Permanent:
    """Say that a head is over the limit."""
    return Permanent(
        f"head: more than {limit_bytes} bytes, or too many headers. Send fewer headers "
        f"(OTEL_EXPORTER_OTLP_HEADERS), or raise the receiver's max_header_bytes.",
        reason="headers_too_large",
    )


def slow_header(timeout_s: float) -> Permanent:
    """Say that a head did not come in time."""
    return Permanent(
        f"head: its end did not come within {timeout_s:g} s. Send first line and headers at once.",
        reason="slow_header",
    )


def untold_root(prefix: str = "") -> Permanent:
    """Say that a body posted to the root has to say which signal it is."""
    logs, traces, metrics = (f"http://...{prefix}/v1/{name}" for name in _CODEX_ORDER)
    return Permanent(
        f"POST {prefix}/: the path does not say which signal this is, and the body cannot be "
        f"told apart. POST to {all_of(prefix)}. In Codex: [otel] exporter = {{otlp-http = "
        f'{{endpoint = "{logs}", protocol = "binary"}}}}, and so trace_exporter with '
        f"{traces} and metrics_exporter with {metrics}.",
        reason="not_found",
    )


def broken_body(error: Exception) -> Permanent:
    """Name what the HTTP server could not read; with a host's server that may be the gzip."""
    gzip = "content-encoding" in str(error).lower()
    return Permanent(
        f"body: {_unquoted(str(error))}. Send it whole, as its headers say.",
        reason="broken_gzip" if gzip else "bad_http",
    )


def not_http(message: str, max_header_bytes: int) -> Permanent:
    """Say what the HTTP parser could not read."""
    if any(words in message for words in _TOO_LONG):
        return headers_too_large(max_header_bytes)
    reason = "http_version" if _OTHER_VERSION in message else "bad_http"
    return Permanent(
        f"Not a well-formed HTTP request: {_unquoted(message)}. POST OTLP over plain HTTP/1.1 "
        f"here; OTLP over gRPC has a port of its own.",
        reason=reason,
    )


def _unquoted(message: str) -> str:
    """Keep what the parser says, not what it quotes: that may be part of a body."""
    return " ".join(_QUOTE.split(message, maxsplit=1)[0].split()).rstrip(" .")
