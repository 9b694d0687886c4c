"""Turn the first bytes of a connection into what is spoken on it."""

import re
from enum import Enum, auto

from multidict import CIMultiDict

# RFC 9113, 3.4: what every HTTP/2 connection begins with.
_HTTP2_PREFACE = b"PRI * HTTP/2.0"
_METHOD = re.compile(rb"[A-Z]+(?: |$)")

# RFC 8446, 5.1: a record of type handshake; all versions say 3 in the next byte.
_TLS_HANDSHAKE = 0x16
_TLS_MAJOR = 3

ENOUGH_BYTES = len(_HTTP2_PREFACE)
"""How many bytes it takes to tell what is spoken."""


class Spoken(Enum):
    """What somebody speaks, as far as first bytes can tell."""

    HTTP1 = auto()
    HTTP2 = auto()
    TLS = auto()
    UNKNOWN = auto()


def spoken(first: bytes) -> Spoken:
    """Tell what is spoken."""
    if first.startswith(_HTTP2_PREFACE):
        return Spoken.HTTP2
    if _METHOD.match(first):
        return Spoken.HTTP1
    return Spoken.TLS if _is_hello(first) else Spoken.UNKNOWN


def tells_enough(first: bytes) -> bool:
    """Tell whether more bytes would change nothing; those of a preface may come one by one.

    No bytes tell that there will be none.
    """
    return first in {b"", _HTTP2_PREFACE} or not _HTTP2_PREFACE.startswith(first)


def _is_hello(first: bytes) -> bool:
    return first[:1] == bytes([_TLS_HANDSHAKE]) and first[1:2] in {b"", bytes([_TLS_MAJOR])}


def head_without_length(data: bytes) -> CIMultiDict[str] | None:
    """Give the headers of a POST at the start of some bytes that tells no length of a body.

    What follows such a head looks like a next request, and like a broken one.
    """
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end or not head.startswith(b"POST "):
        return None
    lines = head.decode("latin-1").split("\r\n")[1:]
    told = (line.partition(":") for line in lines)
    headers = CIMultiDict((name.strip(), value.strip()) for name, _, value in told)
    return None if "Content-Length" in headers or "Transfer-Encoding" in headers else headers
