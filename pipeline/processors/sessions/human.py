"""Tell what the human did in a session from what the agent did."""

import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, by_place, mask_of
from ...session.prompts import made_up


def prompts(
    steps: pa.RecordBatch, ids: pa.StringArray, by_logs: Mask, by_agent: pa.BooleanArray
) -> pa.Int64Array:
    """Count each session's prompts that a human gave, from logs, else (not ``by_logs``) spans.

    What is asked of a session that was started ``by_agent`` was asked by one.
    """
    sessions = by_place(steps, ids)
    invented = mask_of(made_up(steps.column("content")))
    kind = steps.column("event_type")
    logged = sessions.where(mask_of(pc.equal(kind, "user_prompt")) & ~invented).counts()
    traced = sessions.where(mask_of(pc.equal(kind, "turn")) & ~invented).counts()
    counted = pc.if_else(pa.array(by_logs), logged, traced)
    return pc.if_else(by_agent, pa.scalar(0, pa.int64()), counted)
