"""Say how long to wait before the same thing is tried again."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from ``start_s`` up to ``max_s``, each shortened by up to half.

    The jitter keeps services that failed together from coming back together (Marc Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog).
    """

    start_s: float = 0.5
    max_s: float = 30.0
    random: Callable[[], float] = random.random

    def delays_s(self) -> Iterator[float]:
        """Yield the waits between attempts, without end."""
        delay_s = self.start_s
        while True:
            yield delay_s * (1 + self.random()) / 2
            delay_s = min(delay_s * 2, self.max_s)

    def wait_s(self, delay_s: float, asked_s: float) -> float:
        """Wait as long as was asked for if that is longer, but never beyond the limit."""
        return min(max(delay_s, asked_s), self.max_s)
