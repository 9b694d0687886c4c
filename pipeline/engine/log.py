"""Keep accepted requests on disk, in order, until every pipeline is past them.

A position is the logical byte offset of a frame over the whole life of the log: it only grows,
also over restarts and when all that was kept has been forgotten.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..core.errors import Permanent, Retryable
from ..core.later import SENDER_RETRY_S
from . import segment as segments
from .contract import Extract as Extract
from .contract import Log as Log
from .contract import Takes as Takes
from .contract import forgotten, full, misplaced, total
from .frame import Entry as Entry
from .frame import Kind as Kind
from .frame import Seal, decode, encode, seal_of
from .recovery import recover
from .segment import Segment, Sync

logger = logging.getLogger("agentpond.log")

_WORTH_A_ROLL_BYTES = 4 << 20

_Place = tuple[int, Kind, int]


class FileLog:
    """The log on disk: segments of frames in one directory, locked for one service.

    Appends, rolls and forgetting go one at a time; reading waits for none of them.
    """

    def __init__(
        self,
        directory: Path,
        max_bytes: int,
        segment_bytes: int,
        fsync: Literal["group", "none"],
        *,
        sync: Sync = os.fsync,
    ) -> None:
        """Note where and how much; nothing is opened yet.

        With ``fsync="none"`` the system decides when bytes reach the disk: they survive a kill
        of the service, not a loss of power. ``sync`` is the system call to use.
        """
        self._directory = directory
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._sync: Sync = sync if fsync == "group" else _leave
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._log_id = b""
        self._active_fd = -1
        self._lock_fd = -1
        self._damaged_bytes = 0

    @property
    def log_id(self) -> str:
        """The log's name for life, in hex; known once it is open."""
        return self._log_id.hex()

    @property
    def start(self) -> int:
        """The first position that can still be read."""
        with self._lock:
            return self._segments[0].base if self._segments else 0

    @property
    def end(self) -> int:
        """The position behind the last durable frame."""
        with self._lock:
            return self._segments[-1].end if self._segments else 0

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        with self._lock:
            return sum(segment.nbytes for segment in self._segments)

    @property
    def damaged_bytes(self) -> int:
        """Bytes that were found unreadable since it was opened."""
        with self._lock:
            return self._damaged_bytes

    @property
    def capacity_bytes(self) -> int:
        """Bytes of frames it takes when it is empty."""
        return self._max_bytes - segments.HEADER_BYTES

    def open(self) -> None:
        """Lock the directory, read what is there and cut a torn tail.

        Raises:
            Permanent: another service has the log, or the files are of several logs.
            Retryable: the disk refuses.

        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock_fd = _lock(self._directory)
            recovered = recover(self._directory, self._sync)
            self._log_id = recovered.log_id
            self._segments = recovered.segments
            self._damaged_bytes = recovered.damaged_bytes
            self._active_fd = _open_to_append(self._segments[-1].path)
        except OSError as error:
            self.close()
            raise self._refused(error) from error
        except Permanent:
            self.close()
            raise

    def require_room(self, given_bytes: int) -> None:
        """Do nothing if so many bytes fit now.

        Raises:
            Retryable: ``log_full``, or ``log_write_failed`` if the disk refuses still.

        """
        self._require_room(given_bytes)
        if self._active_fd >= 0:
            return
        # The last write failed. A disk that has no room for an empty file has none for these
        # bytes, and nobody needs to decode them to find that out.
        with self._writing:
            if self._lock_fd >= 0:
                self._try_writable()

    def append(self, entries: Sequence[Entry]) -> list[int]:
        """Keep all entries with one write and one fsync; give their positions.

        Raises:
            Retryable: ``log_full`` or ``log_write_failed``; then none of them is kept.
            Permanent: the log is closed.

        """
        seal = seal_of(self._log_id)
        frames = [encode(entry, seal) for entry in entries]
        sizes = [len(lead) + len(body) for lead, body in frames]
        with self._writing:
            self._require_open()
            self._require_room(sum(sizes))
            self._try_writable()
            try:
                segments.write_all(self._active_fd, [part for frame in frames for part in frame])
                self._sync(self._active_fd)
            except OSError as error:
                self._distrust()
                raise self._refused(error) from error
            return self._note(entries, sizes)

    def read(self, start: int, limit_bytes: int, until: int | None = None) -> Extract:
        """Read from a position on: at least one entry, none that ends beyond ``until``.

        Raises:
            Retryable: the log cannot be read at the moment.
            Permanent: the position was forgotten, or no frame begins there.

        """
        with self._lock:
            segment = self._find(start)
            if segment is None:
                return Extract(start, start)
            index = segment.index
            limit = segment.end if until is None else until
            numbers = index.stretch(start, limit_bytes, limit)
            if not numbers:
                return Extract(start, limit)
            end = index.end(numbers[-1])
            places = [(index.start(n), index.kind(n), index.records(n)) for n in numbers]
        data = self._read_bytes(segment, places[0][0], end)
        return self._extract(segment.seal, start, end, places, data)

    def records_after(self, position: int, takes: Takes | None = None) -> int:
        """Count records at or after a position, of the kinds that ``takes`` says yes to."""
        with self._lock:
            return sum(
                total(segment.index.records_after(position), takes)
                for segment in self._segments
                if segment.end > position
            )

    def advance(self, position: int) -> None:
        """Continue at a position beyond the end, leaving a gap. Raises Retryable."""
        with self._writing:
            self._require_open()
            try:
                if position > self.end:
                    self._roll(position)
            except OSError as error:
                raise self._refused(error) from error

    def forget(self, before: int, *, idle: bool = False) -> None:
        """Drop whole segments before a position.

        The active one goes too if all of it lies before, but only when ``idle`` or when it has
        grown: a new segment costs two fsyncs, for which the next request would wait. A disk
        that refuses is told as a warning: the next call tries again.
        """
        with self._writing:
            if self._lock_fd < 0:
                return
            try:
                self._drop(before, 1 if idle else _WORTH_A_ROLL_BYTES)
            except OSError as error:
                logger.warning("log %s: cannot forget: %s", self._directory, error)

    def close(self) -> None:
        """Close. Safe before open, and twice. What it held can still be counted."""
        with self._writing:
            for fd in (self._active_fd, self._lock_fd):
                if fd >= 0:
                    os.close(fd)
            self._active_fd = self._lock_fd = -1

    def _require_open(self) -> None:
        if self._lock_fd < 0:
            raise Permanent(
                f"log {self._directory} is not open. Call open() first.", reason="log_closed"
            )

    def _require_room(self, given_bytes: int) -> None:
        held_bytes = self.nbytes
        if held_bytes + given_bytes > self._max_bytes:
            raise full(f"log {self._directory}", given_bytes, held_bytes, self._max_bytes)

    def _try_writable(self) -> None:
        try:
            self._make_writable()
        except OSError as error:
            self._distrust()
            raise self._refused(error) from error

    def _make_writable(self) -> None:
        """Have a segment to append to: a new one if the last is full, broken or deleted."""
        active = self._segments[-1]
        usable = self._active_fd >= 0 and os.fstat(self._active_fd).st_nlink > 0
        if not usable or (active.nbytes >= self._segment_bytes and active.end > active.base):
            self._roll(active.end)

    def _roll(self, base: int) -> None:
        """Go on in a new segment; one that is still empty is replaced."""
        old = self._segments[-1]
        new = segments.create(self._directory, self._log_id, base, self._sync)
        with self._lock:
            if old.end == old.base:
                self._segments.pop()
            self._segments.append(new)
        if old.end == old.base and old.path != new.path:
            old.path.unlink(missing_ok=True)
        if self._active_fd >= 0:
            os.close(self._active_fd)
        self._active_fd = -1
        self._active_fd = _open_to_append(new.path)

    def _note(self, entries: Sequence[Entry], sizes: Sequence[int]) -> list[int]:
        positions = []
        with self._lock:
            active = self._segments[-1]
            for entry, size_bytes in zip(entries, sizes, strict=True):
                positions.append(active.end)
                active.index.add(active.end, size_bytes, entry.kind, entry.records)
                active.end += size_bytes
        return positions

    def _distrust(self) -> None:
        """Give up the file behind a failed write, and take back what of it was written.

        After a failed fsync the kernel may have dropped the pages and call the next fsync a
        success (PostgreSQL wiki, "Fsync Errors"): so the next append begins a new file.
        """
        active = self._segments[-1]
        if self._active_fd < 0:
            return
        os.close(self._active_fd)
        self._active_fd = -1
        try:
            os.truncate(active.path, active.nbytes)
        except OSError as error:
            # Reading is bounded by the next segment's base, so leftovers do no harm.
            logger.warning("log segment %s: cannot cut a failed write: %s", active.path, error)

    def _drop(self, before: int, roll_from_bytes: int) -> None:
        active = self._segments[-1]
        if before >= active.end >= active.base + roll_from_bytes:
            self._roll(active.end)
        with self._lock:
            gone = [segment for segment in self._segments[:-1] if segment.end <= before]
            self._segments = [segment for segment in self._segments if segment not in gone]
        for segment in gone:
            segment.path.unlink(missing_ok=True)

    def _find(self, position: int) -> Segment | None:
        first = self._segments[0].base if self._segments else 0
        if position < first:
            raise forgotten(position, first)
        found = next((segment for segment in self._segments if segment.end > position), None)
        if found is not None and found.index.is_inside(position):
            raise misplaced(position)
        return found

    def _read_bytes(self, segment: Segment, start: int, end: int) -> bytes:
        """Read a part of a file; what a file has lost is missing from the result."""
        try:
            fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            if self._directory.is_dir():
                return b""
            raise self._refused(error) from error
        except OSError as error:
            raise self._refused(error) from error
        try:
            return os.pread(fd, end - start, segment.offset(start))
        except OSError as error:
            raise self._refused(error) from error
        finally:
            os.close(fd)

    def _extract(
        self, seal: Seal, start: int, end: int, places: list[_Place], data: bytes
    ) -> Extract:
        origin = places[0][0]
        entries, positions = [], []
        lost: dict[Kind, int] = {}
        for position, kind, records in places:
            frame = decode(data, position - origin, seal)
            if frame is None:
                lost[kind] = lost.get(kind, 0) + records
            else:
                entries.append(frame.entry(data))
                positions.append(position)
        if lost:
            self._tell_loss(start, end, sum(lost.values()))
        return Extract(start, end, tuple(entries), tuple(positions), lost)

    def _tell_loss(self, start: int, end: int, records: int) -> None:
        with self._lock:
            self._damaged_bytes += end - start
        logger.error(
            "log %s: %d records between positions %d and %d can no longer be read, they are "
            "lost. Check the disk, and that nothing else writes to this directory.",
            self._directory,
            records,
            start,
            end,
        )

    def _refused(self, error: OSError) -> Retryable:
        return Retryable(
            f"log {self._directory}: {error.strerror or error}. Nothing of this request was "
            f"kept. Check the disk's space and health, and that the directory exists.",
            retry_after_s=SENDER_RETRY_S,
            reason="log_write_failed",
        )


def _lock(directory: Path) -> int:
    """Take the directory for this process until the descriptor is closed."""
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(fd, 32, 0).decode().strip() or "unknown"
        os.close(fd)
        raise Permanent(
            f"log {directory} is in use by the service with process id {owner}. "
            f"Stop that one, or set service.log.directory to another place.",
            reason="log_locked",
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, str(os.getpid()).encode(), 0)
    return fd


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def _leave(_fd: int) -> None:
    """Leave it to the system when bytes reach the disk."""
