"""Turn a stretch of the log into rows, and set apart the requests that break the codec.

A codec works on many requests at once, so one that it has a bug for would take all others with
it. What fails is therefore tried again in halves, until the guilty one stands alone.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..core.batch import Batch
from ..core.component import Codec
from ..core.errors import Permanent
from .backlog import Group, group
from .contract import Extract, Log, total
from .dead_letters import Refused
from .frame import Entry
from .process import Pipeline, choose, count_events
from .stretch import Kept, Stretch, Work, keep, reread

logger = logging.getLogger("agentpond.pipeline")

T = TypeVar("T")

CODEC = "codec"
LOG = "log"
"""Component ids under which losses that no component of the pipeline caused are counted."""


class Insist(Protocol):
    """Call until it succeeds, or give the Permanent that says that it never will."""

    def __call__(self, what: str, call: Callable[[], T]) -> T | Permanent:
        """Call, for the component of that id."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What one pipeline makes of the log with the codec."""

    pipeline: Pipeline
    log: Log
    codec: Codec
    insist: Insist

    def decode(self, extract: Extract) -> Stretch:
        """Decode again what the log kept; each verdict was good once, but we may have changed."""
        takes = self.pipeline.takes
        pairs = zip(extract.entries, extract.positions, strict=True)
        ours = keep([pair for pair in pairs if takes(pair[0].kind)])
        groups: list[Group] = []
        refused: list[Refused] = []
        for part, made in _by_halves(ours, self._decode):
            if isinstance(made, Permanent):
                refused += part.refused(made)
            else:
                groups += made[0]
                refused += made[1]
        lost = total(extract.lost, takes)
        return Stretch(extract.start, extract.end, tuple(groups), tuple(refused), lost)

    def make(self, work: Work) -> None:
        """Normalise a stretch into the work's batches, and note what is missing from them."""
        stretch = work.stretch
        work.refused = list(stretch.refused)
        work.drop(LOG, "damaged", stretch.lost_records)
        expected = sum(held.records(self.pipeline.takes) for held in stretch.groups)
        if not expected:
            return
        placed = [held.placed for held in stretch.groups]
        result = self.insist(CODEC, lambda: self.codec.normalize(placed))
        if isinstance(result, Permanent):
            result, expected = self._make_apart(work, expected)
        work.batches = choose(result, self.pipeline.signals)
        found = count_events(work.batches)
        work.drop(CODEC, "unexplained", max(expected - found, 0))
        if found > expected:
            logger.error(
                "pipeline %s: %d records became %d events: the codec counts wrongly.",
                self.pipeline.id,
                expected,
                found,
            )

    def _make_apart(self, work: Work, expected: int) -> tuple[list[Batch], int]:
        """Give the rows of all requests but the guilty ones, and how many there should be."""
        kept = reread(self.log, work.stretch, self.pipeline.takes)
        work.drop(LOG, "damaged", expected - kept.records)
        sound = 0
        batches: list[Batch] = []
        for part, made in _by_halves(kept, self._normalize):
            if isinstance(made, Permanent):
                work.refused += part.refused(made)
            else:
                batches += made
                sound += part.records
        return batches, sound

    def _decode(self, kept: Kept) -> tuple[list[Group], list[Refused]] | Permanent:
        return self.insist(CODEC, lambda: _decode(self.codec, kept))

    def _normalize(self, kept: Kept) -> list[Batch] | Permanent:
        return self.insist(CODEC, lambda: _normalize(self.codec, kept))


def _by_halves(
    kept: Kept, call: Callable[[Kept], T | Permanent]
) -> Iterator[tuple[Kept, T | Permanent]]:
    """Call with all entries, and where that fails with halves, until what fails stands alone."""
    if not kept.entries:
        return
    made = call(kept)
    if not isinstance(made, Permanent) or len(kept.entries) == 1:
        yield kept, made
        return
    middle = len(kept.entries) // 2
    yield from _by_halves(Kept(kept.entries[:middle], kept.positions[:middle]), call)
    yield from _by_halves(Kept(kept.entries[middle:], kept.positions[middle:]), call)


def _decode(codec: Codec, kept: Kept) -> tuple[list[Group], list[Refused]]:
    verdicts, decoded = codec.decode([entry.request for entry in kept.entries])
    taken: list[tuple[Entry, int]] = []
    refused: list[Refused] = []
    for entry, at, verdict in zip(kept.entries, kept.positions, verdicts, strict=True):
        if isinstance(verdict, Permanent):
            refused.append(Refused(entry, at, verdict))
        else:
            taken.append((entry, at))
    ours = keep(taken)
    return [group(ours.entries, ours.positions, decoded)] if taken else [], refused


def _normalize(codec: Codec, kept: Kept) -> list[Batch]:
    groups, refused = _decode(codec, kept)
    if refused:
        raise refused[0].error
    return codec.normalize([made.placed for made in groups])
