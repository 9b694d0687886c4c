"""Refuse bodies made of very many nearly empty messages, before a parser makes objects of them.

An empty message is two bytes on the wire and a hundred in a parser, which holds everybody up
meanwhile: 64 MiB of empty spans, 65 KB of gzip, took 26 s and 4 GB. How many there are can be
told without parsing, by looking at all bytes at once.
"""

import numpy as np

from ...pipeline.core.errors import Permanent
from ...pipeline.core.signal import Encoding

# Below this size no body can do much harm, and most are.
_WORTH_A_LOOK_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20

# Requests of agents have up to 33,000 short fields (protobuf) or objects (JSON) a MiB.
MOST_SHORT_FIELDS = 5 << 19
MOST_OBJECTS = 5 << 19

_LENGTH_DELIMITED = 2
_SHORT_BYTES = 7


def check_density(body: bytes, encoding: Encoding) -> None:
    """Check that a body does not hold millions of messages.

    Raises:
        Permanent: ``too_large``; it does.

    """
    if len(body) <= _WORTH_A_LOOK_BYTES:
        return
    if encoding is Encoding.JSON:
        objects = body.count(b"{") + body.count(b"[")
        if objects > MOST_OBJECTS:
            raise _too_dense(objects, "objects and lists", MOST_OBJECTS)
    else:
        fields = count_short_fields(body)
        if fields > MOST_SHORT_FIELDS:
            raise _too_dense(fields, "fields of a few bytes", MOST_SHORT_FIELDS)


def count_short_fields(body: bytes) -> int:
    """Count the places of a body that look like a field of at most seven bytes.

    A tag of wire type 2 has these low bits, and the length is the byte behind it. Text has no
    such lengths, so what is counted by mistake is little.
    """
    data = np.frombuffer(body, np.uint8)
    return sum(
        _short_fields_in(data[start : start + _CHUNK_BYTES + 1])
        for start in range(0, len(data), _CHUNK_BYTES)
    )


def _short_fields_in(data: np.ndarray) -> int:
    is_tag = (data[:-1] & 7) == _LENGTH_DELIMITED
    return int(np.count_nonzero(is_tag & (data[1:] <= _SHORT_BYTES)))


def _too_dense(count: int, what: str, most: int) -> Permanent:
    return Permanent(
        f"the body has {count} {what}; at most {most} are taken in one request. "
        "Send its records in several requests.",
        reason="too_large",
    )
