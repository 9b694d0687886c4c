"""Check which prompts no human gave."""

import pyarrow as pa
import pytest

from agentpond.pipeline.session.prompts import made_up


@pytest.mark.parametrize(
    ("prompt", "invented"),
    [
        ("<task-notification>\n<task-id>b1</task-id>", True),
        ("The following is the Codex agent history whose request action is to be judged", True),
        ("Generate a concise, single-line task title for this", True),
        ("Fix the failing test.", False),
        ("What is a <task-notification>?", False),
        (None, False),
    ],
)
def test_a_prompt_that_an_agent_made_up_is_known_by_its_beginning(
    prompt: str | None, invented: bool
) -> None:
    assert made_up(pa.array([prompt], pa.string())).to_pylist() == [invented]
