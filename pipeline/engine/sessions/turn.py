"""See to it that no two runs of a processor overlap, whoever wants them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from ...core.errors import Permanent

BACKGROUND = "its own cadence"

_LONG_US = 300_000_000
"""A portion takes seconds; one that takes minutes is worth a word."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request waits for what is in its way."""

    with_portion_s: float = 10.0
    """For the portion that the background has in hand."""
    with_requests_s: float = 0.0
    """For another request."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A portion in hand."""

    who: str
    sessions: int
    since_us: int


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
        self._working: _Work | None = None

    @property
    def free(self) -> bool:
        """Whether the background may begin a portion."""
        return self._held is None and self._working is None

    @property
    def working_since_us(self) -> int:
        """When the portion in hand was begun (Unix microseconds); 0 if there is none."""
        working = self._working
        return 0 if working is None else working.since_us

    def overdue(self, now_us: int) -> str:
        """Say it in a sentence if the portion in hand takes long; else nothing."""
        working = self._working
        if working is None or now_us - working.since_us < _LONG_US:
            return ""
        on = f" on {working.sessions} sessions" if working.sessions else ""
        return (
            f"processor {self._processor}: at work{on} since {_clock_time(working.since_us)} "
            f"(asked for by {working.who})."
        )

    def begin(self, sessions: int) -> bool:
        """Begin a portion in the background; tell whether that may be."""
        with self._changed:
            if not self.free:
                return False
            self._working = _Work(BACKGROUND, sessions, self._now_us())
            return True

    def end(self) -> None:
        """Tell that the portion in hand is done."""
        with self._changed:
            self._working = None
            self._changed.notify_all()

    @contextmanager
    def portion(self, who: str, sessions: int) -> Iterator[None]:
        """Mark a portion that a request has in hand, which holds the turn."""
        with self._changed:
            self._working = _Work(who, sessions, self._now_us())
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

    def until_unasked(self, patience: Patience) -> None:
        """Wait until no request holds it. Raises Permanent if one still does."""
        with self._changed:
            self._until_unasked(patience)

    def until_idle(self, timeout_s: float) -> bool:
        """Wait until no portion is in hand; tell whether that came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._working is None, timeout_s)

    def _hold(self, who: str, patience: Patience) -> None:
        with self._changed:
            self._until_unasked(patience)
            # From here on the background begins nothing.
            self._held = (who, self._now_us())
            if not self._changed.wait_for(lambda: self._working is None, patience.with_portion_s):
                working, self._held = self._working, None
                self._changed.notify_all()
                since_us = self._now_us() if working is None else working.since_us
                raise self._already(BACKGROUND, since_us)

    def _until_unasked(self, patience: Patience) -> None:
        self._changed.wait_for(lambda: self._held is None, patience.with_requests_s)
        if self._held is not None:
            raise self._already(*self._held)

    def _already(self, who: str, since_us: int) -> Permanent:
        return Permanent(
            f"processor {self._processor}: already running since {_clock_time(since_us)} (asked "
            f"for by {who}). Wait until it ends, or watch processor_state.",
            reason="already_running",
        )


def _clock_time(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%H:%M:%S} UTC"
