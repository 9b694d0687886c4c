"""Have session-scope processors run on a store, and show how far they are."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..pipeline.engine.sessions.asked import Asked, Progress, Repriced
from .shown import harmless
from .worker import Worker, worker_on

SHOWN_FAILURES = 20


def process_store(config: Path | None, db: Path | None, asked: Asked) -> bool:
    """Run processors and print what came of it; tell whether none failed on a session.

    Raises:
        ConfigError: the configuration cannot be used.
        Permanent: it was refused.
        Retryable: not now.

    """
    with worker_on(config, db) as worker:
        last = dict[str, Progress]()
        for progress in with_bars(worker.process(asked)):
            if isinstance(progress, Progress):
                last[progress.processor] = progress
        for progress in last.values():
            sys.stdout.write(f"{sentence(progress)}\n")
        failing = [each.processor for each in last.values() if each.failed]
        write_failures(_failures(worker, failing, asked.session_id), sys.stderr)
    return not failing


def write_failures(lines: Iterable[str], out: TextIO) -> None:
    """Write what went wrong for people; it may hold what others sent."""
    out.writelines(f"{harmless(line)}\n" for line in lines)


def with_bars(steps: Iterable[Progress | Repriced]) -> Iterator[Progress | Repriced]:
    """Pass steps on, drawing a bar for each processor where there is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, int] = {}
    with Bars(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        for step in steps:
            if isinstance(step, Progress):
                name = step.processor
                task = tasks.setdefault(name, len(tasks))
                if task == len(bars.task_ids):
                    bars.add_task(name)
                bars.update(bars.task_ids[task], completed=step.done, total=step.of)
            yield step


def sentence(progress: Progress) -> str:
    """Say what became of a processor's work."""
    if progress.of == 0:
        return f"{progress.processor}: nothing was due"
    words = f"{progress.processor}: {progress.done:,} sessions, {progress.rows:,} rows"
    return f"{words}, {progress.failed:,} failed" if progress.failed else words


def _failures(worker: Worker, processors: list[str], session_id: str | None) -> Iterator[str]:
    """Name the sessions on which processors failed, with what was in the way."""
    for processor in processors:
        only = f" AND session_id = {_quoted(session_id)}" if session_id else ""
        found = worker.query(
            f"SELECT session_id, error FROM processor_state WHERE status = 'failed' "  # noqa: S608 - quoted
            f"AND processor = {_quoted(processor)}{only} ORDER BY finished_at DESC, session_id"
        )
        yield from _named(processor, found)


def _named(processor: str, found: pa.Table) -> Iterator[str]:
    for row in found.slice(0, SHOWN_FAILURES).to_pylist():
        yield f"{processor} failed on {row['session_id']}: {row['error']}"
    if found.num_rows > SHOWN_FAILURES:
        yield f"{processor}: {found.num_rows - SHOWN_FAILURES:,} more; see processor_state."


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
