"""Say what a log must do, and what reading it gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..core.errors import Permanent, Retryable
from ..core.later import SENDER_RETRY_S
from ..core.signal import Request
from .frame import Entry, Kind

Takes = Callable[[Kind], bool]
"""Says whether a pipeline takes requests of this receiver and signal."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What was read of the log: entries with their positions.

    The next read begins at ``end``. ``lost`` counts by kind the records that the log held and
    can no longer read; they were told at ERROR.
    """

    start: int
    end: int
    entries: tuple[Entry, ...] = ()
    positions: tuple[int, ...] = ()
    lost: Mapping[Kind, int] = field(default_factory=dict)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests alone."""
        return tuple(entry.request for entry in self.entries)

    @property
    def records(self) -> int:
        """Count the records of all entries."""
        return sum(entry.records for entry in self.entries)


class Log(Protocol):
    """The only queue: what stands in it was acknowledged, and goes once it is delivered.

    Safe to use from any thread once it is open.
    """

    @property
    def log_id(self) -> str:
        """The log's name for life, in hex; known once it is open."""

    @property
    def start(self) -> int:
        """The first position that can still be read."""

    @property
    def end(self) -> int:
        """The position behind the last durable frame."""

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""

    @property
    def damaged_bytes(self) -> int:
        """Bytes that were found unreadable since it was opened."""

    @property
    def capacity_bytes(self) -> int:
        """Bytes of frames it takes when it is empty; a longer frame never fits."""

    def open(self) -> None:
        """Make it ready. Raises Permanent if another service has it."""

    def require_room(self, given_bytes: int) -> None:
        """Do nothing if so many bytes of frames fit now; else raise Retryable, as ``append``."""

    def append(self, entries: Sequence[Entry]) -> list[int]:
        """Keep all entries with one write and one fsync; give their positions.

        Raises:
            Retryable: ``log_full`` or ``log_write_failed``; then none of them is kept.

        """

    def read(self, start: int, limit_bytes: int, until: int | None = None) -> Extract:
        """Read from a position on: at least one entry, none that ends beyond ``until``.

        Raises:
            Retryable: the log cannot be read at the moment.
            Permanent: the position was forgotten, or no frame begins there.

        """

    def records_after(self, position: int, takes: Takes | None = None) -> int:
        """Count records at or after a position, of the kinds that ``takes`` says yes to."""

    def advance(self, position: int) -> None:
        """Continue at a position beyond the end, leaving a gap. Raises Retryable."""

    def forget(self, before: int, *, idle: bool = False) -> None:
        """Drop what lies before a position.

        While requests come, what is cheap to drop goes; when ``idle``, all of it.
        """

    def close(self) -> None:
        """Close. Safe before open, and twice."""


def total(counts: Mapping[Kind, int], takes: Takes | None) -> int:
    """Sum the counts of the kinds that ``takes`` says yes to."""
    return sum(count for kind, count in counts.items() if takes is None or takes(kind))


def forgotten(position: int, start: int) -> Permanent:
    """Say that a position can no longer be read."""
    return Permanent(
        f"log: position {position} was forgotten, the log begins at {start}. "
        f"Read from Log.start; what lies before it was delivered.",
        reason="log_forgotten",
    )


def misplaced(position: int) -> Permanent:
    """Say that a position is not one that this log gave."""
    return Permanent(
        f"log: no frame begins at position {position}. Read from a position that append or "
        f"read gave, or from Log.start.",
        reason="log_misplaced",
    )


def too_large(frame_bytes: int, capacity_bytes: int) -> Permanent:
    """Say that a request is longer than the whole log, and which setting raises the limit."""
    return Permanent(
        f"a request of {frame_bytes} bytes never fits the log, which holds at most "
        f"{capacity_bytes}. Send smaller batches, or raise service.log.max_bytes.",
        reason="too_large",
    )


def full(where: str, given_bytes: int, held_bytes: int, max_bytes: int) -> Retryable:
    """Say that the log is full, and which setting raises the limit."""
    return Retryable(
        f"{where} is full: it holds {held_bytes} of {max_bytes} bytes and was given "
        f"{given_bytes} more. The exporters are behind: see /readyz, or raise "
        f"service.log.max_bytes.",
        retry_after_s=SENDER_RETRY_S,
        reason="log_full",
    )
