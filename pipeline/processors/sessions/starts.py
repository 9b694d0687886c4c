"""Tell how a session was started, and how often it was taken up again."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, Numbers, by_place, mask_of
from .counters import Counted
from .kin import Kin
from .sequences import Sequences

_NULL_TEXT = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Starts:
    """How each session was started, and how often it was taken up again."""

    started_by: pa.StringArray
    resumes: pa.Int64Array
    known: Mask
    """Whose first process is known to have begun with it."""


def starts(
    counted: Counted,
    found: Sequences,
    begun: pa.RecordBatch,
    kin: Kin,
    ids: pa.StringArray,
) -> Starts:
    """Give the starts of the sessions; ``begun`` are their `session_start` events.

    Claude Code counts the processes it starts, and counts none for `/clear` (reference, section
    5); Codex tells each start and resumption (reference, section 4, "resume").
    """
    told = by_place(begun, ids).counts().to_numpy()
    counts = pc.fill_null(counted.starts, 0).to_numpy().astype(np.int64)
    early = mask_of(pc.less_equal(counted.first_start, found.first_at))
    cleared = (found.first > 0) & ~early
    # Each process numbers its records from 0. `--continue` counts its start in a session that
    # it then leaves for the one it continues (capture `resume`).
    numbered = np.where(found.held > 0, np.maximum(found.zeros + cleared, 1), 0)
    resumes: Numbers = np.maximum.reduce([counts + cleared, told, numbered]) - 1
    return Starts(
        _started_by(counted, cleared, told > 0, kin),
        pa.array(resumes, mask=resumes < 0),
        early,
    )


def _started_by(counted: Counted, cleared: Mask, told: Mask, kin: Kin) -> pa.StringArray:
    fresh = pc.if_else(pa.array(told), "fresh", _NULL_TEXT)
    by_count = pc.coalesce(counted.start_type, fresh)
    by_hand = pc.if_else(pa.array(cleared), "clear", by_count)
    by_agent = pc.if_else(kin.parent.is_valid(), "subagent", by_hand)
    return pc.if_else(kin.reviewing, "review", by_agent)


def session_starts(steps: pa.RecordBatch) -> pa.RecordBatch:
    """Give the `session_start` events among some events."""
    return steps.filter(pa.array(mask_of(pc.equal(steps.column("event_type"), "session_start"))))
