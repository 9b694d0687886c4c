"""Hold a stretch of the log on its way through one pipeline."""

from dataclasses import dataclass, field

from ..core.batch import Batch
from ..core.errors import Permanent
from .backlog import Group
from .contract import Log, Takes
from .dead_letters import Place, Refused
from .frame import Entry

READ_BYTES = 16 << 20
"""How much of the log is read at a time."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Entries of the log with their positions."""

    entries: tuple[Entry, ...] = ()
    positions: tuple[int, ...] = ()

    @property
    def records(self) -> int:
        """Count the records of all entries."""
        return sum(entry.records for entry in self.entries)

    def refused(self, error: Permanent) -> list[Refused]:
        """Give each entry with the error that all of them share."""
        pairs = zip(self.entries, self.positions, strict=True)
        return [Refused(entry, position, error) for entry, position in pairs]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the log: groups the pipeline takes, and what of it could not be read again."""

    start: int
    end: int
    groups: tuple[Group, ...] = ()
    refused: tuple[Refused, ...] = ()
    lost_records: int = 0


@dataclass(slots=True)
class Work:
    """What has become of a stretch so far; its drops are counted once it is passed."""

    stretch: Stretch
    batches: tuple[Batch, ...] = ()
    refused: list[Refused] = field(default_factory=list)
    drops: list[tuple[str, str, int]] = field(default_factory=list)

    def drop(self, component: str, reason: str, records: int) -> None:
        """Note records that were given up, unless there are none."""
        if records:
            self.drops.append((component, reason, records))

    def place(self, pipeline: str, component: str, log_id: str) -> Place:
        """Name the stretch for a dead letter."""
        return Place(pipeline, component, log_id, self.stretch.start, self.stretch.end)


def reread(log: Log, stretch: Stretch, takes: Takes) -> Kept:
    """Fetch the requests that a stretch's groups were made of, as they came.

    Raises:
        Retryable: the log cannot be read at the moment.
        Permanent: the log no longer has them.

    """
    refused = {each.position for each in stretch.refused}
    kept: list[tuple[Entry, int]] = []
    at = stretch.start
    while at < stretch.end:
        extract = log.read(at, READ_BYTES, stretch.end)
        pairs = zip(extract.entries, extract.positions, strict=True)
        kept.extend(pair for pair in pairs if takes(pair[0].kind) and pair[1] not in refused)
        at = extract.end
    return keep(kept)


def keep(pairs: list[tuple[Entry, int]]) -> Kept:
    """Put entries and positions apart."""
    return Kept(tuple(entry for entry, _ in pairs), tuple(at for _, at in pairs))
