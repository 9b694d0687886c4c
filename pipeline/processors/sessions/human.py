"""Tell what the human did in a session from what the agent did."""

import pyarrow as pa
import pyarrow.compute as pc

from ...core.columns import any_of
from ...session.groups import Mask, by_place, mask_of

_MADE_UP = (
    # A background task that is over: reference of Claude Code, section 6, `user_prompt`.
    "<task-notification>",
    # A guardian's and a title helper's: reference of Codex, section 5, `codex.user_prompt`.
    "The following is the Codex agent history",
    "Generate a concise, single-line task title",
)
"""How prompts begin that no human gave."""


def prompts(
    steps: pa.RecordBatch, ids: pa.StringArray, by_logs: Mask, by_agent: pa.BooleanArray
) -> pa.Int64Array:
    """Count each session's prompts that a human gave, from logs, else (not ``by_logs``) spans.

    What is asked of a session that was started ``by_agent`` was asked by one.
    """
    sessions = by_place(steps, ids)
    text = steps.column("content")
    made_up = any_of((pc.starts_with(text, pattern) for pattern in _MADE_UP), steps.num_rows)
    kind = steps.column("event_type")
    logged = sessions.where(mask_of(pc.equal(kind, "user_prompt")) & ~mask_of(made_up)).counts()
    traced = sessions.where(mask_of(pc.equal(kind, "turn")) & ~mask_of(made_up)).counts()
    counted = pc.if_else(pa.array(by_logs), logged, traced)
    return pc.if_else(by_agent, pa.scalar(0, pa.int64()), counted)
