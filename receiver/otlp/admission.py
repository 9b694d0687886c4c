"""Turn headers and raw bytes into an encoding and a body to decode, or refuse them."""

import asyncio
from concurrent.futures import Executor

from isal import isal_zlib

from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.signal import Encoding

_ENCODINGS = {
    "application/x-protobuf": Encoding.PROTOBUF,
    "application/json": Encoding.JSON,
}

GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31

# Deflate gives at most 1032 bytes for one, so this much costs the event loop some 15 ms at the
# very worst; more goes to a thread (isal lets go of the interpreter meanwhile).
_INLINE_BYTES = 16 * 1024

_SHOWN_CHARACTERS = 100

# Each member costs a copy of what follows it: a body of a million empty ones must not.
_MAX_GZIP_MEMBERS = 16


def encoding_of(content_type: str | None) -> Encoding:
    """Tell how a body is written; parameters and letter case do not matter.

    Raises:
        Permanent: the type is not one of OTLP's (``bad_content_type``).

    """
    found = _known(content_type)
    if found is None:
        raise Permanent(
            f"Content-Type: {shown(content_type or 'none')} is not taken here. Send "
            f"{' or '.join(_ENCODINGS)}.",
            reason="bad_content_type",
        )
    return found


def answer_encoding(content_type: str | None, accept: str | None) -> Encoding:
    """Choose how to write an answer: as the request, else as its sender says, else protobuf."""
    return _known(content_type) or _accepted(content_type, accept)


def _accepted(content_type: str | None, accept: str | None) -> Encoding:
    asked = (accept or "").lower()
    # Browsers ask for text/html. Who accepts anything and sends nothing (curl, a health check)
    # is no exporter, and a person may read the answer.
    person = "text/html" in asked or (content_type is None and asked != "")
    if "application/json" in asked or (person and "application/x-protobuf" not in asked):
        return Encoding.JSON
    return Encoding.PROTOBUF


def _known(content_type: str | None) -> Encoding | None:
    if content_type is None:
        return None
    return _ENCODINGS.get(content_type) or _ENCODINGS.get(
        content_type.partition(";")[0].strip().lower()
    )


def is_gzip(content_encoding: str | None) -> bool:
    """Tell whether a body has to be inflated.

    Raises:
        Permanent: it is compressed in a way that is not read here (``bad_encoding``).

    """
    if content_encoding is None:
        return False
    name = content_encoding.strip().lower()
    if name in {"gzip", "x-gzip"}:
        return True
    if name in {"", "identity", "none"}:
        return False
    raise Permanent(
        f"Content-Encoding: {shown(content_encoding)} is not read here. Send gzip "
        f"(OTEL_EXPORTER_OTLP_COMPRESSION=gzip), or leave it uncompressed (unset it).",
        reason="bad_encoding",
    )


def shown(text: str) -> str:
    """Repeat what a sender wrote, but not at any length."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def too_large(limit_bytes: int) -> Permanent:
    """Say that a body is over the limit, before or after inflating."""
    return Permanent(
        f"body: more than {limit_bytes} bytes (the limit holds before and after inflating). "
        f"Send fewer records in a request, or raise the receiver's max_request_bytes.",
        reason="too_large",
    )


def too_slow(timeout_s: float) -> Retryable:
    """Say that a body did not come in time."""
    return Retryable(
        f"body: not all of it came within {timeout_s:g} s. Send it again, and faster.",
        reason="slow_body",
    )


async def inflated(body: bytes, limit_bytes: int, threads: Executor) -> bytes:
    """Inflate a gzip body without holding up the event loop; fails as ``inflate`` does."""
    if len(body) <= _INLINE_BYTES:
        return inflate(body, limit_bytes)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, inflate, body, limit_bytes)


def inflate(body: bytes, limit_bytes: int) -> bytes:
    """Inflate a gzip body, never to more than ``limit_bytes``.

    Raises:
        Permanent: it is no gzip or cut short (``broken_gzip``), or too much (``too_large``).

    """
    members: list[bytes] = []
    left_bytes, rest = limit_bytes, body
    while rest or not members:
        if len(members) == _MAX_GZIP_MEMBERS:
            raise _broken(f"more than {_MAX_GZIP_MEMBERS} members")
        # One byte over the limit is enough to know; zero would mean "no limit" to isal.
        member, rest = _member(rest, left_bytes + 1)
        left_bytes -= len(member)
        if left_bytes < 0:
            raise too_large(limit_bytes)
        members.append(member)
    return members[0] if len(members) == 1 else b"".join(members)


def _member(data: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    """Inflate one gzip member; give it and what follows it."""
    inflater = isal_zlib.decompressobj(wbits=_GZIP_WBITS)
    try:
        member = inflater.decompress(data, max_bytes)
    except isal_zlib.error as error:  # type: ignore[misc]  # isal's stub calls the class a value
        raise _broken(str(error)) from error
    if not inflater.eof and len(member) < max_bytes:
        raise _broken("it ends in the middle")
    return member, inflater.unused_data


def _broken(why: str) -> Permanent:
    return Permanent(
        f"body: not gzip as Content-Encoding says: {why}. Send the whole gzip stream, or leave "
        f"Content-Encoding out for a body that is not compressed.",
        reason="broken_gzip",
    )
