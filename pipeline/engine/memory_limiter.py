"""Turn how much memory the process takes into whether more requests may come in.

Like the Collector's ``memory_limiter``: from a soft limit on, requests are refused before their
body is read; from there on too, and more often beyond the hard limit, what is free goes back to
the system. A service with nothing to do lets requests in all the same, one at a time: if it is over
its limit then, no waiting will make it smaller.
"""

import asyncio
import ctypes
import gc
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pyarrow as pa

from ..core.counters import MEMORY_BYTES, MEMORY_LIMIT_BYTES, Counters
from ..core.errors import Retryable
from ..core.later import SENDER_RETRY_S, spread_s

logger = logging.getLogger("agentpond.memory")

_MEBIBYTE = 1 << 20

# A flood takes 100 MiB between two checks; a look costs 50 us, so 50 of them cost 0.25 % of a core.
_LOOK_EVERY_S = 0.02

# To give memory back takes some 80 ms of everybody's time: where that frees less than this share
# of the limit, the pauses get longer, up to a minute or two.
_WORTH_IT = 0.02
_MOST_PATIENCE = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How much memory the process may take; ``setting`` says in words who decided that."""

    soft_bytes: int
    hard_bytes: int
    setting: str
    soft_give_back_s: float = 2.0
    """How long after giving memory back it is worth doing again, above the soft limit."""
    hard_give_back_s: float = 1.0
    """The same above the hard limit."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to refuse requests, and whether to give memory back now."""

    refuse: bool
    give_back: bool


def judge(taken_bytes: int, limits: Limits, given_back_ago_s: float) -> Verdict:
    """Decide on one reading of the memory that is taken."""
    if taken_bytes < limits.soft_bytes:
        return Verdict(refuse=False, give_back=False)
    is_hard = taken_bytes >= limits.hard_bytes
    pause_s = limits.hard_give_back_s if is_hard else limits.soft_give_back_s
    # Python frees what it no longer needs at once, but allocators keep it: above the soft limit
    # too, nothing but this makes the number smaller.
    return Verdict(refuse=True, give_back=given_back_ago_s >= pause_s)


def taken_bytes() -> int:
    """Read how much memory this process takes in RAM that the system cannot take back.

    Libraries and mapped files, 110 MiB of an idle service, are on disk: a system that is short
    of memory drops them before it kills anybody.
    """
    told = psutil.Process().memory_info()
    return int(told.rss) - int(getattr(told, "shared", 0))


def release() -> None:
    """Free what nobody refers to, and give what is free back to the system."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    # Of glibc alone; others (musl, macOS, Windows) have none or need none.
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _never() -> bool:
    return False


class MemoryLimiter:
    """Looks at the memory now and then, and says no to requests while there is too little."""

    def __init__(
        self,
        limits: Limits,
        check_interval_s: float,
        *,
        read_bytes: Callable[[], int] = taken_bytes,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Note the limits; nothing is measured yet."""
        self.limits = limits
        self._check_interval_s = check_interval_s
        self._read_bytes = read_bytes
        self._clock_s = clock_s
        self._given_back_at_s = -math.inf
        self._looked_at_s = -math.inf
        self._taken_bytes = 0
        self._patience = 1
        self._trouble = ""
        self.is_idle: Callable[[], bool] = _never

    @property
    def trouble(self) -> str:
        """Say in a sentence that memory is short; empty while it is not."""
        return self._trouble

    def require(self) -> None:
        """Do nothing while there is memory; else raise Retryable ``memory_limited``."""
        if self._clock_s() - self._looked_at_s > _LOOK_EVERY_S:
            self._look()
        if self._trouble and not self.is_idle():
            raise Retryable(
                f"{self._trouble} Nothing of this request was kept. Send again.",
                retry_after_s=spread_s(SENDER_RETRY_S),
                reason="memory_limited",
            )

    def observe(self, counters: Counters) -> None:
        """Have the memory and its limits shown among the service's numbers."""
        limits = self.limits
        counters.observe(MEMORY_BYTES, self._read_bytes)
        counters.observe(MEMORY_LIMIT_BYTES, lambda: limits.soft_bytes, limit="soft")
        counters.observe(MEMORY_LIMIT_BYTES, lambda: limits.hard_bytes, limit="hard")

    async def watch(self, let_go: Callable[[], None]) -> None:
        """Check at every interval, until cancelled."""
        while True:
            await asyncio.sleep(self._check_interval_s)
            await self.check(let_go)

    async def check(self, let_go: Callable[[], None]) -> None:
        """Look, and give memory back if it is short; ``let_go`` drops what can be made again."""
        if self._look().give_back:
            before_bytes = self._taken_bytes
            let_go()
            # It may take a while, in which others are to be answered.
            await asyncio.to_thread(release)
            self._given_back_at_s = self._clock_s()
            self._look()
            in_vain = before_bytes - self._taken_bytes < self.limits.soft_bytes * _WORTH_IT
            self._patience = min(self._patience * 2, _MOST_PATIENCE) if in_vain else 1

    def _look(self) -> Verdict:
        self._looked_at_s = now_s = self._clock_s()
        try:
            self._taken_bytes = self._read_bytes()
        except (OSError, psutil.Error):
            # It cannot be read, as no file descriptor is left: what was known stands.
            return Verdict(refuse=bool(self._trouble), give_back=False)
        ago_s = (now_s - self._given_back_at_s) / self._patience
        verdict = judge(self._taken_bytes, self.limits, ago_s)
        self._tell(self._taken_bytes, refuse=verdict.refuse)
        return verdict

    def _tell(self, taken_bytes: int, *, refuse: bool) -> None:
        was_short, limits = bool(self._trouble), self.limits
        self._trouble = (
            f"memory is short: the service takes {_mib(taken_bytes)} MiB, and from "
            f"{_mib(limits.soft_bytes)} MiB on requests are refused ({limits.setting})."
            if refuse
            else ""
        )
        if refuse and not was_short:
            logger.warning("%s Raise the limit if this stays so.", self._trouble)
        elif was_short and not refuse:
            logger.info("memory: %s MiB now; requests are taken again.", _mib(taken_bytes))


def _mib(nbytes: int) -> int:
    return round(nbytes / _MEBIBYTE)
