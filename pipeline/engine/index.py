"""Answer from memory where frames stand, and how many records stand after a position."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

from .frame import Kind

BYTES_PER_FRAME = 18


class Index:
    """The places of frames in ascending order; 18 bytes of memory for each.

    Not safe across threads by itself: its log holds a lock.
    """

    def __init__(self) -> None:
        """Start without frames."""
        self._starts = array("q")
        self._sizes = array("I")
        self._records = array("I")
        self._kinds = array("H")
        self._numbers: dict[Kind, int] = {}

    def __len__(self) -> int:
        """Count the frames."""
        return len(self._starts)

    def add(self, start: int, size_bytes: int, kind: Kind, records: int) -> None:
        """Note a frame that stands behind all others."""
        self._starts.append(start)
        self._sizes.append(size_bytes)
        self._records.append(records)
        self._kinds.append(self._numbers.setdefault(kind, len(self._numbers)))

    def number_from(self, position: int) -> int:
        """Give the number of the first frame that begins at or after a position."""
        return bisect_left(self._starts, position)

    def start(self, number: int) -> int:
        """Tell where a frame begins."""
        return self._starts[number]

    def end(self, number: int) -> int:
        """Tell where a frame ends."""
        return self._starts[number] + self._sizes[number]

    def kind(self, number: int) -> Kind:
        """Tell the receiver and the signal of a frame."""
        return list(self._numbers)[self._kinds[number]]

    def records(self, number: int) -> int:
        """Tell how many records a frame holds."""
        return self._records[number]

    def is_inside(self, position: int) -> bool:
        """Tell whether a position lies in the middle of a frame."""
        number = self.number_from(position)
        return number > 0 and self.end(number - 1) > position

    def stretch(self, position: int, limit_bytes: int, until: int) -> range:
        """Choose the frames to read: from a position, at least one, none beyond ``until``."""
        first = self.number_from(position)
        if first == len(self) or self.end(first) > until:
            return range(first, first)
        reach = min(until, self._starts[first] + limit_bytes)
        last = max(self.number_from(reach + 1), first + 1)
        if last > first + 1 and self.end(last - 1) > reach:
            last -= 1
        return range(first, last)

    def records_after(self, position: int) -> Mapping[Kind, int]:
        """Count the records of all frames that begin at or after a position, by kind."""
        first = self.number_from(position)
        if first == len(self):
            return {}
        kinds = np.frombuffer(self._kinds, dtype=np.uint16)[first:]
        records = np.frombuffer(self._records, dtype=np.uint32)[first:]
        sums = np.bincount(kinds, weights=records, minlength=len(self._numbers))
        return {kind: int(sums[number]) for kind, number in self._numbers.items()}

    def forget(self, position: int) -> int:
        """Drop the frames that begin before a position; tell how many there were."""
        count = self.number_from(position)
        for column in (self._starts, self._sizes, self._records, self._kinds):
            del column[:count]
        return count
