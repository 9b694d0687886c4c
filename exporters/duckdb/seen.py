"""Remember which record ids were stored, in a few bytes each, so that copies are found.

The answer is "certainly not" or "look in the table": a hit is a hash alone and must be
verified, so a collision costs time and never a record.

Ids stand as 32-bit fingerprints in open-addressing tables (segments); a segment never grows,
the next one is larger, and a segment goes whole when all it holds is too old. Measured in
batches of 20,000, to look up and to add: 0.17 us an id at a million, 0.5 us at 10 million; 6.5
to 8 bytes an id from a million on, 16 at 200,000.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_FIRST_SLOTS = 2**18
_MOST_SLOTS = 2**23
_MOST_FULL = 0.7

_ODD_LOW = np.uint64(0x9E3779B97F4A7C15)
_ODD_HIGH = np.uint64(0xC2B2AE3D27D4EB4F)
_ODD_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Hits:
    """Which ids may be there, and when the segments that hold them were filled."""

    mask: Mask
    oldest_us: int
    newest_us: int


def hash_ids(ids: Words) -> Words:
    """Fold 128-bit ids, two words each, to 64 bits.

    The ids are hashes already; this guards against those of other makers, such as counters.
    """
    folded = ids[:, 0] * _ODD_LOW + ids[:, 1] * _ODD_HIGH
    mixed: Words = (folded ^ (folded >> _HALF)) * _ODD_MIX
    return mixed ^ (mixed >> _HALF)


class SeenIds:
    """The ids of the records stored within the window."""

    def __init__(self, first_slots: int = _FIRST_SLOTS, most_slots: int = _MOST_SLOTS) -> None:
        """Start empty; slots are powers of two."""
        self._first_slots = first_slots
        self._most_slots = most_slots
        self._segments: list[_Segment] = []

    @property
    def nbytes(self) -> int:
        """Bytes of memory the tables take."""
        return sum(segment.nbytes for segment in self._segments)

    def probe(self, hashes: Words) -> Hits:
        """Tell which ids may have been added."""
        mask = np.zeros(len(hashes), dtype=np.bool_)
        hit_in = []
        for segment in self._segments:
            found = segment.find(hashes)
            if found.any():
                mask |= found
                hit_in.append(segment)
        oldest_us = min((segment.oldest_us for segment in hit_in), default=0)
        newest_us = max((segment.newest_us for segment in hit_in), default=0)
        return Hits(mask, oldest_us, newest_us)

    def add(self, hashes: Words, received_us: Times) -> None:
        """Remember ids, with the time each record was received."""
        start = 0
        while start < len(hashes):
            segment = self._with_room(len(hashes) - start)
            stop = start + segment.room
            segment.add(hashes[start:stop], received_us[start:stop])
            start = stop

    def forget(self, before_us: int) -> None:
        """Drop the segments whose records were all received before this time."""
        self._segments = [segment for segment in self._segments if segment.newest_us >= before_us]

    def _with_room(self, asked: int) -> "_Segment":
        if not self._segments or not self._segments[-1].room:
            last = self._segments[-1].slots if self._segments else self._first_slots // 2
            fitting = 1 << int(asked / _MOST_FULL).bit_length()
            slots = min(max(2 * last, fitting), self._most_slots)
            self._segments.append(_Segment(slots))
        return self._segments[-1]


class _Segment:
    """One table of fixed size: linear probing over fingerprints, 0 means free."""

    def __init__(self, slots: int) -> None:
        self._table = np.zeros(slots, dtype=np.uint32)
        self._used = 0
        self.oldest_us = np.iinfo(np.int64).max
        self.newest_us = np.iinfo(np.int64).min

    @property
    def slots(self) -> int:
        return len(self._table)

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    @property
    def room(self) -> int:
        return max(0, int(self.slots * _MOST_FULL) - self._used)

    def find(self, hashes: Words) -> Mask:
        found = np.zeros(len(hashes), dtype=np.bool_)
        asked = np.arange(len(hashes))
        slot, mark = self._places(hashes)
        while len(asked):
            held = self._table[slot]
            same = held == mark
            found[asked[same]] = True
            on = np.flatnonzero(~same & (held != 0))
            asked, mark = asked[on], mark[on]
            slot = (slot[on] + 1) & (self.slots - 1)
        return found

    def add(self, hashes: Words, received_us: Times) -> None:
        self.oldest_us = min(self.oldest_us, int(received_us.min()))
        self.newest_us = max(self.newest_us, int(received_us.max()))
        slot, mark = self._places(hashes)
        while len(slot):
            free = self._table[slot] == 0
            self._table[slot[free]] = mark[free]
            # Of two ids that took the same free slot, the one that was written first goes on.
            there = self._table[slot] == mark
            self._used += int(np.count_nonzero(there & free))
            on = np.flatnonzero(~there)
            slot, mark = (slot[on] + 1) & (self.slots - 1), mark[on]

    def _places(self, hashes: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
        """Give the home slot from the low bits and the fingerprint from the high ones."""
        slot = (hashes & np.uint64(self.slots - 1)).astype(np.int64)
        mark = np.maximum((hashes >> _HALF).astype(np.uint32), np.uint32(1))
        return slot, mark
