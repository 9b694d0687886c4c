"""Hand recently decoded groups to the pipelines, so that none decodes them again.

What does not fit is declined, and read from the log when its turn comes. Because that costs a
second decoding, whoever makes groups can wait for room as long as the pipelines get on.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..core.component import Decoded, Placed
from .contract import Takes, total
from .frame import Entry, Kind, frame_bytes

CHARGE_BYTES = 256 << 10
"""What a group is charged at least, however little its codec says that it holds.

Decoders allocate in blocks: a group of one record says 430 bytes and holds 200 KB of resident
memory (measured with ptars 0.0.25 and pyarrow 26, 2,000 groups).
"""

# What is decoded and not delivered is most of what varies of the memory in use (`memory`).
_CALM_BYTES = 32 << 20
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """Decoded requests of one receiver that fill a stretch of the log without a gap."""

    start: int
    end: int
    placed: Placed
    counts: Mapping[Kind, int]

    @property
    def nbytes(self) -> int:
        """Bytes of memory it says that it holds."""
        return self.placed.decoded.nbytes

    @property
    def charge_bytes(self) -> int:
        """Bytes of memory it is charged for."""
        return max(self.nbytes, CHARGE_BYTES)

    def records(self, takes: Takes | None = None) -> int:
        """Count the records of the kinds that ``takes`` says yes to."""
        return total(self.counts, takes)


def group(entries: Sequence[Entry], positions: Sequence[int], decoded: Decoded) -> Group:
    """Put what a codec made of entries together with their places."""
    counts: dict[Kind, int] = {}
    for entry in entries:
        counts[entry.kind] = counts.get(entry.kind, 0) + entry.records
    received_at_ns = [entry.request.received_at_ns for entry in entries]
    end = positions[-1] + frame_bytes(entries[-1].request)
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

    def __init__(
        self,
        max_bytes: int,
        *,
        calm_bytes: int = _CALM_BYTES,
        patience_s: float = _PATIENCE_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Note how many bytes of decoded groups to hold at most.

        From ``calm_bytes`` on, ``wait_for_room`` waits; after ``patience_s`` in which no group
        went, no longer, until one goes.
        """
        self._max_bytes = max_bytes
        self._calm_bytes = calm_bytes
        self._patience_s = patience_s
        self._clock_s = clock_s
        self._changed = threading.Condition()
        self._groups: list[Group] = []
        self._came_s: list[float] = []
        self._nbytes = 0
        self._readers: dict[str, int] = {}
        self._stalled = False

    @property
    def nbytes(self) -> int:
        """Bytes it charges for the decoded groups it holds."""
        with self._changed:
            return self._nbytes

    def age_s(self, position: int) -> float | None:
        """Tell how long the group that begins at a position has been here; None if none does."""
        with self._changed:
            number = self._number(position)
            if number == len(self._groups) or self._groups[number].start != position:
                return None
            return self._clock_s() - self._came_s[number]

    def join(self, reader: str, position: int) -> None:
        """Keep groups for a pipeline from a position on."""
        with self._changed:
            self._readers[reader] = position

    def wait_for_room(self) -> None:
        """Sleep while too much waits for the pipelines, as long as they get on."""
        with self._changed:
            while self._nbytes > self._calm_bytes and not self._stalled:
                fewer = partial(self._holds_less_than, self._nbytes)
                self._stalled = not self._changed.wait_for(fewer, self._patience_s)

    def offer(self, groups: Sequence[Group]) -> None:
        """Keep those that fit, and wake who waits for the log's end to move."""
        with self._changed:
            for given in groups:
                if self._nbytes + given.charge_bytes <= self._max_bytes:
                    self._groups.append(given)
                    self._came_s.append(self._clock_s())
                    self._nbytes += given.charge_bytes
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
            if gone:
                self._nbytes -= sum(held.charge_bytes for held in self._groups[:gone])
                self._stalled = False
                del self._groups[:gone]
                del self._came_s[:gone]
                self._changed.notify_all()

    def let_go(self) -> None:
        """Drop all groups, when memory is short: what they hold is in the log as well."""
        with self._changed:
            self._groups.clear()
            self._came_s.clear()
            self._nbytes = 0
            self._stalled = False
            self._changed.notify_all()

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

    def _holds_less_than(self, nbytes: int) -> bool:
        return self._nbytes < nbytes

    def _number(self, position: int) -> int:
        return bisect_left(self._groups, position, key=lambda held: held.start)
