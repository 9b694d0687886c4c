"""Turn a plan into the lines that `agentpond validate` prints."""

from collections.abc import Mapping
from pathlib import Path

from ..config.check import Plan, doors
from ..config.document import dotted
from ..config.facts import cadence_of, makes_of
from ..config.model import size_text
from ..pipeline.core.component import Kind
from ..pipeline.engine.sessions.engine import SessionEngine


def summary(
    plan: Plan, files: Mapping[str, Path], engines: Mapping[str, SessionEngine]
) -> list[str]:
    """Say what serve would run; files and session engines are those of the stores, by exporter."""
    name = plan.document.file or "the configuration"
    lines = [f"OK: {name}"]
    for pipeline_id, pipeline in plan.pipelines.items():
        steps = (pipeline.receivers, pipeline.processors, pipeline.exporters)
        shown = " -> ".join(", ".join(step) for step in steps if step)
        lines.append(f"  pipeline {pipeline_id}: {shown}")
    lines += work_lines(engines)
    lines += [
        f"  listens on {door.endpoint} ({dotted(door.path)})"
        for door in doors(plan.parts[Kind.RECEIVER], plan.service)
    ]
    if plan.service.telemetry is None:
        lines.append("  no telemetry: `agentpond query` cannot ask the service while it runs")
    lines += [f"  keeps rows in {path} (exporters.{each}.path)" for each, path in files.items()]
    log = plan.service.log
    place = plan.service.log_directory.absolute() if log.kind == "file" else "memory"
    lines.append(f"  log: {place}, at most {size_text(log.max_bytes)}")
    dead = plan.service.state_directory.expanduser().absolute() / "dead"
    lines.append(f"  dead letters: {dead}")
    lines.append("  what it says of itself goes to stderr")
    return lines


def work_lines(engines: Mapping[str, SessionEngine]) -> list[str]:
    """Say what is made of the sessions in each store, and when."""
    return [
        f"  sessions in {store}: {name} makes {', '.join(makes_of(it))} ({cadence_of(it)})"
        for store, engine in engines.items()
        for name, it in engine.processors.items()
    ]
