"""Turn mistakes of senders into refusals that say what to do instead."""

from ....pipeline.core.errors import Permanent
from ....pipeline.core.signal import Encoding
from .. import admission
from ..door.words import GRPC_TYPES, unquoted
from .paths import all_of

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

_CODEX_ORDER = ("logs", "traces", "metrics")


def encoding_of(content_type: str | None, grpc_url: str) -> Encoding:
    """Tell how a body is written; see ``admission.encoding_of`` for what it raises."""
    name = (content_type or "").partition(";")[0].strip().lower()
    if name.startswith(GRPC_TYPES):
        raise grpc_came(grpc_url)
    if name in _FORMS:
        raise Permanent(
            f"Content-Type: {name} is not taken here; {_FORMS[name]}. Send "
            f"application/x-protobuf or application/json.",
            reason="bad_content_type",
        )
    return admission.encoding_of(content_type)


def grpc_came(grpc_url: str) -> Permanent:
    """Say that this is the other port, and which one is right if there is one."""
    where = "no gRPC port is open here"
    if grpc_url:
        where = f"OTLP over gRPC is on {grpc_url}: set OTEL_EXPORTER_OTLP_ENDPOINT={grpc_url}"
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
        f"body: {unquoted(str(error))}. Send it whole, as its headers say.",
        reason="broken_gzip" if gzip else "bad_http",
    )
