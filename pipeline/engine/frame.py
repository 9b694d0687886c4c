"""Turn one entry of the log into the bytes of a frame, and bytes back into frames.

A frame is a mark, the length of what follows, a CRC32 over it, then the fields, the receiver's
id and the body as it came. The CRC is salted with the log's id, so that a body which looks like
a frame is never taken for one when reading resumes after damage.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# The same CRC-32 as zlib's, by the processor's own instructions: 17 us for 630 KB, not 290.
from isal.isal_zlib import crc32

from ..core.signal import Encoding, Request, Signal

Kind = tuple[str, Signal]
"""What a pipeline chooses by: the receiver's id and the signal."""

_MARK = b"\xb5pnd"
_LEAD = struct.Struct("<4sII")
_FIELDS = struct.Struct("<qBBIH")
_SIGNALS = (Signal.TRACES, Signal.METRICS, Signal.LOGS)
_ENCODINGS = (Encoding.PROTOBUF, Encoding.JSON)


@dataclass(frozen=True, slots=True)
class Entry:
    """A request to keep, with the number of records that were taken from it."""

    request: Request
    records: int

    @property
    def kind(self) -> Kind:
        """What a pipeline chooses by."""
        return self.request.receiver, self.request.signal


@dataclass(frozen=True, slots=True)
class Frame:
    """An entry found in bytes: where it begins and ends, and what it says but for the body."""

    start: int
    end: int
    body_start: int
    received_at_ns: int
    signal: Signal
    encoding: Encoding
    records: int
    receiver: str

    def entry(self, data: bytes) -> Entry:
        """Give the entry, with its body copied out of the bytes it was found in."""
        body = data[self.body_start : self.end]
        request = Request(self.signal, self.encoding, body, self.received_at_ns, self.receiver)
        return Entry(request, self.records)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that hold no readable frame; ``end`` is where the next one begins."""

    start: int
    end: int


def salt(log_id: bytes) -> int:
    """Give the value the CRC of each frame of this log starts from."""
    return crc32(log_id)


def encode(entry: Entry, salt: int) -> tuple[bytes, bytes]:
    """Give the frame in two parts, the second being the body itself, not a copy."""
    request = entry.request
    receiver = request.receiver.encode()
    fields = (
        _FIELDS.pack(
            request.received_at_ns,
            _SIGNALS.index(request.signal),
            _ENCODINGS.index(request.encoding),
            entry.records,
            len(receiver),
        )
        + receiver
    )
    crc = crc32(request.body, crc32(fields, salt))
    lead = _LEAD.pack(_MARK, len(fields) + len(request.body), crc)
    return lead + fields, request.body


def frame_bytes(request: Request) -> int:
    """Tell how long the frame of a request is."""
    return _LEAD.size + _FIELDS.size + len(request.receiver.encode()) + len(request.body)


def decode(data: bytes, start: int, salt: int) -> Frame | None:
    """Read the frame that begins at ``start``; None if none is whole and sound there."""
    fields_start = start + _LEAD.size
    if fields_start + _FIELDS.size > len(data):
        return None
    mark, rest_bytes, crc = _LEAD.unpack_from(data, start)
    end = fields_start + rest_bytes
    if mark != _MARK or end > len(data) or rest_bytes < _FIELDS.size:
        return None
    if crc32(memoryview(data)[fields_start:end], salt) != crc:
        return None
    received_at_ns, signal, encoding, records, receiver_bytes = _FIELDS.unpack_from(
        data, fields_start
    )
    body_start = fields_start + _FIELDS.size + receiver_bytes
    return Frame(
        start=start,
        end=end,
        body_start=body_start,
        received_at_ns=received_at_ns,
        signal=_SIGNALS[signal],
        encoding=_ENCODINGS[encoding],
        records=records,
        receiver=data[body_start - receiver_bytes : body_start].decode(),
    )


def scan(data: bytes, start: int, salt: int) -> Iterator[Frame | Damage]:
    """Yield all frames from ``start`` on, and between them what is damaged."""
    while start < len(data):
        found: Frame | Damage | None = decode(data, start, salt)
        if found is None:
            found = Damage(start, _next_frame(data, start + 1, salt))
        yield found
        start = found.end


def _next_frame(data: bytes, start: int, salt: int) -> int:
    at = data.find(_MARK, start)
    while at >= 0 and decode(data, at, salt) is None:
        at = data.find(_MARK, at + 1)
    return at if at >= 0 else len(data)
