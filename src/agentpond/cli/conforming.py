"""Turn the words of `agentpond conformance` into a run of the suite and a report of it."""

import asyncio
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from ..conformance import Outcome, Result, Suite, Tls, UsageError, Wanted, run, targets
from ..conformance.reports import draw, json_text, junit, table
from ..conformance.rules import BY_NUMBER
from .conformance import ReportFormat

_FILE_WIDTH = 110
# RFC 9110, 5.6.2, less what gRPC does not take.
_NAME = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """What the command line says of the way to the receiver, as it was written."""

    endpoints: Sequence[str]
    headers: Sequence[str]
    ca_file: Path | None
    client_cert: Path | None
    client_key: Path | None
    timeout_s: float


def read_headers(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Read headers as curl takes them. Raises UsageError."""
    return tuple(_read_header(text) for text in texts)


def _read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    # What ends a line would end the header, and begin another.
    if not colon or not _NAME.fullmatch(name) or not text.isprintable() or not text.isascii():
        raise UsageError(f"--header {text!r} is no header. Write 'Name: value'.")
    return name, value.strip()


def known_rules(numbers: Iterable[int]) -> frozenset[int]:
    """Check the numbers of rules. Raises UsageError."""
    wanted = frozenset(numbers)
    unknown = sorted(wanted - BY_NUMBER.keys())
    if unknown:
        last = max(BY_NUMBER)
        raise UsageError(f"--rule {unknown[0]}: there are rules 1 to {last}.")
    return wanted


def try_receiver(told: Told, wanted: Wanted) -> Sequence[Result]:
    """Run the suite with the time of now; show how far it is on a terminal.

    Raises:
        UsageError: what was told is not clear, or the TLS files cannot be used.
        Unreachable: an endpoint cannot be tried.

    """
    # Receivers may refuse telemetry of another year.
    wanted = replace(wanted, at_ns=time.time_ns(), token=bool(told.headers))
    tls = Tls(told.ca_file, told.client_cert, told.client_key)
    suite = Suite(targets(told.endpoints), wanted, read_headers(told.headers), tls, told.timeout_s)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("sending", total=None)
        return asyncio.run(
            run(suite, lambda done, total: progress.update(task, completed=done, total=total))
        )


def write_report(results: Sequence[Result], form: ReportFormat, output: Path | None) -> None:
    """Write a report to a file, or to stdout. Raises OSError."""
    writers = {ReportFormat.JSON: json_text, ReportFormat.JUNIT: junit, ReportFormat.TABLE: table}
    if output is not None:
        output.write_text(writers[form](results), "utf-8")
    elif form is ReportFormat.TABLE:
        console = Console() if sys.stdout.isatty() else Console(width=_FILE_WIDTH)
        draw(results, console)
    else:
        sys.stdout.write(writers[form](results))
    sys.stdout.flush()


def failed(results: Iterable[Result]) -> bool:
    """Tell whether any check failed."""
    return any(result.outcome is Outcome.FAIL for result in results)
