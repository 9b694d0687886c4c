"""See to it that no two runs of a processor overlap, whoever wants them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from ...core.errors import Permanent

BACKGROUND = "its own cadence"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request waits for what is in its way."""

    with_portion_s: float = 10.0
    """For the portion that the background has in hand."""
    with_requests_s: float = 0.0
    """For another request."""


class Turn:
    """Whose turn a processor is: that of one request, or of the background for one portion."""

    def __init__(
        self, processor: str, now_us: Callable[[], int], freed: Callable[[], None]
    ) -> None:
        """Be free. ``freed`` is called when a request let go of it."""
        self._processor = processor
        self._now_us = now_us
        self._freed = freed
        self._changed = threading.Condition()
        self._held: tuple[str, int] | None = None
        self._working: tuple[str, int] | None = None

    @property
    def free(self) -> bool:
        """Whether the background may begin a portion."""
        return self._held is None and self._working is None

    @property
    def working_since_us(self) -> int:
        """When the portion in hand was begun (Unix microseconds); 0 if there is none."""
        working = self._working
        return 0 if working is None else working[1]

    def begin(self) -> bool:
        """Begin a portion in the background; tell whether that may be."""
        with self._changed:
            if not self.free:
                return False
            self._working = (BACKGROUND, self._now_us())
            return True

    def end(self) -> None:
        """Tell that the portion in hand is done."""
        with self._changed:
            self._working = None
            self._changed.notify_all()

    @contextmanager
    def portion(self, who: str) -> Iterator[None]:
        """Mark a portion that a request has in hand, which holds the turn."""
        with self._changed:
            self._working = (who, self._now_us())
        try:
            yield
        finally:
            self.end()

    @contextmanager
    def held(self, who: str, patience: Patience) -> Iterator[None]:
        """Hold the turn for a request.

        Raises:
            Permanent: another request holds it, or the portion in hand does not end.

        """
        self._hold(who, patience)
        try:
            yield
        finally:
            with self._changed:
                self._held = None
                self._changed.notify_all()
            self._freed()

    def until_idle(self, timeout_s: float) -> bool:
        """Wait until no portion is in hand; tell whether that came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._working is None, timeout_s)

    def _hold(self, who: str, patience: Patience) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._held is None, patience.with_requests_s):
                raise self._already(*(self._held or (who, self._now_us())))
            # From here on the background begins nothing.
            self._held = (who, self._now_us())
            if not self._changed.wait_for(lambda: self._working is None, patience.with_portion_s):
                working, self._held = self._working, None
                self._changed.notify_all()
                raise self._already(*(working or (BACKGROUND, self._now_us())))

    def _already(self, who: str, since_us: int) -> Permanent:
        since = datetime.fromtimestamp(since_us / 1_000_000, UTC)
        return Permanent(
            f"processor {self._processor}: already running since {since:%H:%M:%S} UTC (asked for "
            f"by {who}). Wait until it ends, or watch processor_state.",
            reason="already_running",
        )
