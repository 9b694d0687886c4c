"""Hold a stretch of the log on its way through one pipeline."""

from dataclasses import dataclass, field

from ..core.batch import Batch
from ..core.errors import Permanent
from .backlog import Group
from .contract import Log, Takes
from .dead_letters import Place
from .frame import Entry

READ_BYTES = 16 << 20
"""How much of the log is read at a time."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Entries of the log with their positions."""

    entries: tuple[Entry, ...] = ()
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the log: groups the pipeline takes, and what of it could not be read again."""

    start: int
    end: int
    groups: tuple[Group, ...] = ()
    refused: Kept = Kept()
    refusals: tuple[Permanent, ...] = ()
    lost_records: int = 0


@dataclass(slots=True)
class Work:
    """What has become of a stretch so far; its drops are counted once it is passed."""

    stretch: Stretch
    batches: tuple[Batch, ...] = ()
    drops: list[tuple[str, str, int]] = field(default_factory=list)

    def drop(self, component: str, reason: str, records: int) -> None:
        """Note records that were given up, unless there are none."""
        if records:
            self.drops.append((component, reason, records))

    def place(self, pipeline: str, component: str, log_id: str) -> Place:
        """Name the stretch for a dead letter."""
        return Place(pipeline, component, log_id, self.stretch.start, self.stretch.end)


def reread(log: Log, stretch: Stretch, takes: Takes) -> Kept:
    """Fetch the requests of a stretch as they came. Raises Retryable or Permanent."""
    kept: list[tuple[Entry, int]] = []
    at = stretch.start
    while at < stretch.end:
        extract = log.read(at, READ_BYTES, stretch.end)
        pairs = zip(extract.entries, extract.positions, strict=True)
        kept.extend(pair for pair in pairs if takes(pair[0].kind))
        at = extract.end
    return keep(kept)


def keep(pairs: list[tuple[Entry, int]]) -> Kept:
    """Put entries and positions apart."""
    return Kept(tuple(entry for entry, _ in pairs), tuple(at for _, at in pairs))
