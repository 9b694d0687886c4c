"""Stand in for the rim: an exporter in memory, one that fails on purpose, a clock by hand.

They keep the contract themselves: the checks of this package run over them.
"""

import threading
from collections.abc import Iterable, Sequence

from ..core.batch import Batch, Delivery, Dropped, Table

_NANOSECONDS = 1_000_000_000


class FakeClock:
    """Tells the time that it was set to (Unix nanoseconds)."""

    def __init__(self, now_ns: int = 1_795_169_680_000_000_000) -> None:
        """Stand at a moment."""
        self._now_ns = now_ns

    def __call__(self) -> int:
        """Tell the time."""
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += round(seconds * _NANOSECONDS)


class MemoryExporter:
    """Keeps deliveries in a list, each once, with the position."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._changed = threading.Condition()
        self._kept: list[Delivery] = []
        self._positions: dict[tuple[str, str], int] = {}
        self.running = False

    def start(self) -> None:
        """Open."""
        self.running = True

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Keep a delivery, unless its stretch of the log is already here."""
        at = (delivery.pipeline, delivery.log_id)
        with self._changed:
            if delivery.end > self._positions.get(at, -1):
                self._kept.append(delivery)
                self._positions[at] = delivery.end
            self._changed.notify_all()
        return ()

    def stop(self) -> None:
        """Close; what was kept can still be looked at."""
        self.running = False

    def position(self, pipeline: str, log_id: str) -> int | None:
        """Give the end of the last delivery of this pipeline and log."""
        with self._changed:
            return self._positions.get((pipeline, log_id))

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """All that was delivered, in order."""
        with self._changed:
            return tuple(self._kept)

    def batches(self, table: Table) -> list[Batch]:
        """Give all batches of a table, in order."""
        kept = (each for delivery in self.deliveries for each in delivery.batches)
        return [each for each in kept if each.table.name == table.name]

    def rows(self, table: Table) -> int:
        """Count the rows of a table."""
        return sum(len(each) for each in self.batches(table))

    def wait_for(self, deliveries: int, timeout_s: float = 10.0) -> bool:
        """Wait until so many deliveries are here; False if they did not come in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._kept) >= deliveries, timeout_s)


class FailingExporter:
    """Raises the errors it was given, one an export, and then delivers into ``memory``."""

    def __init__(self, errors: Iterable[Exception] = ()) -> None:
        """Take the errors in the order they are to come."""
        self._errors = iter(tuple(errors))
        self.memory = MemoryExporter()
        self.attempts = 0

    def start(self) -> None:
        """Open."""
        self.memory.start()

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Raise the next error, or keep the delivery."""
        self.attempts += 1
        error = next(self._errors, None)
        if error is not None:
            raise error
        return self.memory.export(delivery)

    def stop(self) -> None:
        """Close."""
        self.memory.stop()

    def position(self, pipeline: str, log_id: str) -> int | None:
        """Give the end of the last delivery that did not fail."""
        return self.memory.position(pipeline, log_id)
