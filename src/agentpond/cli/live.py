"""Turn the counters of a service into a line at the foot of the terminal."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..pipeline.core import counters as names
from ..pipeline.core.counters import Counters
from ..pipeline.engine.service import Service

REFRESHES_A_SECOND = 4

Shape = Sequence[tuple[str, Sequence[str]]]
"""The pipelines by id, each with the ids of its exporters."""


def live_line(service: Service, console: Console) -> AbstractContextManager[object]:
    """Show a line that follows the counters; nothing where there is no terminal.

    What the program prints meanwhile, as the exporter `console` does, goes above it.
    """
    if not console.is_terminal:
        return nullcontext()
    shape = [(each.id, [name for name, _ in each.exporters]) for each in service.pipelines]
    return Live(
        console=console,
        get_renderable=lambda: Text(counts(service.counters, shape)),
        refresh_per_second=REFRESHES_A_SECOND,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )


def counts(counters: Counters, shape: Shape) -> str:
    """Say in one line what became of the records.

    Each pipeline takes records of its own choice, so with several each has its own numbers.
    """
    words = [f"accepted {_number(counters.total(names.ACCEPTED))}"]
    if len(shape) == 1:
        words += _of_pipeline(counters, *shape[0])
    words.append(f"refused {_number(counters.total(names.REFUSED_RECORDS))}")
    if requests := counters.total(names.REFUSED_REQUESTS):
        words.append(f"requests refused {_number(requests)}")
    line = f"records: {'   '.join(words)}"
    if len(shape) == 1:
        return line
    told = [f"{each}: {', '.join(_of_pipeline(counters, each, to))}" for each, to in shape]
    return "   |   ".join([line, *told])


def _of_pipeline(counters: Counters, pipeline: str, exporters: Sequence[str]) -> Iterator[str]:
    for exporter in exporters:
        by = f" by {exporter}" if len(exporters) > 1 else ""
        sent = counters.total(names.SENT, pipeline=pipeline, exporter=exporter)
        yield f"stored{by} {_number(sent)}"
    yield f"dropped {_number(counters.total(names.DROPPED, pipeline=pipeline))}"
    waiting = [
        counters.total(names.LOG_RECORDS, pipeline=pipeline, exporter=exporter)
        for exporter in exporters
    ]
    yield f"in the log {_number(max(waiting, default=0))}"


def _number(count: float) -> str:
    return f"{int(count):,}"
