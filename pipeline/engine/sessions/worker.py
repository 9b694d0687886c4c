"""Keep one processor up to date in a thread of its own: sleep, look, run, look again."""

import logging
import threading
from collections.abc import Callable

import pyarrow as pa

from ...core.counters import PROCESSOR_DUE_SESSIONS, PROCESSOR_RUNNING_SINCE
from .insist import Stopped
from .ripe import NO_SUSPECTS, NOBODY, Look, choose, first_chunk, within, without
from .runs import Runs, Tools
from .turn import Turn

logger = logging.getLogger("agentpond.sessions")

# Of `settle`: nothing that came just now is ripe yet, and more is likely to come.
_LOOK_AFTER = 0.25

# A run is followed by the next after five times what it took, or after `every` if that is sooner:
# a session's news show within seconds, and no processor takes more than a fifth of a core.
_PAUSE_FOR_WORK = 5

# Within this it is noticed that the clock was set back.
_SLEEP_S = 60.0


class Worker:
    """Runs one processor on its cadence."""

    def __init__(self, runs: Runs, turn: Turn, tools: Tools, ran: Callable[[str], None]) -> None:
        """Take the parts; nothing runs yet. ``ran`` is called after each portion."""
        self.runs = runs
        self._turn = turn
        self._tools = tools
        self._ran = ran
        self._cadence = runs.processor.cadence
        self._every_us = round(self._cadence.every_s * 1_000_000)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._urgent = True
        self._seen: int | None = None
        self._noted_us: int | None = None
        self._next_us: int | None = None
        self._not_before_us = 0
        self._now_us = 0
        self._waiting = NOBODY
        self._suspects = NO_SUSPECTS
        self._due = 0

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        name, observe = self.runs.name, self._tools.counters.observe
        observe(PROCESSOR_DUE_SESSIONS, lambda: self._due, processor=name)
        since = PROCESSOR_RUNNING_SINCE
        observe(since, lambda: self._turn.working_since_us // 1_000_000, processor=name)
        thread = threading.Thread(target=self._run, name=f"agentpond-{name}", daemon=True)
        self._thread = thread
        thread.start()

    def wake(self, *, urgent: bool = False) -> None:
        """Have it see whether there is something to do; look at once if it is ``urgent``."""
        with self._changed:
            self._urgent = self._urgent or urgent
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; tell whether it did."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.running

    def look_at_us(self, now_us: int) -> int | None:
        """Give when to look next (Unix microseconds); None if nothing can be due till woken."""
        self._heed(now_us)
        times = [self._next_us] if self._next_us is not None else []
        if self._urgent:
            times.append(self._not_before_us)
        elif self._tools.store.change != self._seen:
            self._noted_us = min(self._noted_us or now_us, now_us)
            settled_us = self._noted_us + round(self._cadence.settle_s * _LOOK_AFTER * 1_000_000)
            times.append(max(settled_us, self._not_before_us))
        return min(times, default=None)

    def step(self) -> None:
        """Look once, and run on the sessions whose time has come."""
        look = self._look()
        if look.fresh.num_rows:
            began_us = self._tools.now_us()
            self._run_on_all(look.fresh)
            pause_us = _PAUSE_FOR_WORK * (self._tools.now_us() - began_us)
            self._not_before_us = began_us + min(self._every_us, pause_us)
        for others in (look.again, look.outdated):
            if others.num_rows:
                # One portion, and then what is fresh goes first again.
                self._run_on(first_chunk(others, suspects=self._suspects))
        if look.fresh.num_rows or look.again.num_rows or look.outdated.num_rows:
            self._next_us = 0

    def _run(self) -> None:
        try:
            while self._sleep():
                self.step()
        except Stopped:
            logger.debug("processor %s: stopped", self.runs.name)

    def _sleep(self) -> bool:
        """Sleep until it is time to look; False if it is time to stop."""
        with self._changed:
            while not self._tools.stopped.is_set():
                now_us = self._tools.now_us()
                at_us = self.look_at_us(now_us) if self._turn.free else None
                if at_us is not None and at_us <= now_us:
                    return True
                left_s = _SLEEP_S if at_us is None else (at_us - now_us) / 1_000_000
                self._changed.wait(min(left_s, _SLEEP_S))
        return False

    def _heed(self, now_us: int) -> None:
        """Put nothing off for longer because the clock was set back."""
        self._not_before_us = min(self._not_before_us, now_us + self._every_us)
        if now_us < self._now_us and self._next_us is not None:
            self._next_us = 0
        self._now_us = now_us

    def _look(self) -> Look:
        with self._changed:
            self._urgent = False
        self._noted_us = None
        # Before asking: what changes meanwhile is another reason to look.
        self._seen = self._tools.store.change
        due = self.runs.due()
        now_us = self._tools.now_us()
        self._heed(now_us)
        self._suspects = self._suspects.within(due)
        not_before_us, suspects = self._not_before_us, self._suspects
        look = choose(due, self._waiting, now_us, self._cadence, not_before_us, suspects)
        self._due = due.num_rows
        self._waiting = look.waiting
        self._next_us = self._next(look, now_us)
        return look

    def _next(self, look: Look, now_us: int) -> int | None:
        again_us = self.runs.next_again_us()
        times = [] if look.next_us is None else [look.next_us]
        # One that is past is among those that are due.
        if again_us is not None and again_us > now_us:
            times.append(max(again_us, self._not_before_us))
        return min(times, default=None)

    def _run_on_all(self, left: pa.Table) -> None:
        while left.num_rows:
            chunk = first_chunk(left)
            if not self._run_on(chunk):
                return
            left = without(left, chunk)
            if left.num_rows:
                # Some may be ready by now, or done by a request.
                left = within(self.runs.due(), left)

    def _run_on(self, chunk: pa.Table) -> bool:
        """Run on a portion; False if a request has the turn, which wakes us when it is done."""
        self.runs.insist.go_on()
        if not self._turn.begin(chunk.num_rows):
            return False
        try:
            done = self.runs.run(chunk)
        finally:
            self._turn.end()
        self._suspects = self._suspects.after(chunk, done.left)
        self._waiting = self._waiting.without(without(chunk, done.left))
        self._ran(self.runs.name)
        return True
