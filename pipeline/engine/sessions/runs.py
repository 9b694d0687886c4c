"""Turn due sessions into rows in the store: read, process, replace; fail alone who must.

A portion in which something fails is split until those stand alone that fail by themselves, or
until that has taken too long: what is left then stays due.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.counters import (
    PROCESSOR_FAILED_SESSIONS,
    PROCESSOR_ROWS,
    PROCESSOR_RUN_SECONDS,
    PROCESSOR_SESSIONS,
    Counters,
)
from ...core.errors import Retryable
from ...core.schema import TIME
from ...core.sessions import DUE, Ask, Run, SessionProcessor, SessionStore
from ..retry import Backoff
from .asked import Asked
from .given import given_by
from .insist import Fault, Insisting, attempt
from .ripe import halves

logger = logging.getLogger("agentpond.sessions")

_ATTEMPTS_BY_HAND = 5

_MOST_CALLS = 64
"""Calls for a portion. One session that fails is found among 200,000 in 37, the first of many in
19; whoever has nothing to do with it waits no longer than so many calls take."""

_AGAIN_S = 5.0
_AGAIN_AT_MOST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What the engine gives all processors' runs."""

    store: SessionStore
    clock: Callable[[], int]
    """Unix time in nanoseconds."""
    counters: Counters
    backoff: Backoff
    stopped: threading.Event

    def now_us(self) -> int:
        """Tell the time in Unix microseconds."""
        return self.clock() // 1000


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to: its sessions, those that failed among them, and the rows made."""

    sessions: int
    failed: int
    rows: int
    left: pa.Table = field(default_factory=DUE.empty_table)
    """Those of the portion, rows of ``DUE``, that it did not come to."""


@dataclass(frozen=True, slots=True)
class _Made:
    rows: int
    failures: list[tuple[pa.Table, Fault]]
    left: pa.Table


class Runs:
    """Runs one processor on sessions of the store."""

    def __init__(
        self, name: str, processor: SessionProcessor, upstream: tuple[str, ...], tools: Tools
    ) -> None:
        """Note what to run; ``upstream`` makes what it reads."""
        self.name = name
        self.processor = processor
        self.insist = Insisting(name, tools.backoff, tools.stopped)
        self._upstream = upstream
        self._tools = tools
        self._traced = ""

    def by_hand(self) -> "Runs":
        """Give the same for someone who waits: trouble of the store is told and not waited out."""
        runs = Runs(self.name, self.processor, self._upstream, self._tools)
        tools = self._tools
        runs.insist = Insisting(self.name, tools.backoff, tools.stopped, _ATTEMPTS_BY_HAND)
        return runs

    def due(self, asked: Asked | None = None) -> pa.Table:
        """Give the sessions to run on, in ``DUE``; who asks waits for no next attempt."""
        ask = Ask(
            processor=self.name,
            version=self.processor.version,
            upstream=self._upstream,
            now_us=self._tools.now_us(),
            everything=asked is not None and asked.everything,
            failed=asked is not None,
            session_id=None if asked is None else asked.session_id,
        )
        return self.insist.surely(lambda: self._tools.store.due(ask))

    def next_again_us(self) -> int | None:
        """Give when a session is due that is not due now, if nothing happens till then."""
        return self.insist.surely(lambda: self._tools.store.next_again_us(self.name))

    def run(self, sessions: pa.Table) -> Done:
        """Run on sessions, which are rows of ``DUE``, all at once if that is possible."""
        began_us = self._tools.now_us()
        made = self._make(sessions)
        self._fail(made.failures, began_us)
        failed, done = len(made.failures), sessions.num_rows - made.left.num_rows
        self._count(done - failed, failed, made.rows, began_us)
        return Done(done, failed, made.rows, made.left)

    def _count(self, processed: int, failed: int, rows: int, began_us: int) -> None:
        add, spent_us = self._tools.counters.add, self._tools.now_us() - began_us
        add(PROCESSOR_SESSIONS, processed, processor=self.name)
        add(PROCESSOR_FAILED_SESSIONS, failed, processor=self.name)
        add(PROCESSOR_ROWS, rows, processor=self.name)
        add(PROCESSOR_RUN_SECONDS, max(spent_us, 0) / 1_000_000, processor=self.name)

    def _make(self, sessions: pa.Table) -> _Made:
        rows, failures, left = 0, list[tuple[pa.Table, Fault]](), [sessions]
        for _ in range(_MOST_CALLS):
            portion = left.pop()
            result = self._once(portion)
            if not isinstance(result, Fault):
                rows += result
            elif portion.num_rows == 1:
                failures.append((portion, result))
            else:
                left += reversed(halves(portion))
            if not left:
                break
            self.insist.go_on()
        return _Made(rows, failures, pa.concat_tables([DUE.empty_table(), *left]))

    def _once(self, sessions: pa.Table) -> int | Fault:
        """Read, process and replace; count the rows, or say what is in the way."""
        started_us = self._tools.now_us()
        ids = sessions["session_id"].combine_chunks()
        store, processor = self._tools.store, self.processor
        given = self.insist.call(lambda: store.read(ids, processor.needs, started_us))
        if isinstance(given, Fault):
            return given
        made = attempt(lambda: given_by(self.name, processor, given))
        # A function of values has nothing to wait for: this fails again as well.
        if isinstance(made, Fault | Retryable):
            return made if isinstance(made, Fault) else Fault(made)
        batches, again = made
        run = self._run(sessions, started_us)
        return self.insist.call(lambda: store.replace(run, processor.tables, batches, again))

    def _run(self, sessions: pa.Table, started_us: int) -> Run:
        version, now_us = self.processor.version, self._tools.now_us()
        return Run(self.name, version, sessions, started_us, now_us)

    def _fail(self, failures: list[tuple[pa.Table, Fault]], began_us: int) -> None:
        """Note failures in the store; sessions with the same error in one go."""
        by_words: dict[str, list[tuple[pa.Table, Fault]]] = {}
        for sessions, fault in failures:
            by_words.setdefault(str(fault), []).append((sessions, fault))
        for words, alike in by_words.items():
            sessions = pa.concat_tables([rows for rows, _ in alike]).combine_chunks()
            self._tell(sessions, alike[0][1])
            run = self._run(sessions, began_us)
            at = again_at(sessions, run.finished_at_us)
            self._note(run, words, at)

    def _note(self, run: Run, words: str, at: pa.TimestampArray) -> None:
        self.insist.surely(lambda: self._tools.store.fail(run, words, at))

    def _tell(self, sessions: pa.Table, fault: Fault) -> None:
        """Log a failure: with the traceback when it is news, and the first of these sessions."""
        words = str(fault)
        first = pc.min(sessions["attempts"]).as_py() == 0 and words != self._traced
        self._traced = words if first else self._traced
        logger.error(
            "processor %s: failed on %d sessions (such as %s), to be tried again later: %s",
            self.name,
            sessions.num_rows,
            sessions["session_id"][0],
            words,
            exc_info=fault.error if first else None,
        )


def again_at(sessions: pa.Table, now_us: int) -> pa.TimestampArray:
    """Say when each session that failed is tried again: later each time, at most in an hour."""
    attempts = np.minimum(pc.fill_null(sessions["attempts"], 0).to_numpy(), 30)
    delay_s = np.minimum(_AGAIN_S * 2.0**attempts, _AGAIN_AT_MOST_S)
    return pa.array(now_us + (delay_s * 1_000_000).astype(np.int64)).cast(TIME)
