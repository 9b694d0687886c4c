"""Tell which session-scope processors work on which stores, and what is wrong with that.

Pipelines name processors of both scopes in one list. Those of scope ``session`` work on what
the pipeline's stores hold, whatever pipeline it came through; each once, by its id.
"""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from ..pipeline.core.component import Exporter, Kind
from ..pipeline.core.errors import Problem
from ..pipeline.core.registry import Registry
from ..pipeline.core.schema import TABLES
from ..pipeline.core.sessions import SessionProcessor, SessionStore
from .check import Plan
from .document import KeyPath
from .facts import makers_of, makes_of, reads_of
from .words import Finding

Work = Mapping[str, Mapping[str, SessionProcessor]]
"""Session-scope processors by id, by the store they work on."""


def work_of(
    plan: Plan, processors: Mapping[str, SessionProcessor], exporters: Mapping[str, Exporter]
) -> Work:
    """Give each store the session-scope processors of the pipelines that fill it."""
    work: dict[str, dict[str, SessionProcessor]] = {}
    for pipeline in plan.pipelines.values():
        named = {each: processors[each] for each in pipeline.processors if each in processors}
        for store in pipeline.exporters:
            if named and isinstance(exporters[store], SessionStore):
                work.setdefault(store, {}).update(named)
    return work


def mistakes(plan: Plan, processors: Mapping[str, SessionProcessor], work: Work) -> list[Problem]:
    """Find what keeps session-scope processors from doing their work."""
    found = [*_without_store(plan, processors, work)]
    for store, of_store in work.items():
        placed = {each: _place(plan, store, each) for each in of_store}
        found += _foreign(of_store, placed)
        found += _made_twice(of_store, placed, store)
        found += _unmade(of_store, placed, store, plan.registry)
        found += _circles(of_store, placed)
    problems = (plan.document.problem(f.path, f.message, f.hint) for f in found)
    # Two stores of one pipeline have the same ones.
    return sorted(dict.fromkeys(problems), key=lambda p: (p.line or 0, p.column or 0))


def _without_store(
    plan: Plan, processors: Mapping[str, SessionProcessor], work: Work
) -> Iterator[Finding]:
    stores = [each for each, part in plan.parts[Kind.EXPORTER].items() if part.id in work]
    for pipeline_id, pipeline in plan.pipelines.items():
        if any(each in work for each in pipeline.exporters):
            continue
        for at, each in enumerate(pipeline.processors):
            if each in processors:
                place = ("service", "pipelines", pipeline_id, "processors", at)
                message = f"`{each}` makes tables in a store, and the pipeline fills none."
                hint = f"Add the exporter `{stores[0] if stores else 'duckdb'}` to the pipeline."
                yield Finding(place, message, hint)


def _place(plan: Plan, store: str, processor: str) -> KeyPath:
    """Say where it was asked for that a processor works on a store."""
    for pipeline_id, pipeline in plan.pipelines.items():
        if store in pipeline.exporters and processor in pipeline.processors:
            at = pipeline.processors.index(processor)
            return ("service", "pipelines", pipeline_id, "processors", at)
    return (Kind.PROCESSOR.value, processor)


def _foreign(
    processors: Mapping[str, SessionProcessor], placed: Mapping[str, KeyPath]
) -> Iterator[Finding]:
    for each, processor in processors.items():
        for table in makes_of(processor):
            if table in TABLES:
                message = f"`{each}` makes {table}, which is what receivers fill."
                yield Finding(placed[each], message, "Give its table another name.")


def _made_twice(
    processors: Mapping[str, SessionProcessor], placed: Mapping[str, KeyPath], store: str
) -> Iterator[Finding]:
    makers: dict[str, str] = {}
    for each, processor in processors.items():
        for table in makes_of(processor):
            other = makers.setdefault(table, each)
            if other != each:
                message = f"`{each}` makes {table}, and so does `{other}`, both in `{store}`."
                hint = "Keep one of the two, or give them stores of their own."
                yield Finding(placed[each], message, hint)


def _unmade(
    processors: Mapping[str, SessionProcessor],
    placed: Mapping[str, KeyPath],
    store: str,
    registry: Registry,
) -> Iterator[Finding]:
    made = {table for processor in processors.values() for table in makes_of(processor)}
    for each, processor in processors.items():
        for table in reads_of(processor):
            if table not in made and table not in TABLES:
                makers = " or ".join(f"`{name}`" for name in makers_of(table, registry))
                message = f"`{each}` reads {table}, which no processor makes in `{store}`."
                yield Finding(placed[each], message, f"Add {makers or 'one that does'}.")


def _circles(
    processors: Mapping[str, SessionProcessor], placed: Mapping[str, KeyPath]
) -> Iterator[Finding]:
    makers = {table: each for each, it in processors.items() for table in makes_of(it)}
    upstream = {
        each: sorted({makers[table] for table in reads_of(it) if table in makers} - {each})
        for each, it in processors.items()
    }
    try:
        TopologicalSorter(upstream).prepare()
    except CycleError as error:
        # The second argument is the circle, each behind the one that it waits for.
        circle: Sequence[str] = error.args[1]
        words = ", ".join(f"`{each}` reads what `{of}` makes" for of, each in pairwise(circle))
        message = f"{words}: none can be the first."
        yield Finding(placed[circle[0]], message, "Leave one of them out.")
