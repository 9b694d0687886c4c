"""Part rows by whose rules they follow: those of Codex, and those of all other agents."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import EVENTS
from ...core.sessions import Need
from .codex import CODEX_COLUMNS

CLAUDE_CODE, CODEX = "claude_code", "codex"
"""The agents."""


def is_codex(rows: pa.RecordBatch) -> pa.BooleanArray:
    """Mask the rows of Codex."""
    return pc.fill_null(pc.equal(rows.column("agent"), CODEX), fill_value=False)


def of_codex(events: pa.RecordBatch, points: pa.RecordBatch) -> pa.RecordBatch:
    """Join the events and the metric points of Codex, with CODEX_COLUMNS.

    Those of a session stand together, its points behind its other events.
    """
    rows = pa.concat_batches([_columns(each.filter(is_codex(each))) for each in (events, points)])
    session = rows.column("session_id").dictionary_encode().indices.to_numpy()
    return rows.take(pa.array(np.argsort(session, kind="stable")))


def _columns(rows: pa.RecordBatch) -> pa.RecordBatch:
    schema = Need(EVENTS, CODEX_COLUMNS).schema
    told = set(rows.schema.names)
    columns = [
        rows.column(field.name) if field.name in told else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
