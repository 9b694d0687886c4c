"""Turn one entry of the log into the bytes of a frame, and bytes back into frames.

A frame is, numbers in little-endian order:

    4 bytes   the log's mark (b5 70 6e 64 in segments of the first format)
    4 bytes   the length of all that follows the CRC
    4 bytes   a CRC-32 over it
    8 bytes   received_at_ns, signed
    1 byte    the signal: 0 traces, 1 metrics, 2 logs
    1 byte    the encoding: 0 protobuf, 1 JSON; bit 7 says that an identity follows
    4 bytes   the number of records that were taken
    2 bytes   the length of the receiver's id
    -         the receiver's id, UTF-8
    4 bytes   only with an identity: the length of what comes next
    -         only with an identity: what it says, a JSON object of texts; keys that are not known
              to the reader are ignored
    -         the body as it came

Mark and CRC are made from the log's id, which no sender knows. A body that looks like a frame is
then never taken for one when reading resumes after damage, and a body full of marks does not make
that slow: each one would cost a CRC over all that follows.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

# The same CRC-32 as zlib's, by the processor's own instructions: 17 us for 630 KB, not 290.
from isal.isal_zlib import crc32

from ..core.errors import Permanent
from ..core.signal import Encoding, Identity, Request, Signal

Kind = tuple[str, Signal]
"""What a pipeline chooses by: the receiver's id and the signal."""

_FIRST_MARK = b"\xb5pnd"
_MARK_OF = b"the mark of frames"
_LEAD = struct.Struct("<4sII")
_FIELDS = struct.Struct("<qBBIH")
_IDENTITY_BYTES = struct.Struct("<I")
_HAS_IDENTITY = 0x80
_KNOWN = {field.name for field in fields(Identity)}
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
    identity: Identity | None

    def entry(self, data: bytes) -> Entry:
        """Give the entry, with its body copied out of the bytes it was found in."""
        body = data[self.body_start : self.end]
        request = Request(
            self.signal, self.encoding, body, self.received_at_ns, self.receiver, self.identity
        )
        return Entry(request, self.records)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that hold no readable frame; ``end`` is where the next one begins."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Seal:
    """How frames of a log are known: the mark each begins with, and where its CRC starts from."""

    mark: bytes
    salt: int


def seal_of(log_id: bytes) -> Seal:
    """Give the seal of a log's frames."""
    salt = crc32(log_id)
    return Seal(crc32(_MARK_OF, salt).to_bytes(4, "little"), salt)


def first_seal_of(log_id: bytes) -> Seal:
    """Give the seal of frames in segments of the first format."""
    return Seal(_FIRST_MARK, crc32(log_id))


def encode(entry: Entry, seal: Seal) -> tuple[bytes, bytes]:
    """Give the frame in two parts, the second being the body itself, not a copy."""
    request = entry.request
    receiver = request.receiver.encode()
    identity = _pack_identity(request.identity)
    packed = _FIELDS.pack(
        request.received_at_ns,
        _SIGNALS.index(request.signal),
        _ENCODINGS.index(request.encoding) | (_HAS_IDENTITY if identity else 0),
        entry.records,
        len(receiver),
    )
    head = packed + receiver + identity
    crc = crc32(request.body, crc32(head, seal.salt))
    lead = _LEAD.pack(seal.mark, len(head) + len(request.body), crc)
    return lead + head, request.body


def frame_bytes(request: Request) -> int:
    """Tell how long the frame of a request is."""
    head_bytes = _LEAD.size + _FIELDS.size + len(request.receiver.encode())
    return head_bytes + len(_pack_identity(request.identity)) + len(request.body)


def decode(data: bytes, start: int, seal: Seal) -> Frame | None:
    """Read the frame that begins at ``start``; None if none is whole and sound there.

    Raises:
        Permanent: it is sound, and says what this version does not know.

    """
    fields_start = start + _LEAD.size
    if fields_start + _FIELDS.size > len(data):
        return None
    mark, rest_bytes, crc = _LEAD.unpack_from(data, start)
    end = fields_start + rest_bytes
    if mark != seal.mark or end > len(data) or rest_bytes < _FIELDS.size:
        return None
    if crc32(memoryview(data)[fields_start:end], seal.salt) != crc:
        return None
    try:
        return _read(data, start, fields_start, end)
    except (AttributeError, IndexError, TypeError, ValueError, struct.error) as error:
        # Its CRC is right, so it was written so. To pass it over would lose its records.
        raise Permanent(
            "a frame of the log is sound and cannot be understood: a newer version wrote it. "
            "Start that version, and let it deliver what is in the log.",
            reason="log_newer",
        ) from error


def _read(data: bytes, start: int, fields_start: int, end: int) -> Frame:
    received_at_ns, signal, encoding, records, receiver_bytes = _FIELDS.unpack_from(
        data, fields_start
    )
    receiver_start = fields_start + _FIELDS.size
    receiver_end = receiver_start + receiver_bytes
    identity, body_start = None, receiver_end
    if encoding & _HAS_IDENTITY:
        identity, body_start = _read_identity(data, receiver_end)
    if body_start > end:
        raise ValueError("the frame ends before its body begins")
    return Frame(
        start=start,
        end=end,
        body_start=body_start,
        received_at_ns=received_at_ns,
        signal=_SIGNALS[signal],
        encoding=_ENCODINGS[encoding & ~_HAS_IDENTITY],
        records=records,
        receiver=data[receiver_start:receiver_end].decode(),
        identity=identity,
    )


def _pack_identity(identity: Identity | None) -> bytes:
    if identity is None:
        return b""
    told = {name: text for name, text in asdict(identity).items() if text}
    written = json.dumps(told, separators=(",", ":")).encode()
    return _IDENTITY_BYTES.pack(len(written)) + written


def _read_identity(data: bytes, start: int) -> tuple[Identity, int]:
    (nbytes,) = _IDENTITY_BYTES.unpack_from(data, start)
    start += _IDENTITY_BYTES.size
    told = json.loads(data[start : start + nbytes])
    known = {name: text for name, text in told.items() if name in _KNOWN}
    return Identity(**known), start + nbytes


def scan(data: bytes, start: int, seal: Seal) -> Iterator[Frame | Damage]:
    """Yield all frames from ``start`` on, and between them what is damaged."""
    while start < len(data):
        found: Frame | Damage | None = decode(data, start, seal)
        if found is None:
            found = Damage(start, _next_frame(data, start + 1, seal))
        yield found
        start = found.end


def _next_frame(data: bytes, start: int, seal: Seal) -> int:
    at = data.find(seal.mark, start)
    while at >= 0 and decode(data, at, seal) is None:
        at = data.find(seal.mark, at + 1)
    return at if at >= 0 else len(data)
