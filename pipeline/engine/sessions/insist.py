"""Call what may fail: again where that may help, and with any other error as a value."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from ...core.errors import Permanent, Retryable
from ..retry import Backoff

logger = logging.getLogger("agentpond.sessions")

T = TypeVar("T")


class Stopped(BaseException):
    """The engine is to stop; not an error, so no Exception."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that the same call would meet again."""

    error: Exception

    def __str__(self) -> str:
        """Say it in one line, with the error's type."""
        words = " ".join(str(self.error).split())
        kind = type(self.error).__name__
        return f"{kind}: {words}" if words else kind


class Insisting:
    """Calls for one processor, from one thread at a time."""

    def __init__(
        self,
        processor: str,
        backoff: Backoff,
        stopped: threading.Event,
        attempts: int | None = None,
    ) -> None:
        """Note for whom, how long to wait between attempts, what ends it all, and when to give up.

        After so many ``attempts`` a Retryable is raised; without a number never.
        """
        self._processor = processor
        self._backoff = backoff
        self._stopped = stopped
        self._attempts = attempts
        self.trouble = ""

    def go_on(self) -> None:
        """Raise Stopped if the engine is to stop."""
        if self._stopped.is_set():
            raise Stopped

    def call(self, call: Callable[[], T]) -> T | Fault:
        """Call until it succeeds or fails for good.

        Raises:
            Stopped: the engine is to stop, and the call did not succeed yet.
            Retryable: it was tried often enough.

        """
        delays_s = self._backoff.delays_s()
        attempts = 1
        while isinstance(result := attempt(call), Retryable):
            self._wait_out(result, next(delays_s), attempts)
            attempts += 1
        self.trouble = ""
        return result

    def surely(self, call: Callable[[], T]) -> T:
        """Call until it succeeds, whatever it fails with: no session is to pay for that.

        Raises:
            Stopped: the engine is to stop, and the call did not succeed yet.
            Retryable: it was tried often enough.

        """
        return cast("T", self.call(lambda: _retryable(attempt(call))))

    def _wait_out(self, error: Retryable, delay_s: float, attempts: int) -> None:
        self.trouble = f"processor {self._processor}: {error}"
        self.go_on()
        if attempts == self._attempts:
            raise error
        logger.warning("%s It is tried again.", self.trouble)
        if self._stopped.wait(self._backoff.wait_s(delay_s, error.retry_after_s)):
            raise Stopped


def _retryable(result: T | Retryable | Fault) -> T:
    if isinstance(result, Fault):
        raise Retryable(str(result), reason="bug") from result.error
    if isinstance(result, Retryable):
        raise result
    return result


def attempt(call: Callable[[], T]) -> T | Retryable | Fault:
    """Call once; give an error as a value."""
    try:
        return call()
    except Retryable as error:
        return error
    except Permanent as error:
        return Fault(error)
    # The one place that catches everything: a bug that one session of one processor brings to
    # light must hold up no other.
    except Exception as bug:  # noqa: BLE001 - whoever gets the value logs it
        return Fault(bug)
