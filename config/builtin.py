"""List the components that come with agentpond, and add those that others bring."""

from collections.abc import Iterable

from ..exporters import console, duckdb
from ..pipeline.core.component import Factory
from ..pipeline.core.registry import Registry, installed
from ..pipeline.processors import (
    agent_performance,
    attributes,
    correlations,
    cost,
    error_clusters,
    filter,  # noqa: A004 - its name
    insights,
    ledger,
    noise,
    redact,
    reviewer,
    sessions,
    tool_calls,
    turns,
)
from ..receiver import otlp

BUILTIN: tuple[Factory, ...] = (
    otlp.factory,
    redact.factory,
    noise.factory,
    cost.factory,
    filter.factory,
    attributes.factory,
    ledger.factory,
    tool_calls.factory,
    turns.factory,
    sessions.factory,
    error_clusters.factory,
    correlations.factory,
    insights.factory,
    agent_performance.factory,
    reviewer.factory,
    duckdb.factory,
    console.factory,
)


def registry(components: Iterable[Factory] = ()) -> Registry:
    """Know the built-in components, those of installed packages, and the caller's own.

    A later one of the same kind and name replaces an earlier one, so a caller can put his own
    in the place of a built-in.
    """
    return Registry([*BUILTIN, *installed(), *components])
