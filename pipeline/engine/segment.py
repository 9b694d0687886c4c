"""Keep one file of the log: a header that says whose it is, then frames.

The header holds the log's id and the position of the first byte behind it, so that even an
empty segment remembers both.
"""

import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .frame import Damage, Seal, first_seal_of, scan, seal_of
from .index import Index

Sync = Callable[[int], None]
"""Make what was written to a file descriptor durable. Raises OSError."""

_MAGIC = b"apondlg2"
_SEALS = {_MAGIC: seal_of, b"apondlg1": first_seal_of}
_HEADER = struct.Struct("<8s16sq")
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size

# POSIX promises 16 and Linux takes 1024 buffers in one writev.
_BUFFERS_PER_WRITE = 1024


@dataclass(slots=True, eq=False)
class Segment:
    """One file: frames from position ``base`` to ``end``, and the index of them."""

    path: Path
    log_id: bytes
    base: int
    end: int
    seal: Seal
    index: Index = field(default_factory=Index)
    damaged_bytes: int = 0
    tail_bytes: int = 0
    """Bytes behind the last sound frame, as they were found when the file was read."""

    @property
    def takes_frames(self) -> bool:
        """Whether new frames may be added: those of an older format are only read."""
        return self.seal == seal_of(self.log_id)

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self.offset(self.end)

    def offset(self, position: int) -> int:
        """Tell where in the file a position stands."""
        return HEADER_BYTES + position - self.base


def path_of(directory: Path, base: int) -> Path:
    """Name the segment that begins at a position."""
    return directory / f"{base:020d}.log"


def base_of(path: Path) -> int:
    """Tell the position at which the segment of this name begins."""
    return int(path.stem)


def create(directory: Path, log_id: bytes, base: int, sync: Sync) -> Segment:
    """Put an empty segment in its place, durable with its name. Raises OSError."""
    path = path_of(directory, base)
    new = path.with_suffix(".new")
    header = _HEADER.pack(_MAGIC, log_id, base)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, [header + _CRC.pack(zlib.crc32(header))])
        sync(fd)
    finally:
        os.close(fd)
    new.replace(path)
    sync_directory(directory, sync)
    return Segment(path, log_id, base, base, seal_of(log_id))


def load(path: Path, before: int | None) -> Segment | None:
    """Read a segment up to position ``before``; None if its header is not sound or not its."""
    data = path.read_bytes()
    if len(data) < HEADER_BYTES:
        return None
    magic, log_id, base = _HEADER.unpack_from(data)
    (crc,) = _CRC.unpack_from(data, _HEADER.size)
    if magic not in _SEALS or zlib.crc32(data[: _HEADER.size]) != crc or base != base_of(path):
        return None
    segment = Segment(path, log_id, base, base, _SEALS[magic](log_id))
    if before is not None:
        data = data[: HEADER_BYTES + before - base]
    _note_frames(segment, data)
    return segment


def _note_frames(segment: Segment, data: bytes) -> None:
    base = segment.base - HEADER_BYTES
    for found in scan(data, HEADER_BYTES, segment.seal):
        if isinstance(found, Damage):
            segment.tail_bytes = found.end - found.start
            continue
        kind = (found.receiver, found.signal)
        segment.index.add(base + found.start, found.end - found.start, kind, found.records)
        segment.end = base + found.end
        segment.damaged_bytes += segment.tail_bytes
        segment.tail_bytes = 0


def write_all(fd: int, buffers: Sequence[bytes]) -> None:
    """Write all buffers in order, in as few calls as the system allows. Raises OSError."""
    for at in range(0, len(buffers), _BUFFERS_PER_WRITE):
        waiting = [memoryview(buffer) for buffer in buffers[at : at + _BUFFERS_PER_WRITE] if buffer]
        while waiting:
            waiting = _behind(waiting, os.writev(fd, waiting))


def _behind(buffers: list[memoryview], written_bytes: int) -> list[memoryview]:
    for number, buffer in enumerate(buffers):
        if written_bytes < len(buffer):
            return [buffer[written_bytes:], *buffers[number + 1 :]]
        written_bytes -= len(buffer)
    return []


def sync_directory(directory: Path, sync: Sync) -> None:
    """Make the names in a directory durable. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(fd)
    finally:
        os.close(fd)
