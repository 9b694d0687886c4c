"""Turn the first bytes of a connection into what is spoken, and into how to go on."""

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


class Way(Enum):
    """How to go on with a connection."""

    SERVE = auto()
    SERVE_TLS = auto()
    ANSWER_HTTP2 = auto()
    SAY_HTTP = auto()
    SAY_HTTPS = auto()


def way_of(first: bytes, *, tls: bool) -> Way:
    """Tell how to go on; ``tls`` if that is what should be spoken on this port.

    Bytes that come one by one may not tell enough. What is taken for HTTP/1 then is answered
    by the HTTP parser, in fewer words; clients send a preface or a hello in one piece.
    """
    if first.startswith(_HTTP2_PREFACE):
        return Way.ANSWER_HTTP2
    if tls:
        return Way.SAY_HTTPS if _METHOD.match(first) else Way.SERVE_TLS
    return Way.SAY_HTTP if _is_hello(first) else Way.SERVE


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
