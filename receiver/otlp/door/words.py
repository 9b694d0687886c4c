"""Turn what goes wrong on a connection into refusals that say what to do instead."""

import re

from ....pipeline.core.errors import Permanent, Retryable

GRPC_TYPES = "application/grpc"
_GRPC_PATHS = "opentelemetry.proto."

# Of llhttp's and aiohttp's own words, those that tell one trouble from another.
_TOO_LONG = ("bytes when reading", "Too many headers", "Header overflow")
_OTHER_VERSION = "HTTP version"
_QUOTE = re.compile(r""":?\s*(?:\bb(?=['"])|bytearray|(?<=status line )['"])""")

# What a port without TLS speaks, and where it would be given a certificate.
_SPOKEN = {"http": "HTTP", "grpc": "gRPC"}


def is_grpc(path: str, content_type: str | None) -> bool:
    """Tell whether a request was meant for a gRPC port."""
    return path.lstrip("/").startswith(_GRPC_PATHS) or (content_type or "").startswith(GRPC_TYPES)


def speak_https() -> Permanent:
    """Say that this port wants TLS."""
    return Permanent(
        "This port speaks TLS, and plain text came. Use https:// "
        "(OTEL_EXPORTER_OTLP_ENDPOINT=https://...), and for an authority of your own "
        "OTEL_EXPORTER_OTLP_CERTIFICATE=<its certificate file>.",
        reason="wrong_protocol",
    )


def speak_http(protocol: str) -> Permanent:
    """Say that this port, of ``grpc`` or ``http``, is without TLS."""
    return Permanent(
        f"This port speaks plain {_SPOKEN[protocol]}, and a TLS hello came. Use http:// "
        f"(OTEL_EXPORTER_OTLP_ENDPOINT=http://...), or give this receiver a certificate under "
        f"protocols.{protocol}.tls.",
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


def not_http(message: str, max_header_bytes: int) -> Permanent:
    """Say what the HTTP parser could not read."""
    if any(words in message for words in _TOO_LONG):
        return headers_too_large(max_header_bytes)
    reason = "http_version" if _OTHER_VERSION in message else "bad_http"
    return Permanent(
        f"Not a well-formed HTTP request: {unquoted(message)}. POST OTLP over plain HTTP/1.1 "
        f"here; OTLP over gRPC has a port of its own.",
        reason=reason,
    )


def unquoted(message: str) -> str:
    """Keep what the parser says, not what it quotes: that may be part of a body."""
    return " ".join(_QUOTE.split(message, maxsplit=1)[0].split()).rstrip(" .")
