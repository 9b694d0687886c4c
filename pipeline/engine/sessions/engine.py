"""Keep the tables that session-scope processors make up to date with a store's events.

Each processor has a thread and a cadence of its own; whatever one does holds up no other. On
request they run at once: `process` what is due or everything, `reprice` the ledger's costs.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from ...core.counters import Counters
from ...core.errors import Permanent, Retryable
from ...core.made import API_CALLS
from ...core.sessions import SessionProcessor, SessionStore
from ..retry import Backoff
from .asked import Asked, Progress, RepriceAsked, Told
from .by_hand import process_due
from .insist import Fault, Stopped, attempt
from .order import in_order, maker_of, upstream_of
from .repricing import reprice
from .runs import Runs, Tools
from .turn import Patience, Turn
from .worker import Worker

logger = logging.getLogger("agentpond.sessions")

_LATER_S = 300.0
_PATIENT = Patience(with_portion_s=_LATER_S, with_requests_s=_LATER_S)


@dataclass(frozen=True, slots=True)
class _Part:
    """All there is of one processor."""

    runs: Runs
    turn: Turn
    worker: Worker


class SessionEngine:
    """Runs session-scope processors on one store."""

    def __init__(
        self,
        store: SessionStore,
        processors: Mapping[str, SessionProcessor],
        *,
        clock: Callable[[], int],
        counters: Counters,
        backoff: Backoff | None = None,
    ) -> None:
        """Take the processors by id; open nothing. ``clock`` gives Unix time in nanoseconds.

        Raises:
            Permanent: the processors read one another's tables in a circle.

        """
        self._store = store
        self._stopped = threading.Event()
        self._tools = Tools(store, clock, counters, backoff or Backoff(), self._stopped)
        self._upstream = upstream_of(processors)
        order = in_order(self._upstream)
        self._processors = {name: processors[name] for name in order}
        self._parts = {name: self._part(name) for name in order}
        self._started = False

    @property
    def names(self) -> tuple[str, ...]:
        """The processors' ids, each behind those whose rows it reads."""
        return tuple(self._parts)

    @property
    def processors(self) -> Mapping[str, SessionProcessor]:
        """The processors by id, in that order."""
        return self._processors

    def troubles(self) -> list[str]:
        """Say in sentences what keeps processors from going on."""
        now_us = self._tools.now_us()
        workers = [part.worker for part in self._parts.values()]
        stuck = [worker.runs.insist.trouble for worker in workers]
        stuck += [part.turn.overdue(now_us) for part in self._parts.values()]
        dead = self._started and not self._stopped.is_set()
        ended = [
            f"processor {worker.runs.name}: its thread ended."
            for worker in workers
            if dead and not worker.running
        ]
        return [trouble for trouble in stuck if trouble] + ended

    def open(self) -> None:
        """Have the store make room for the tables. Raises Retryable or Permanent."""
        self._store.prepare(self._processors)

    def start(self) -> None:
        """Begin to keep up with the store, which is open and prepared."""
        for part in self._parts.values():
            part.worker.start()
        self._started = True

    def wake(self) -> None:
        """Tell that the store may have changed. Costs little; safe from any thread."""
        for part in self._parts.values():
            part.worker.wake()

    def halt(self) -> None:
        """Have all begin no more portions, those on request too."""
        self._stopped.set()
        self.wake()

    def stop(self, deadline_s: float) -> None:
        """Halt, and wait for the portions in hand; leave behind what does not return in time.

        Safe without start, and twice.
        """
        self.halt()
        end_s = time.monotonic() + deadline_s
        for name, part in self._parts.items():
            idle = part.turn.until_idle(max(0.0, end_s - time.monotonic()))
            if not idle or not part.worker.join(max(0.1, end_s - time.monotonic())):
                logger.error("processor %s: it does not return; it is left behind.", name)

    def process(self, asked: Asked) -> Generator[Progress, None, None]:
        """Run what is due, or everything, at once; one yield before and after each portion.

        One processor after the other is taken from the background, and given back when it is
        through, or when the iterator is closed.

        Raises:
            Permanent: `already_running` (at once if another request has one of them),
                `unknown_processor` or `unknown_session`.
            Retryable: the store cannot at the moment, or the engine is stopping.

        """
        return self._process(asked, "process", Patience())

    def settle(self) -> Generator[Progress, None, None]:
        """Do as `process` for all that is due, with patience for what is running already."""
        return self._process(Asked(), "settle", _PATIENT)

    def reprice(self, asked: RepriceAsked) -> Generator[Told, None, None]:
        """Make the ledger's costs again; tell for each model what that changed.

        Raises:
            Permanent: `already_running`, `unknown_processor`, or `bad_prices`.
            Retryable: the store cannot at the moment, or the engine is stopping.

        """
        name = maker_of(API_CALLS, self._processors)
        part = self._parts[name]
        steps = reprice(self._store, name, part.runs.processor, asked)
        with part.turn.held("reprice", Patience()), closing(steps):
            while (told := _step(part.turn, steps)) is not None:
                self._ran(name)
                yield told
                self._go_on()

    def _process(
        self, asked: Asked, who: str, patience: Patience
    ) -> Generator[Progress, None, None]:
        parts = [self._parts[name] for name in self._chosen(asked.processor)]
        for part in parts:
            part.turn.until_unasked(patience)
        for part in parts:
            with part.turn.held(who, patience):
                self._go_on()
                yield from self._by_hand(part, asked, who)
            # It was taken at the start; whoever asked for one of the others since then comes first.
            patience = replace(patience, with_requests_s=_LATER_S)

    def _by_hand(self, part: _Part, asked: Asked, who: str) -> Iterator[Progress]:
        try:
            for told in process_due(part.runs.by_hand(), part.turn, asked, who):
                if told.done:
                    self._ran(told.processor)
                yield told
                self._go_on()
        except Stopped as stopped:
            raise _stopping() from stopped

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise _stopping()

    def _chosen(self, processor: str | None) -> tuple[str, ...]:
        if processor is None:
            return self.names
        if processor not in self._parts:
            raise Permanent(
                f"process: there is no session-scope processor {processor}. Known: "
                f"{', '.join(self._parts) or 'none'}.",
                reason="unknown_processor",
            )
        return (processor,)

    def _part(self, name: str) -> _Part:
        runs = Runs(name, self._processors[name], self._upstream[name], self._tools)
        turn = Turn(name, self._tools.now_us, lambda: self._parts[name].worker.wake(urgent=True))
        return _Part(runs, turn, Worker(runs, turn, self._tools, self._ran))

    def _ran(self, name: str) -> None:
        """Wake those who read what a processor made; at once those who wait no longer than it.

        What lets sessions settle for longer has nothing to do yet: to look at once would only
        be in the way of those who have.
        """
        settle_s = self._processors[name].cadence.settle_s
        for other, upstream in self._upstream.items():
            if name in upstream:
                urgent = self._processors[other].cadence.settle_s <= settle_s
                self._parts[other].worker.wake(urgent=urgent)


def _step(turn: Turn, steps: Iterator[Told]) -> Told | None:
    with turn.portion("reprice", 0):
        told = attempt(lambda: next(steps, None))
    if isinstance(told, Fault):
        raise _permanent(told)
    if isinstance(told, Retryable):
        raise told
    return told


def _permanent(fault: Fault) -> Permanent:
    if isinstance(fault.error, Permanent):
        return fault.error
    logger.error("reprice: %s", fault, exc_info=fault.error)
    error = Permanent(f"reprice: a bug: {fault}. Its traceback is in the log.", reason="bug")
    error.__cause__ = fault.error
    return error


def _stopping() -> Retryable:
    return Retryable("the service is stopping. Ask again.", reason="stopping")
