"""Watch over a judging process: what it says of inputs, and that it says something in time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from .orders import Failure, Input, Mutants

ROOT = Path(__file__).parents[2]
# Importing takes two seconds, on a busy machine more.
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """An input that broke a law, by its number, and how."""

    number: int
    failure: Failure


class Judge:
    """A judging process that is started when it is needed, and anew when an input killed it."""

    def __init__(self, deadline_s: float = 10.0, *, verbose: bool = False) -> None:
        """Say how long an input may take; with ``verbose`` the process's errors are shown."""
        self._deadline_s = deadline_s
        self._stderr = None if verbose else subprocess.DEVNULL
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Give itself; the process starts with the first order."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self._end()

    def judge(self, target: str, body: bytes) -> Failure | None:
        """Judge one input."""
        self._order(Input(target, body))
        return self._answer()

    def judge_mutants(self, order: Mutants) -> Iterator[Found]:
        """Judge many inputs, and yield those that break a law."""
        number, end = order.first, order.first + order.count
        while number < end:
            self._order(Mutants(order.target, order.seed, number, end - number))
            while number < end:
                failure = self._answer()
                number += 1
                if failure is not None:
                    yield Found(number - 1, failure)
                if self._process is None:
                    break

    def _order(self, order: Input | Mutants) -> None:
        if self._process is None:
            self._start()
            self._connection.send(Input("errs", b"are you there?"))
            self._connection.poll(_START_S)
            self._connection.recv()
        self._connection.send(order)

    def _answer(self) -> Failure | None:
        """Wait for the word on one input; the process is gone after one it did not survive."""
        try:
            if self._connection.poll(self._deadline_s):
                answer: Failure | None = self._connection.recv()
                return answer
        except EOFError:
            return self._death()
        self._end()
        return Failure("hang", f"no answer within {self._deadline_s:g} s")

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        command = [sys.executable, "-m", "tests.fuzz.judge", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=self._stderr,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )
        theirs.close()

    def _death(self) -> Failure:
        assert self._process is not None
        code = self._process.wait()
        self._end()
        return Failure(f"died {code}", f"the process ended with {code}, a signal if negative")

    def _end(self) -> None:
        if self._process is None:
            return
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._process = None
