"""Turn what Codex' own transcripts tell of calls into rows of the ledger, where nothing else does.

A rollout file has the same usage as the log records and no id to join them by: it counts for a
session only where neither logs nor spans told of any call's usage. Source: reference of Codex,
section 6 (route F).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import texts_of
from ...session.turning import turns_of
from .codex import codex_calls

TRANSCRIPT = "transcript"
"""The source of events that transcripts told; also whose numbers the rows have."""


def transcript_calls(
    events: pa.RecordBatch, traced: pa.RecordBatch, beside: pa.RecordBatch, told: pa.Table
) -> pa.Table:
    """Give the calls of transcripts in the schema ``TOLD``; ``told`` are those of other sources.

    ``events`` are Codex' events of transcripts alone; of ``traced`` and ``beside`` only the
    columns are used.
    """
    calls = codex_calls(events, traced.slice(0, 0), beside.slice(0, 0), turns_of(events))
    used = told["session_id"].filter(told["usage_source"].is_valid()).combine_chunks()
    calls = calls.filter(pc.invert(pc.is_in(calls["session_id"], value_set=used)))
    every = np.ones(len(calls), dtype=np.bool_)
    source = pc.if_else(calls["usage_source"].is_valid(), TRANSCRIPT, pa.scalar(None, pa.string()))
    names = calls.column_names
    calls = calls.set_column(names.index("usage_source"), "usage_source", source)
    return calls.set_column(names.index("told_by"), "told_by", texts_of([(TRANSCRIPT, every)]))
