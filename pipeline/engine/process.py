"""Turn the rows of a stretch into what its pipeline delivers: functions of values alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..core.batch import Batch, Dropped
from ..core.component import Exporter, Processor
from ..core.errors import Permanent
from ..core.schema import EVENTS, SPAN_EVENTS
from ..core.signal import Signal
from .frame import Kind

ALL_SIGNALS = frozenset(Signal)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What one pipeline takes, what it does to it, and where it goes; with the parts' ids."""

    id: str
    receivers: frozenset[str]
    signals: frozenset[Signal]
    processors: tuple[tuple[str, Processor], ...]
    exporters: tuple[tuple[str, Exporter], ...]

    def takes(self, kind: Kind) -> bool:
        """Tell whether requests of this receiver and signal are this pipeline's."""
        receiver, signal = kind
        return receiver in self.receivers and signal in self.signals


@dataclass(frozen=True, slots=True)
class Processed:
    """What a processor made of batches, and what it left out."""

    batches: tuple[Batch, ...]
    dropped: tuple[Dropped, ...] = ()


def count_events(batches: Iterable[Batch]) -> int:
    """Count the rows of the events table."""
    return sum(len(batch) for batch in batches if batch.table.name == EVENTS.name)


def count_dropped(dropped: Iterable[Dropped]) -> int:
    """Count the dropped rows of the events table."""
    return sum(drop.rows for drop in dropped if drop.table.name == EVENTS.name)


def choose(batches: Sequence[Batch], signals: frozenset[Signal]) -> tuple[Batch, ...]:
    """Leave out the rows of signals that the pipeline does not take, and empty batches."""
    if signals == ALL_SIGNALS:
        return tuple(batch for batch in batches if len(batch))
    wanted = pa.array([signal.value for signal in sorted(signals)], pa.string())
    chosen = (_choose(batch, wanted) for batch in batches if _belongs(batch, signals))
    return tuple(batch for batch in chosen if len(batch))


def _belongs(batch: Batch, signals: frozenset[Signal]) -> bool:
    return batch.table.name != SPAN_EVENTS.name or Signal.TRACES in signals


def _choose(batch: Batch, wanted: pa.StringArray) -> Batch:
    if batch.table.name != EVENTS.name:
        return batch
    ours = pc.is_in(batch.records.column("signal"), value_set=wanted)
    return batch.with_records(batch.records.filter(ours))


def process(name: str, processor: Processor, batches: Sequence[Batch]) -> Processed:
    """Run a processor over batches; rows that vanish without a word are dropped as such.

    Raises:
        Permanent: it gave more events than it got.

    """
    kept: list[Batch] = []
    dropped: list[Dropped] = []
    for batch in batches:
        for made in processor.process(batch):
            if isinstance(made, Dropped):
                dropped.append(made)
            else:
                kept.append(made)
    missing = count_events(batches) - count_events(kept) - count_dropped(dropped)
    if missing < 0:
        raise Permanent(
            f"processor {name}: it gave {-missing} more events than it got. Make no events, "
            f"and count only rows that are left out as dropped.",
            reason="bug",
        )
    if missing:
        dropped.append(Dropped(EVENTS, missing, "unexplained"))
    return Processed(tuple(batch for batch in kept if len(batch)), tuple(dropped))
