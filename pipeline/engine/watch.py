"""Let the event loop wait for what happens in the pipelines' threads."""

import asyncio
import contextlib
from collections.abc import Callable


class Watch:
    """Conditions that are asked again whenever a thread says that something moved."""

    def __init__(self) -> None:
        """Belong to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def moved(self) -> None:
        """Have all conditions asked again. May be called from any thread."""
        if self._waiting:
            call_threadsafe(self._loop, self._ask)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Return once ``ready`` says yes."""
        waiting = (ready, self._loop.create_future())
        self._waiting.append(waiting)
        try:
            self._ask()
            await waiting[1]
        finally:
            self._waiting.remove(waiting)

    def _ask(self) -> None:
        for ready, future in self._waiting:
            if not future.done() and ready():
                future.set_result(None)


def call_threadsafe(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Have a loop call; do nothing if it was closed, as then nobody waits any more."""
    # call_soon_threadsafe has no other way to say so than RuntimeError.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
