"""Carry a pipeline's cursor over the log: take a stretch, process it, deliver it, go on.

One thread for each pipeline. Between two stretches, for each exporter of it::

    accepted + recovered = sent + dropped + already + still in the log

where all but the last are counted since the start, ``dropped`` is what the log, the codec, the
pipeline's processors and this exporter gave up, and ``already`` is what the exporter had from
an earlier run while another exporter of the pipeline had not. Only records that the pipeline
takes are counted: of its receivers, and of its signals.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..core.batch import Delivery
from ..core.component import Codec, Exporter, Positioned, Processor
from ..core.counters import DROPPED, FAILED, LOG_RECORDS, RECOVERED, SENT, Counters
from ..core.errors import Permanent, Retryable
from ..core.schema import EVENTS
from .backlog import Backlog, Limits
from .contract import Log
from .cursors import Cursors
from .dead_letters import DeadLetters
from .process import Pipeline as Pipeline
from .process import count_dropped, count_events, process
from .retry import Backoff
from .rows import CODEC, Rows
from .stretch import READ_BYTES, Stretch, Work

logger = logging.getLogger("agentpond.pipeline")

T = TypeVar("T")

STRETCH = Limits(nbytes=24 << 20, records=65_536)

# DuckDB takes 18 to 26 us a row in deliveries of 1,000, 6 to 10 of 10,240 and 4 to 6 of 30,000 (see
# benches/README.md); nobody waits for a delivery, so a small one may wait for company.
GATHER_RECORDS = 40_960
GATHER_S = 0.5

_REST_AFTER_S = 0.1


@dataclass(frozen=True, slots=True)
class Tools:
    """What the service gives every runner."""

    log: Log
    codec: Codec
    backlog: Backlog
    counters: Counters
    cursors: Cursors
    dead_letters: DeadLetters
    backoff: Backoff
    gather_s: float
    """How long a record may wait for others to be delivered with."""
    moved: Callable[[], None]
    """Called from the runner's thread when it passed a stretch or met trouble."""
    rested: Callable[[], None]
    """Called from the runner's thread when it had nothing to do for a moment, or ended."""


class _Halted(BaseException):
    """The runner is to stop in the middle of a stretch; not an error, so no Exception."""


