"""Say what must hold of the log's reader, whatever has become of a file."""

import tempfile
from functools import lru_cache
from pathlib import Path

from agentpond.pipeline.core.signal import Encoding, Identity, Request, Signal
from agentpond.pipeline.engine import segment as segments
from agentpond.pipeline.engine.frame import Entry, encode, frame_bytes, scan, seal_of
from agentpond.pipeline.engine.log import FileLog
from agentpond.pipeline.engine.segment import HEADER_BYTES

LOG_ID = bytes(range(16))
_SEGMENT_BYTES = 600
_BODIES = (b"", b"a", b"\xb5pnd" * 12, b"x" * 300, bytes(range(256)), b"\0" * 40, b"y" * 77, b"z")

IN_PLACE = 0x80
"""Set in an input's first byte where nothing behind the damage has moved."""

Kept = dict[int, Entry]
"""Entries by their positions."""


def entries() -> list[Entry]:
    """Give what is written to the log that is then damaged."""
    signals, encodings = list(Signal), list(Encoding)
    return [
        Entry(
            Request(
                signals[at % 3],
                encodings[at % 2],
                body,
                1_795_200_000 + at,
                f"otlp/{at % 2}",
                Identity(team="red") if at % 4 == 1 else None,
            ),
            at,
        )
        for at, body in enumerate(_BODIES)
    ]


@lru_cache
def files() -> tuple[tuple[str, bytes], ...]:
    """Give the names and bytes of the segments of a sound log; one holds a frame in a frame."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        segments.create(directory, LOG_ID, 0, _no_sync)
        log = _opened(directory)
        first = entries()
        inner = b"".join(encode(first[1], seal_of(bytes(16))))
        for entry in (*first, Entry(Request(Signal.LOGS, Encoding.JSON, inner, 1, "otlp"), 1)):
            log.append([entry])
        log.close()
        paths = sorted(directory.glob("*.log"))
        return tuple((path.name, path.read_bytes()) for path in paths)


def a_damaged_log_gives_what_is_whole_and_goes_on(damage: bytes) -> None:
    """Read a log of which one file was damaged, append to it, and read it again.

    The first byte of ``damage`` says which file; the rest stands there instead.
    """
    which, moved = (damage[0] & ~IN_PLACE) % len(files()), not damage[0] & IN_PLACE
    sound = _sound()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for at, (file, data) in enumerate(files()):
            (directory / file).write_bytes(damage[1:] if at == which else data)
        found = _read(directory)
        written = list(sound.values())
        assert all(entry in written for entry in found.values())
        if not moved:
            assert found.items() <= sound.items()
        assert _untouched(which, damage[1:], sound).items() <= found.items()
        _goes_on(directory, found)


def bytes_scan_to_the_end(data: bytes) -> None:
    """Find frames and damage that cover the bytes without a gap."""
    ends = [0]
    for found in scan(data, 0, seal_of(LOG_ID)):
        assert found.start == ends[-1] < found.end
        ends.append(found.end)
    assert ends[-1] == len(data)


def _goes_on(directory: Path, found: Kept) -> None:
    log = _opened(directory)
    new = Entry(Request(Signal.LOGS, Encoding.JSON, b"after", 7, "otlp"), 1)
    (position,) = log.append([new])
    log.close()
    assert _read(directory) == {**found, position: new}


def _read(directory: Path) -> Kept:
    log = _opened(directory)
    try:
        found: Kept = {}
        start = log.start
        while start < log.end:
            extract = log.read(start, 1 << 20)
            assert extract.end > start
            assert not extract.lost
            found |= zip(extract.positions, extract.entries, strict=True)
            start = extract.end
        return found
    finally:
        log.close()


def _opened(directory: Path) -> FileLog:
    log = FileLog(directory, 1 << 20, _SEGMENT_BYTES, "none")
    log.open()
    return log


@lru_cache
def _sound() -> Kept:
    with tempfile.TemporaryDirectory() as name:
        for file, data in files():
            (Path(name) / file).write_bytes(data)
        return _read(Path(name))


def _untouched(which: int, data: bytes, sound: Kept) -> Kept:
    """Give the entries of the other files, and of this one those whose bytes are as written."""
    original = files()[which][1]
    base = int(Path(files()[which][0]).stem)
    bases = [int(Path(file).stem) for file, _ in files()] + [1 << 62]
    mine = {p: entry for p, entry in sound.items() if base <= p < bases[which + 1]}
    kept = {position: entry for position, entry in sound.items() if position not in mine}
    if data[:HEADER_BYTES] != original[:HEADER_BYTES]:
        return kept
    for position, entry in mine.items():
        start = HEADER_BYTES + position - base
        end = start + _frame_bytes(entry)
        if data[start:end] == original[start:end]:
            kept[position] = entry
    return kept


def _frame_bytes(entry: Entry) -> int:
    return frame_bytes(entry.request)


def _no_sync(_fd: int) -> None:
    pass
