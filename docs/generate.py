"""Turn the code's own tables into the generated parts of README.md and docs, in place.

A part stands between ``<!-- generated: words -->`` and ``<!-- end -->``; the words say what it
is. ``make docs`` runs this, and a test fails where a part is out of date.
"""

# ruff: noqa: INP001 - a script beside the pages it fills, not a package

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from agentpond.config.builtin import BUILTIN
from agentpond.config.describe import Option, options, pages, service_options
from agentpond.exporters.duckdb.schema import SQL_TYPES
from agentpond.pipeline.core.counters import METRICS, Metric
from agentpond.pipeline.core.made import MADE_COLUMNS
from agentpond.pipeline.core.registry import Registry
from agentpond.pipeline.core.schema import COLUMNS
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.core.views import VIEW_COLUMNS
from agentpond.receiver.dialects import DIALECTS
from agentpond.receiver.dialects.rules import Dialect, Lift

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
DIALECT = {dialect.agent or "genai": dialect for dialect in DIALECTS}

# What a component can be counted under: a label of the metric that holds its id.
LABELS = {
    "receivers": ("receiver",),
    "processors": ("component",),
    "sessions": ("processor",),
    "exporters": ("exporter", "component"),
}

_PART = re.compile(
    r"(?P<head><!-- generated: (?P<words>[^>]+) -->)\n.*?(?P<foot><!-- end -->)", re.DOTALL
)


def fill(page: str) -> str:
    """Give a page with its generated parts as they must be."""
    return _PART.sub(
        lambda part: f"{part['head']}\n\n{generate(*part['words'].split())}\n\n{part['foot']}",
        page,
    )


def generate(what: str, *about: str) -> str:
    """Write one part. Raises KeyError if there is no such part."""
    parts: dict[str, Callable[..., str]] = {
        "columns": columns,
        "components": components,
        "counters": counters,
        "lifts": lifts,
        "options": component_options,
        "service": lambda: option_table(service_options()),
        "types": types,
    }
    return parts[what](*about)


def columns(table: str) -> str:
    """List a table's columns."""
    rows = [
        (f"`{c.name}`", SQL_TYPES[c.type], c.meaning)
        for c in {**COLUMNS, **MADE_COLUMNS, **VIEW_COLUMNS}[table]
    ]
    return in_table(("column", "type", "meaning"), rows)


def types(name: str) -> str:
    """List what a dialect calls things, and our words for them."""
    rows = [
        (signal.value, f"`{DIALECT[name].prefix}{theirs}`", f"`{ours}`")
        for signal in Signal
        for theirs, ours in DIALECT[name].types[signal].items()
    ]
    return in_table(("signal", "the agent's name", "`event_type`"), rows)


def lifts(name: str, signal: str) -> str:
    """List which attributes a dialect puts into which columns."""
    dialect = DIALECT[name]
    rows = [lift_row(dialect, rule) for rule in dialect.lifts[Signal(signal)] if not rule.keep]
    return in_table(("column", "attribute, the first that is told", "only on"), rows)


def lift_row(dialect: Dialect, rule: Lift) -> tuple[str, str, str]:
    """Write one rule; a scratch column is one that the dialect's function goes on with."""
    column = "(see above)" if rule.column.startswith("_") else f"`{rule.column}`"
    on = ", ".join(f"`{dialect.prefix}{name}`" for name in sorted(rule.on))
    return column, ", ".join(f"`{key}`" for key in rule.keys), on


def components(folder: str = "") -> str:
    """List all components with a link to their pages, which are in ``folder``/components."""
    rows = [
        (page.kind.value, f"[`{page.name}`]({folder}components/{page.name}.md)", page.summary)
        for page in pages(Registry(BUILTIN))
    ]
    return in_table(("kind", "name", "what it does"), rows)


def component_options(name: str) -> str:
    """List the options of a component."""
    found = [option for each in BUILTIN if each.name == name for option in options(each.config)]
    return option_table(found) if found else "It has no options."


def option_table(told: Iterable[Option]) -> str:
    """List options with types and defaults."""
    rows = [(f"`{o.name}`", o.type, f"`{o.default}`" * bool(o.default), o.meaning) for o in told]
    return in_table(("option", "type", "default", "meaning"), rows)


def counters(kind: str = "") -> str:
    """List all metrics, or those that count by components of a kind, or of scope session."""
    labels = LABELS[kind] if kind else ()
    told = [metric for metric in METRICS if not kind or set(labels) & set(metric.labels)]
    rows = [(f"`{shown(m)}`", m.kind, ", ".join(m.labels) or "none", m.help) for m in told]
    return in_table(("metric", "kind", "labels", "meaning"), rows)


def shown(metric: Metric) -> str:
    """Give a metric's name as ``/metrics`` shows it."""
    return f"{metric.name}_total" if metric.kind == "counter" else metric.name


def in_table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write rows as a Markdown table."""
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |" for r in lines)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(fill(path.read_text("utf-8")), "utf-8")
