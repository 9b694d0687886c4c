"""Hand recently decoded groups to the pipelines, so that none decodes them again.

What does not fit is declined, and read from the log when its turn comes.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..core.component import Decoded, Placed
from .contract import Takes, total
from .frame import Entry, Kind, frame_bytes


@dataclass(frozen=True, slots=True)
class Group:
    """Decoded requests of one receiver that fill a stretch of the log without a gap."""

    start: int
    end: int
    placed: Placed
    counts: Mapping[Kind, int]

    @property
    def nbytes(self) -> int:
        """Bytes of memory it holds."""
        return self.placed.decoded.nbytes

    def records(self, takes: Takes | None = None) -> int:
        """Count the records of the kinds that ``takes`` says yes to."""
        return total(self.counts, takes)


def group(entries: Sequence[Entry], positions: Sequence[int], decoded: Decoded) -> Group:
    """Put what a codec made of entries together with their places."""
    counts: dict[Kind, int] = {}
    for entry in entries:
        counts[entry.kind] = counts.get(entry.kind, 0) + entry.records
    received_at_ns = [entry.request.received_at_ns for entry in entries]
    end = positions[-1] + frame_bytes(entries[-1])
    return Group(positions[0], end, Placed(decoded, positions, received_at_ns), counts)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a pipeline takes at a time; one group is always taken whole."""

    nbytes: int
    records: int


class Backlog:
    """Groups in the order of the log, each kept until all pipelines have passed it.

    It keeps the oldest, as they are needed first. Safe to use from any thread.
    """

    def __init__(self, max_bytes: int) -> None:
        """Note how many bytes of decoded groups to hold at most."""
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._groups: list[Group] = []
        self._nbytes = 0
        self._readers: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of decoded groups it holds."""
        with self._changed:
            return self._nbytes

    def join(self, reader: str, position: int) -> None:
        """Keep groups for a pipeline from a position on."""
        with self._changed:
            self._readers[reader] = position

    def offer(self, groups: Sequence[Group]) -> None:
        """Keep those that fit, and wake who waits for the log's end to move."""
        with self._changed:
            for given in groups:
                if self._nbytes + given.nbytes <= self._max_bytes:
                    self._groups.append(given)
                    self._nbytes += given.nbytes
            self._changed.notify_all()

    def take(self, position: int, limits: Limits, until: int | None) -> list[Group]:
        """Give the groups that follow a position without a gap, none beyond ``until``."""
        taken: list[Group] = []
        nbytes = records = 0
        with self._changed:
            for held in self._groups[self._number(position) :]:
                if held.start != position or (until is not None and held.end > until):
                    break
                nbytes += held.nbytes
                records += held.records()
                if taken and (nbytes > limits.nbytes or records > limits.records):
                    break
                taken.append(held)
                position = held.end
        return taken

    def next_start(self, position: int) -> int | None:
        """Tell where the first group behind a position begins; None if there is none."""
        with self._changed:
            number = self._number(position + 1)
            return self._groups[number].start if number < len(self._groups) else None

    def passed(self, reader: str, position: int) -> None:
        """Note how far a pipeline is, and let go what all have passed."""
        with self._changed:
            self._readers[reader] = position
            behind = min(self._readers.values())
            gone = self._number(behind)
            while gone > 0 and self._groups[gone - 1].end > behind:
                gone -= 1
            self._nbytes -= sum(held.nbytes for held in self._groups[:gone])
            del self._groups[:gone]

    def wait(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Sleep until ``ready`` says yes; it is asked whenever something changed.

        Gives False if that took longer than the timeout.
        """
        with self._changed:
            return self._changed.wait_for(ready, timeout_s)

    def wake(self) -> None:
        """Have all who wait ask again."""
        with self._changed:
            self._changed.notify_all()

    def _number(self, position: int) -> int:
        return bisect_left(self._groups, position, key=lambda held: held.start)
