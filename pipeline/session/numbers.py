"""Take for untold what cannot be meant: counts below nought, and numbers without end.

One point that is NaN would make all that a session used NaN, and one count of 2**62 tokens a
sum that no longer fits: whoever sends them must not spoil what else is known of a session.
"""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ..core.sessions import Sessions

_MOST = 2**48
"""More than anything that is counted here comes to: 280 million million tokens."""

_MOST_MS = 2**40
"""Thirty-four years."""

_COUNTS = frozenset({"value", "sequence"})
"""What is never below 0, besides tokens and durations: points, as all read here are of counters."""


def sound(sessions: Sessions) -> Sessions:
    """Give the same sessions with rows in which all numbers can be meant; see ``sound_rows``."""
    return replace(sessions, rows={name: sound_rows(rows) for name, rows in sessions.rows.items()})


def sound_rows(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Give the same rows with NULL for numbers that cannot be meant.

    Those are counts and durations below 0, and numbers that are not finite or out of all
    proportion. Whole numbers that count nothing stay as they are.
    """
    changed = dict(_changed(rows))
    if not changed:
        return rows
    columns = [changed.get(name, rows.column(name)) for name in rows.schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=rows.schema)


def _changed(rows: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    for field in rows.schema:
        counts = field.name.endswith(("_tokens", "_ms")) or field.name in _COUNTS
        if counts or pa.types.is_floating(field.type):
            column = rows.column(field.name)
            most = _MOST_MS if field.name.endswith("_ms") else _MOST
            # NaN is between no two numbers.
            meant = pc.and_(
                pc.less_equal(column, most), pc.greater_equal(column, 0 if counts else -most)
            )
            if meant.false_count:
                yield field.name, pc.if_else(meant, column, pa.scalar(None, field.type))
