"""Say what must hold of any body, whatever stands in it; a broken law is an AssertionError.

Every law takes one input. What it raises besides AssertionError breaks a law too: decoders give
a result or ``Permanent``.
"""

import zlib
from collections.abc import Sequence

from google.protobuf.message import DecodeError, Message

from agentpond.pipeline.core.component import Placed, Taken
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.receiver.codec import OtlpCodec
from agentpond.receiver.otlp.admission import inflate
from agentpond.receiver.tell import tell_signal
from agentpond.receiver.wire.decode import decode

from ..receiver.wire.reference import OFFICIAL, Flat, expected, flattened
from . import official_json

_RECEIVED_AT_NS = 1_795_200_000_000_000_000
INFLATED_BYTES = 1 << 20
MOST_MEMBERS = 16


def protobuf_is_read_as_the_official_classes_read_it(signal: Signal, body: bytes) -> None:
    try:
        official = OFFICIAL[signal].FromString(body)
    except DecodeError:
        _must_be_refused(signal, Encoding.PROTOBUF, body)
        return
    _must_be_read(signal, Encoding.PROTOBUF, body, official)


def json_is_read_as_the_official_classes_read_it(signal: Signal, body: bytes) -> None:
    try:
        official = official_json.read(signal, body)
    except official_json.Open:
        _taken(signal, Encoding.JSON, body)
        return
    except official_json.Invalid as invalid:
        _must_be_refused(signal, Encoding.JSON, body, str(invalid))
        return
    _must_be_read(signal, Encoding.JSON, body, official)


def requests_are_judged_together_as_alone(
    signal: Signal, encoding: Encoding, bodies: Sequence[bytes]
) -> None:
    """Decode some bodies in one call and one by one, and make rows of what was taken."""
    codec = OtlpCodec()
    requests = [Request(signal, encoding, body, _RECEIVED_AT_NS, "otlp") for body in bodies]
    together, decoded = codec.decode(requests)
    alone = [codec.decode([request])[0][0] for request in requests]
    assert [_verdict(one) for one in together] == [_verdict(one) for one in alone]
    taken = [one.records for one in together if isinstance(one, Taken)]
    places = list(range(len(taken)))
    batches = codec.normalize([Placed(decoded, places, [_RECEIVED_AT_NS] * len(taken))])
    rows = sum(len(batch) for batch in batches if batch.table is EVENTS)
    assert rows == sum(taken)


def a_signal_is_told_or_not(encoding: Encoding, body: bytes) -> None:
    told = tell_signal(body, encoding)
    assert told is None or told in Signal


def gzip_is_inflated_as_zlib_inflates_it(body: bytes) -> None:
    """Inflate to the very bytes zlib gives, and refuse what it refuses."""
    asked = _inflated_by_zlib(body)
    try:
        told: bytes | None = inflate(body, INFLATED_BYTES)
    except Permanent:
        told = None
    assert told == asked


def _must_be_refused(signal: Signal, encoding: Encoding, body: bytes, why: str = "") -> None:
    told = _taken(signal, encoding, body)
    assert told is None, f"taken, though the official classes refuse it: {why}"


def _must_be_read(signal: Signal, encoding: Encoding, body: bytes, official: Message) -> None:
    told = _taken(signal, encoding, body)
    assert told is not None, "refused, though the official classes take it"
    assert told == expected(signal, [official])


def _taken(signal: Signal, encoding: Encoding, body: bytes) -> list[Flat] | None:
    try:
        return flattened(decode(signal, encoding, [body]))
    except Permanent:
        return None


def _verdict(judged: Taken | Permanent) -> tuple[object, ...]:
    if isinstance(judged, Taken):
        return judged.records, judged.rejected, judged.message
    return judged.reason, str(judged)


def _inflated_by_zlib(body: bytes) -> bytes | None:
    """Inflate all members; None for what is not gzip, has too many members or too much in it."""
    told, rest, members = b"", body, 0
    while rest or not members:
        inflater = zlib.decompressobj(wbits=31)
        try:
            told += inflater.decompress(_without_reserved(rest), INFLATED_BYTES + 1 - len(told))
        except zlib.error:
            return None
        members += 1
        if not inflater.eof or members > MOST_MEMBERS or len(told) > INFLATED_BYTES:
            return None
        rest = inflater.unused_data
    return told


def _without_reserved(member: bytes) -> bytes:
    """Clear the flags that RFC 1952 reserves: zlib refuses them, isal does not look at them."""
    return member[:3] + bytes(flags & 0x1F for flags in member[3:4]) + member[4:]
