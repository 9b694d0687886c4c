"""Turn a plan into the lines that `agentpond validate` prints."""

from ..config.check import Plan, doors
from ..config.document import dotted
from ..pipeline.core.component import Kind


def summary(plan: Plan) -> list[str]:
    """Say what serve would run."""
    name = plan.document.file or "the configuration"
    lines = [f"OK: {name}"]
    for pipeline_id, pipeline in plan.pipelines.items():
        steps = (pipeline.receivers, pipeline.processors, pipeline.exporters)
        shown = " -> ".join(", ".join(step) for step in steps if step)
        lines.append(f"  pipeline {pipeline_id}: {shown}")
    lines += [
        f"  listens on {door.endpoint} ({dotted(door.path)})"
        for door in doors(plan.parts[Kind.RECEIVER], plan.service)
    ]
    place = plan.service.log_directory if plan.service.log.kind == "file" else "memory"
    lines.append(f"  log: {place}, at most {plan.service.log.max_bytes.human_readable()}")
    return lines
