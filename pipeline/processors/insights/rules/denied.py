"""Find tools that were not allowed to run."""

import pyarrow as pa
import pyarrow.compute as pc

from ....session.groups import Groups, mask_of
from ..config import Config
from ..finding import Found, Rule, counted, evidence_of, findings, graded
from ..given import Given

_RULE = Rule(
    "denied_tools",
    "permissions",
    "{tool_name} was not allowed {times}{by}. Allow what is meant to run in the agent's "
    "permissions, or say in its instructions what it must not try.",
)

_MANY = 5


def denied_tools(given: Given, config: Config) -> pa.RecordBatch:
    """Count the uses of each tool that were not allowed, and name who decided."""
    uses = given.errors.uses
    names = ("session_id", "tool_name")
    groups = Groups.by(*(uses.column(name) for name in names), where=uses.rejected)
    denied = groups.counts()
    chosen = pa.array(mask_of(pc.greater_equal(denied, config.denials)).nonzero()[0])
    session_id, tool_name = (groups.first(uses.column(name)).take(chosen) for name in names)
    tool_name = pc.fill_null(tool_name, "a tool")
    sources = pc.binary_join(groups.texts(uses.column("decision_source")).take(chosen), " and ")
    source = pc.if_else(pc.equal(sources, ""), pa.scalar(None, pa.string()), sources)
    by = pc.fill_null(pc.binary_join_element_wise(", decided by ", source, ""), "")
    return findings(
        _RULE,
        Found(
            session_id,
            graded(pc.greater_equal(denied, _MANY).take(chosen), "info", "warning"),
            {"denied": denied.take(chosen), "tool_name": tool_name, "decided_by": source},
            groups.min(uses.column("started_at")).take(chosen),
            evidence_of(groups, uses.event_id).take(chosen),
            words={"times": counted(denied.take(chosen), "time", "times"), "by": by},
            subject=tool_name,
        ),
    )
