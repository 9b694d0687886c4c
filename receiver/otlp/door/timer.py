"""Turn a delay into one call that may be taken back."""

import asyncio
from collections.abc import Callable


class Timer:
    """Calls what it was made with when its time has come, once each time it is started."""

    def __init__(self, then: Callable[[], object]) -> None:
        """Wait to be started."""
        self._then = then
        self._handle: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        """Whether the call is still to come."""
        return self._handle is not None

    def start(self, delay_s: float) -> None:
        """Call in so many seconds, unless a call is to come already."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(delay_s, self._end)

    def stop(self) -> None:
        """Take the call back. Safe without start, and twice."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _end(self) -> None:
        self._handle = None
        self._then()
