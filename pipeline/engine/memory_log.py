"""Keep accepted requests in memory only: nothing outlives the process.

For tests, and for those who would rather lose telemetry than have prompts touch a disk.
"""

import threading
import uuid
from collections.abc import Sequence

from .contract import Extract, Takes, forgotten, full, misplaced, total
from .frame import Entry, frame_bytes
from .index import Index


class MemoryLog:
    """The log without a disk; it keeps its promises as long as the process lives."""

    def __init__(self, max_bytes: int) -> None:
        """Note how much it may hold."""
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._index = Index()
        self._log_id = uuid.uuid4().hex
        self._start = 0
        self._end = 0
        self._nbytes = 0

    @property
    def log_id(self) -> str:
        """The log's name for life, in hex."""
        return self._log_id

    @property
    def start(self) -> int:
        """The first position that can still be read."""
        with self._lock:
            return self._start

    @property
    def end(self) -> int:
        """The position behind the last frame."""
        with self._lock:
            return self._end

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""
        with self._lock:
            return self._nbytes

    @property
    def damaged_bytes(self) -> int:
        """Memory does not tear."""
        return 0

    @property
    def capacity_bytes(self) -> int:
        """Bytes of frames it takes when it is empty."""
        return self._max_bytes

    def open(self) -> None:
        """Do nothing: it is always open."""

    def require_room(self, given_bytes: int) -> None:
        """Do nothing if so many bytes fit now; else raise Retryable ``log_full``."""
        held_bytes = self.nbytes
        if held_bytes + given_bytes > self._max_bytes:
            raise full("log in memory", given_bytes, held_bytes, self._max_bytes)

    def append(self, entries: Sequence[Entry]) -> list[int]:
        """Keep all entries; give their positions. Raises Retryable when it is full."""
        sizes = [frame_bytes(entry.request) for entry in entries]
        positions = []
        with self._lock:
            if self._nbytes + sum(sizes) > self._max_bytes:
                raise full("log in memory", sum(sizes), self._nbytes, self._max_bytes)
            for entry, size_bytes in zip(entries, sizes, strict=True):
                positions.append(self._end)
                self._index.add(self._end, size_bytes, entry.kind, entry.records)
                self._end += size_bytes
            self._entries.extend(entries)
            self._nbytes += sum(sizes)
        return positions

    def read(self, start: int, limit_bytes: int, until: int | None = None) -> Extract:
        """Read from a position on: at least one entry, none that ends beyond ``until``.

        Raises:
            Permanent: the position was forgotten, or no frame begins there.

        """
        with self._lock:
            if start < self._start:
                raise forgotten(start, self._start)
            if self._index.is_inside(start):
                raise misplaced(start)
            limit = self._end if until is None else until
            numbers = self._index.stretch(start, limit_bytes, limit)
            if not numbers:
                return Extract(start, min(max(start, limit), max(start, self._end)))
            entries = tuple(self._entries[number] for number in numbers)
            positions = tuple(self._index.start(number) for number in numbers)
            return Extract(start, self._index.end(numbers[-1]), entries, positions)

    def records_after(self, position: int, takes: Takes | None = None) -> int:
        """Count records at or after a position, of the kinds that ``takes`` says yes to."""
        with self._lock:
            return total(self._index.records_after(position), takes)

    def advance(self, position: int) -> None:
        """Continue at a position beyond the end, leaving a gap."""
        with self._lock:
            self._end = max(self._end, position)

    def forget(self, before: int, *, idle: bool = False) -> None:  # noqa: ARG002 - always cheap
        """Drop every entry before a position."""
        with self._lock:
            before = min(before, self._end)
            if before <= self._start:
                return
            gone = self._index.forget(before)
            self._nbytes -= sum(frame_bytes(entry.request) for entry in self._entries[:gone])
            del self._entries[:gone]
            self._start = before

    def close(self) -> None:
        """Do nothing: it goes with the process."""
