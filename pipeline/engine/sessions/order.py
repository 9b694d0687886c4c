"""Tell from what processors make and read which of them go before which."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from ...core.batch import Table
from ...core.errors import Permanent
from ...core.sessions import SessionProcessor


def upstream_of(processors: Mapping[str, SessionProcessor]) -> dict[str, tuple[str, ...]]:
    """Give for each processor those that make what it reads, but for itself."""
    makers = {table.name: name for name, each in processors.items() for table in each.tables}
    read = {
        name: {makers[need.table.name] for need in each.needs if need.table.name in makers}
        for name, each in processors.items()
    }
    return {name: tuple(sorted(makers - {name})) for name, makers in read.items()}


def in_order(upstream: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Put each processor behind its upstream. Raises Permanent if there is a circle."""
    try:
        return tuple(TopologicalSorter(upstream).static_order())
    except CycleError as error:
        # The second argument is the circle, each behind the one that it waits for.
        circle = ", ".join(error.args[1])
        msg = f"processors read one another's tables in a circle: {circle}. Leave one out."
        raise Permanent(msg, reason="circle") from error


def maker_of(table: Table, processors: Mapping[str, SessionProcessor]) -> str:
    """Name the processor that makes a table. Raises Permanent if there is none."""
    for name, each in processors.items():
        if any(made.name == table.name for made in each.tables):
            return name
    raise Permanent(
        f"no processor makes {table.name}. Add the one that does to a pipeline of the store.",
        reason="unknown_processor",
    )
