"""Put the engines of a service's stores together: start, stop, and whom to ask."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ...core.errors import Permanent
from .asked import Asked, Progress
from .engine import SessionEngine
from .streaming import finished


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines by the ids of their stores."""

    by_store: Mapping[str, SessionEngine]

    async def open(self) -> None:
        """Have the stores make room. Raises Retryable or Permanent."""
        for engine in self.by_store.values():
            await asyncio.to_thread(engine.open)

    def start(self) -> None:
        """Begin to keep up with the stores."""
        for engine in self.by_store.values():
            engine.start()

    def wake(self) -> None:
        """Tell that stores may have changed. Safe from any thread."""
        for engine in self.by_store.values():
            engine.wake()

    def halt(self) -> None:
        """Have all begin no more portions."""
        for engine in self.by_store.values():
            engine.halt()

    async def stop(self, deadline_s: float) -> None:
        """Wait for the portions in hand, at the same time in all stores."""
        stops = (asyncio.to_thread(engine.stop, deadline_s) for engine in self.by_store.values())
        await asyncio.gather(*stops)

    def troubles(self) -> list[str]:
        """Say in sentences what keeps processors from going on."""
        return [trouble for engine in self.by_store.values() for trouble in engine.troubles()]

    def of(self, store: str | None) -> SessionEngine:
        """Give a store's engine; without a name, the only one there is.

        Raises:
            Permanent: there is no such engine, or more than one.

        """
        return engine_of(self.by_store, store)

    async def process(self, asked: Asked, store: str | None) -> tuple[Progress, ...]:
        """Run what is due, or everything; give how far each processor came."""
        engine = self.of(store)
        return await finished(lambda: engine.process(asked))

    async def settle(self) -> None:
        """Return when all processors are up to date with what their stores hold now."""
        for engine in self.by_store.values():
            await finished(engine.settle)


def engine_of(engines: Mapping[str, SessionEngine], store: object) -> SessionEngine:
    """Give a store's engine; without a name, the only one there is.

    Raises:
        Permanent: there is no such engine, or more than one.

    """
    if store is None and len(engines) == 1:
        return next(iter(engines.values()))
    if isinstance(store, str) and store in engines:
        return engines[store]
    known = ", ".join(sorted(engines)) or "none has session-scope processors"
    raise Permanent(f"process: name the store as exporter. Known: {known}.", reason="bad_request")
