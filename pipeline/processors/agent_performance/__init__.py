"""Make `agent_performance`: how each model did in a session, and what that took and cost.

One row for each model that a session called, also where that failed. API calls are their own
model's. A turn, and all uses of tools in it, belong to the model that put out most tokens in
that turn; where it called none, to that which put out most in the session. What no model can
be told of stands in a row of the model `unknown`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.found import AGENT_PERFORMANCE
from ...core.sessions import Again, Cadence, Need, Sessions
from ...evidence import uses
from ...evidence.loops import loop_begins, loops_of
from ...session.cadence import FindingConfig, version_of
from ...session.numbers import sound
from ...session.unmade import untold
from . import durations, sums
from .parts import CALLS_NEED, TURNS_NEED, Parts, parts_of
from .told import SIGNALS_NEED, Told, made, told_of

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""


class Config(FindingConfig):
    """Measure how each model did in a session: errors, tools, edits, time and cost."""

    loop_failures: Annotated[int, Field(ge=1)] = 3
    """So many failing test runs, an edit of a file before each, are a break/fix loop."""


@dataclass(frozen=True, slots=True)
class AgentPerformance:
    """Makes `agent_performance`."""

    loop_failures: int
    version: str
    cadence: Cadence
    scope: Literal["session"] = "session"
    needs: Sequence[Need] = (*uses.NEEDS, CALLS_NEED, TURNS_NEED, SIGNALS_NEED)
    tables: Sequence[Table] = (AGENT_PERFORMANCE,)

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give a row for each model of the sessions at hand."""
        sessions = made(sound(sessions))
        parts = parts_of(sessions)
        if parts.count:
            yield Batch(AGENT_PERFORMANCE, self._rows(parts, told_of(sessions, parts)))

    def _rows(self, parts: Parts, told: Told) -> pa.RecordBatch:
        loops = loop_begins(loops_of(parts.uses, self.loop_failures), parts.uses)
        of_calls, of_tools = sums.of_calls(parts, told), sums.of_tools(parts, told, loops)
        of_turns = sums.of_turns(parts)
        columns = {
            **parts.names,
            **untold({**of_calls, **durations.of_calls(parts)}, ~told.calls),
            **untold({**of_tools, **durations.of_tools(parts)}, ~told.tools),
            **untold({**of_turns, **durations.of_turns(parts)}, ~told.turns),
        }
        columns |= sums.of_all(columns)
        arrays = [columns[field.name].cast(field.type) for field in AGENT_PERFORMANCE.schema]
        return pa.RecordBatch.from_arrays(arrays, schema=AGENT_PERFORMANCE.schema)


def _build(config: Config, settings: Settings) -> AgentPerformance:  # noqa: ARG001
    return AgentPerformance(config.loop_failures, version_of(_CODE, config), config.cadence)


factory = Factory(Kind.PROCESSOR, "agent_performance", Config, _build)
