"""Estimate what we hold of what the agent says it sent.

Two counters of Claude Code can be held against what came: the numbers of its log records, and
the tokens in its metrics. The lesser share counts. Codex has no such counters. Before version
2.1.214 the metrics of a session behind a gateway that streams usage in several frames tell too
many tokens (reference, section 10): the share is then less than what really came.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask
from .sequences import Sequences

_NOTHING = pa.scalar(None, pa.float64())


def ratio(
    found: Sequences,
    starts_known: Mask,
    tokens: pa.Int64Array,
    counted_tokens: pa.DoubleArray,
) -> pa.DoubleArray:
    """Give each session's share, at most 1; NULL where nothing can be held against anything.

    ``starts_known`` are the sessions whose processes are known to begin in them: what is
    missing in front of their first record is lost.
    """
    in_front = np.where(starts_known, np.maximum(found.first, 0), 0)
    held = pa.array(found.held.astype(np.float64), mask=found.held == 0)
    records = pc.divide(held, pc.add(held, pa.array((found.missing + in_front).astype(np.float64))))
    some = pc.if_else(pc.greater(counted_tokens, 0.0), counted_tokens, _NOTHING)
    least = pc.min_element_wise(records, pc.divide(tokens.cast(pa.float64()), some))
    return pc.min_element_wise(least, pc.if_else(least.is_valid(), 1.0, _NOTHING))
