"""A session-scope processor as another package would write it: small, and true to the contract."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.component import Factory, Kind
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.sessions import Again, Cadence, Need, Sessions
from agentpond.pipeline.session.cadence import SessionConfig

PROMPTS = Table(
    "prompts",
    pa.schema([("session_id", pa.string()), ("agent", pa.string()), ("prompts", pa.int64())]),
    ("session_id",),
)


class Config(SessionConfig):
    """Count the prompts of each session."""

    every: timedelta = timedelta(seconds=1)


def count(sessions: Sessions, table: Table = PROMPTS) -> list[Batch]:
    rows = pa.Table.from_batches([sessions.events])
    counted = rows.group_by("session_id", use_threads=False).aggregate(
        [("agent", "first"), ("event_type", "count")]
    )
    made = counted.rename_columns(table.schema.names).cast(table.schema).combine_chunks()
    return [Batch(table, each) for each in made.to_batches()]


@dataclass(frozen=True)
class Counts:
    """Counts, or does what else a test says."""

    step: Callable[[Sessions], Iterable[Batch | Again]] = count
    version: str = "1"
    cadence: Cadence = field(default=Cadence(5, 2))
    needs: tuple[Need, ...] = (
        Need(EVENTS, ("session_id", "agent", "event_type"), ("user_prompt",)),
    )
    tables: tuple[Table, ...] = (PROMPTS,)
    scope: Literal["session"] = field(default="session", init=False)

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        return self.step(sessions)


def factory(name: str = "prompts", **told: Any) -> Factory:
    """Describe it as a component, with some of its answers changed."""
    return Factory(Kind.PROCESSOR, name, Config, lambda *_: Counts(**told))