class Runner:
    """Runs one pipeline in a thread of its own."""

    def __init__(self, pipeline: Pipeline, tools: Tools) -> None:
        """Take the parts; nothing runs yet."""
        self.pipeline = pipeline
        self._tools = tools
        self._cursor = 0
        self._cursors: dict[str, int] = {}
        self._already = {name: 0 for name, _ in pipeline.exporters}
        self._done: set[str] = set()
        self._finishing = False
        self._hurry_to = 0
        self._ended = False
        self._halted = threading.Event()
        self._trouble = ""
        self._thread: threading.Thread | None = None
        self._rows = Rows(pipeline, tools.log, tools.codec, self._insist)

    @property
    def cursor(self) -> int:
        """The position up to which all exporters are done."""
        return self._cursor

    @property
    def trouble(self) -> str:
        """What keeps the pipeline from going on; empty if nothing does."""
        return self._trouble

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread is not None and not self._ended

    def already(self, exporter: str) -> int:
        """Count the records the exporter had from an earlier run; see the module's law."""
        return self._already[exporter]

    def remaining(self, exporter: str) -> int:
        """Count the records in the log that the exporter is not past, of those we take."""
        return self._tools.log.records_after(self._cursors[exporter], self.pipeline.takes)

    def prepare(self) -> None:
        """Find where each exporter is. The log must be open, and the exporters started.

        Raises:
            Retryable: the log cannot go on where an exporter is.
            Permanent: a cursor cannot be read.

        """
        log = self._tools.log
        told = {name: self._told(name, exporter) for name, exporter in self.pipeline.exporters}
        # A store may know of more than a log that lost its end to a power failure: what comes
        # next must not get positions that the store takes for delivered.
        log.advance(max(told.values(), default=0))
        self._cursors = {name: max(position, log.start) for name, position in told.items()}
        self._cursor = min(self._cursors.values(), default=log.end)
        self._observe()
        self._tools.backlog.join(self.pipeline.id, self._cursor)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        name = f"agentpond-{self.pipeline.id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def hurry(self, position: int) -> None:
        """Have it gather nothing on its way to a position."""
        self._hurry_to = position
        self._tools.backlog.wake()

    def finish(self) -> None:
        """Have it end once it is at the end of the log."""
        self._finishing = True
        self._tools.backlog.wake()

    def halt(self) -> None:
        """Have it end now, but for the call it is in."""
        self._halted.set()
        self.finish()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; tell whether it did."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _told(self, name: str, exporter: Exporter) -> int:
        log_id = self._tools.log.log_id
        if isinstance(exporter, Positioned):
            position = exporter.position(self.pipeline.id, log_id)
        else:
            position = self._tools.cursors.get(self.pipeline.id, name, log_id)
        return 0 if position is None else position

    def _observe(self) -> None:
        tools, pipeline = self._tools, self.pipeline
        recovered = tools.log.records_after(self._cursor, pipeline.takes)
        tools.counters.add(RECOVERED, recovered, pipeline=pipeline.id)
        for name, _ in pipeline.exporters:
            read = partial(self.remaining, name)
            tools.counters.observe(LOG_RECORDS, read, pipeline=pipeline.id, exporter=name)

    def _run(self) -> None:
        try:
            while self._wait():
                self._insist("pipeline", self._step, give_up=False)
        except _Halted:
            logger.warning(
                "pipeline %s: stopped at position %d of %d; the rest stays in the log.",
                self.pipeline.id,
                self._cursor,
                self._tools.log.end,
            )
        finally:
            self._ended = True
            self._tools.rested()

    def _wait(self) -> bool:
        """Sleep until the log goes on; False when there is nothing left to do."""
        log, backlog = self._tools.log, self._tools.backlog
        if not backlog.wait(lambda: self._finishing or log.end > self._cursor, _REST_AFTER_S):
            self._tools.rested()
            backlog.wait(lambda: self._finishing or log.end > self._cursor)
        if log.end > self._cursor:
            self._gather()
            self._go_on()
        return log.end > self._cursor

    def _gather(self) -> None:
        """Wait a moment for more, if what came last is little and came just now."""
        tools = self._tools
        age_s = tools.backlog.age_s(self._cursor)
        if age_s is not None and age_s < tools.gather_s:
            tools.backlog.wait(self._gathered, tools.gather_s - age_s)

    def _gathered(self) -> bool:
        log, backlog = self._tools.log, self._tools.backlog
        return (
            self._finishing
            or self._cursor < self._hurry_to
            or backlog.nbytes >= STRETCH.nbytes
            or log.records_after(self._cursor, self.pipeline.takes) >= GATHER_RECORDS
        )

    def _go_on(self) -> None:
        if self._halted.is_set():
            raise _Halted

    def _step(self) -> None:
        """Carry one stretch through; done twice, it does again only what was not done."""
        work = Work(self._take())
        self._rows.make(work)
        self._bury_refused(work)
        for name, processor in self.pipeline.processors:
            if processor.scope == "batch" and work.batches:
                self._process(work, name, processor)
        self._deliver(work)
        self._pass(work)

    def _take(self) -> Stretch:
        """Take what follows the cursor: decoded groups if there are any, else from the log."""
        tools, cursor = self._tools, self._cursor
        # An exporter that is ahead must not get a part of what it has.
        until = min((at for at in self._cursors.values() if at > cursor), default=None)
        groups = tools.backlog.take(cursor, STRETCH, until)
        if groups:
            ours = tuple(held for held in groups if held.records(self.pipeline.takes))
            return Stretch(cursor, groups[-1].end, ours)
        bounds = [at for at in (until, tools.backlog.next_start(cursor)) if at is not None]
        return self._rows.decode(tools.log.read(cursor, READ_BYTES, min(bounds, default=None)))

    def _process(self, work: Work, name: str, processor: Processor) -> None:
        batches = work.batches
        result = self._insist(name, lambda: process(name, processor, batches))
        if isinstance(result, Permanent):
            self._bury_batches(work, name, result)
            work.drop(name, result.reason, count_events(batches))
            work.batches = ()
            return
        work.batches = result.batches
        for dropped in result.dropped:
            work.drop(name, dropped.reason, count_dropped([dropped]))

    def _deliver(self, work: Work) -> None:
        if not work.batches:
            return
        stretch = work.stretch
        log_id = self._tools.log.log_id
        delivery = Delivery(self.pipeline.id, log_id, stretch.start, stretch.end, work.batches)
        for name, exporter in self.pipeline.exporters:
            if self._cursors[name] < delivery.end:
                self._export(work, name, exporter, delivery)
            elif name not in self._done:
                self._already[name] += delivery.rows(EVENTS)
            self._done.add(name)

    def _export(self, work: Work, name: str, exporter: Exporter, delivery: Delivery) -> None:
        counters, pipeline = self._tools.counters, self.pipeline.id
        result = self._insist(name, lambda: exporter.export(delivery), exporter=name)
        rows = delivery.rows(EVENTS)
        if isinstance(result, Permanent):
            self._bury_batches(work, name, result)
            drops = [(result.reason, rows)]
        else:
            drops = [(drop.reason, count_dropped([drop])) for drop in result]
        if not isinstance(exporter, Positioned):
            put, log_id = self._tools.cursors.put, delivery.log_id
            end = delivery.end
            # Also when halted, or what has just been delivered comes a second time.
            self._insist(name, lambda: put(pipeline, name, log_id, end), give_up=False, last=True)
        sent = rows - sum(count for _, count in drops)
        counters.add(SENT, sent, pipeline=pipeline, exporter=name)
        for reason, count in drops:
            if count:
                counters.add(DROPPED, count, pipeline=pipeline, component=name, reason=reason)
        self._cursors[name] = delivery.end

    def _pass(self, work: Work) -> None:
        """Move on: the only place where the pipeline's own cursor moves."""
        end = work.stretch.end
        for component, reason, records in work.drops:
            labels = {"pipeline": self.pipeline.id, "component": component, "reason": reason}
            self._tools.counters.add(DROPPED, records, **labels)
        self._cursors = {name: max(at, end) for name, at in self._cursors.items()}
        self._done.clear()
        self._cursor = end
        self._tools.backlog.passed(self.pipeline.id, end)
        self._tools.moved()

    def _bury_batches(self, work: Work, component: str, error: Permanent) -> None:
        place = work.place(self.pipeline.id, component, self._tools.log.log_id)
        letters, batches = self._tools.dead_letters, work.batches
        self._bury(component, error, lambda: letters.bury_batches(place, error, batches))

    def _bury_refused(self, work: Work) -> None:
        refused = work.refused
        if refused:
            place = work.place(self.pipeline.id, CODEC, self._tools.log.log_id)
            letters = self._tools.dead_letters
            self._bury(CODEC, refused[0].error, lambda: letters.bury_requests(place, refused))
        for each in refused:
            work.drop(CODEC, each.error.reason, each.entry.records)

    def _bury(self, component: str, error: Permanent, write: Callable[[], None]) -> None:
        logger.error(
            "pipeline %s: %s gave up: %s What it could not take is in the dead letters.",
            self.pipeline.id,
            component,
            error,
        )
        self._insist("dead letters", write, give_up=False)

    def _insist(
        self,
        what: str,
        call: Callable[[], T],
        *,
        give_up: bool = True,
        exporter: str = "",
        last: bool = False,
    ) -> T | Permanent:
        """Call until it succeeds or, where we may give up, is told that it never will.

        Once halted it calls no more, but for a ``last`` call. An error is no verdict then: the
        exporters may have been stopped in the middle of it.
        """
        delays_s = self._tools.backoff.delays_s()
        if not last:
            self._go_on()
        while isinstance(result := self._attempt(call), Retryable | Permanent):
            self._go_on()
            if give_up and isinstance(result, Permanent):
                return result
            if exporter:
                self._tools.counters.add(FAILED, 1, pipeline=self.pipeline.id, exporter=exporter)
            self._wait_out(what, result, next(delays_s))
        self._trouble = ""
        return result

    def _wait_out(self, what: str, error: Retryable | Permanent, delay_s: float) -> None:
        self._trouble = f"pipeline {self.pipeline.id}: {what}: {error}"
        logger.warning("%s It is tried again.", self._trouble)
        self._tools.moved()
        asked_s = error.retry_after_s if isinstance(error, Retryable) else 0.0
        if self._halted.wait(self._tools.backoff.wait_s(delay_s, asked_s)):
            raise _Halted

    def _attempt(self, call: Callable[[], T]) -> T | Retryable | Permanent:
        """Call; give an error as a value, and any that nobody raised on purpose as a bug."""
        try:
            return call()
        except (Retryable, Permanent) as error:
            return error
        except (MemoryError, OSError) as error:
            # The machine's trouble, not the data's; Arrow's own are of these classes too.
            logger.exception("pipeline %s: the machine refused", self.pipeline.id)
            words = f"{type(error).__name__}: {error}. Check memory, disk and open files."
            return Retryable(words, reason="machine")
        # The one place that catches everything: one component's bug must not end the pipeline.
        except Exception as bug:
            logger.exception("pipeline %s: a bug", self.pipeline.id)
            return Permanent(f"a bug: {type(bug).__name__}: {bug}.", reason="bug")
