"""Check that what other processors have not made yet is not counted as nothing."""

from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.processors.sessions import Config, factory
from agentpond.pipeline.testing.builders import settings
from agentpond.pipeline.testing.sessions import rows_of, sessions_of

from .given import Row, told

PROMPTED = told({"event_type": "user_prompt"}, {"event_type": "user_prompt", "session_id": "t"})
COUNTS = ("api_calls", "api_errors", "tool_calls", "tool_errors", "turns")
ACTIVITIES = ("human_activity", "agent_activity")


def rows(**unmade: Any) -> dict[str, Row]:
    """Give the rows of two sessions without any calls, tool calls and turns."""
    processor = factory.build(Config(), settings("sessions"))
    given = sessions_of(processor.needs, PROMPTED, unmade=unmade)
    out = [each for each in processor.process(given) if isinstance(each, Batch)]
    told = rows_of(pa.Table.from_batches([each.records for each in out]))
    return {row["session_id"]: row for row in told}


def test_what_was_made_and_is_nothing_is_nought() -> None:
    row = rows()["s"]

    assert [row[name] for name in (*COUNTS, "agent_activity", "models")] == [0, 0, 0, 0, 0, 0, []]


@pytest.mark.parametrize(
    ("table", "left_out"),
    [
        ("api_calls", {"api_calls", "api_errors", "models", "agent_activity"}),
        ("tool_calls", {"tool_calls", "tool_errors", *ACTIVITIES}),
        ("turns", {"turns"}),
    ],
)
def test_what_is_not_made_yet_is_left_out_and_nothing_else(table: str, left_out: set[str]) -> None:
    complete = rows()["s"]

    row = rows(**{table: ["s"]})["s"]

    assert complete.keys() - row.keys() == left_out
    assert row == {name: told for name, told in complete.items() if name not in left_out}


def test_sessions_of_which_all_is_made_are_not_touched_by_others() -> None:
    complete = rows()["t"]

    row = rows(api_calls=["s"], tool_calls=["s"], turns=["s"])["t"]

    assert row == complete
