"""Call what may fail: again where that may help, and with any other error as a value."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from ...core.errors import Retryable
from ..retry import Backoff

logger = logging.getLogger("agentpond.sessions")

T = TypeVar("T")

_MOST_CHARACTERS = 1000
_OUT_OF_MEMORY = "out_of_memory"


class Stopped(BaseException):
    """The engine is to stop; not an error, so no Exception."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that the same call would meet again."""

    error: BaseException

    def __str__(self) -> str:
        """Say it in one short line, with the error's type, in characters that any store takes."""
        told = attempt(lambda: str(self.error).strip()[:_MOST_CHARACTERS])
        words = " ".join(told.split()) if isinstance(told, str) else "it cannot be put in words"
        kind = type(self.error).__name__
        line = (f"{kind}: {words}" if words else kind)[:_MOST_CHARACTERS]
        # Halves of surrogate pairs cannot be written as UTF-8, and a NUL ends a text in places.
        return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)


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
        """Call until it succeeds or fails for good; so it does if it wants more memory.

        Raises:
            Stopped: the engine is to stop, and the call did not succeed yet.
            Retryable: it was tried often enough.

        """
        return self._until(lambda: _fitting(attempt(call)))

    def surely(self, call: Callable[[], T]) -> T:
        """Call until it succeeds, whatever it fails with: no session is to pay for that.

        Raises:
            Stopped: the engine is to stop, and the call did not succeed yet.
            Retryable: it was tried often enough.

        """
        return cast("T", self._until(lambda: _retryable(attempt(call))))

    def _until(self, once: Callable[[], T | Retryable | Fault]) -> T | Fault:
        delays_s = self._backoff.delays_s()
        attempts = 1
        while isinstance(result := once(), Retryable):
            self._wait_out(result, next(delays_s), attempts)
            attempts += 1
        self.trouble = ""
        return result

    def _wait_out(self, error: Retryable, delay_s: float, attempts: int) -> None:
        self.trouble = f"processor {self._processor}: {error}"
        self.go_on()
        if attempts == self._attempts:
            raise error
        logger.warning("%s It is tried again.", self.trouble)
        if self._stopped.wait(self._backoff.wait_s(delay_s, error.retry_after_s)):
            raise Stopped


def _fitting(result: T | Retryable | Fault) -> T | Retryable | Fault:
    """Take want of memory for a fault: waiting frees none, and fewer sessions may fit."""
    if isinstance(result, Retryable) and result.reason == _OUT_OF_MEMORY:
        return Fault(result)
    return result


def _retryable(result: T | Retryable | Fault) -> T | Retryable:
    if not isinstance(result, Fault):
        return result
    error = Retryable(str(result), reason="bug")
    error.__cause__ = result.error
    return error


def attempt(call: Callable[[], T]) -> T | Retryable | Fault:
    """Call once; give an error as a value."""
    try:
        return call()
    except Retryable as error:
        return error
    except (Stopped, KeyboardInterrupt, GeneratorExit):
        raise
    # The one place that catches everything: a bug that one session of one processor brings to
    # light must hold up no other. SystemExit and panics of Rust code are no Exception.
    except BaseException as bug:  # noqa: BLE001 - whoever gets the value logs it
        return Fault(bug)
