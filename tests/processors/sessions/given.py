"""Run `sessions` on a few events, on rows that other processors made, or on a capture."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.component import Placed
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.sessions import Again
from agentpond.pipeline.processors.sessions import Config, factory
from agentpond.pipeline.testing import builders
from agentpond.pipeline.testing.sessions import rows_of, sessions_of
from agentpond.receiver.codec import OtlpCodec

from ...golden.captures import Capture, captures

MORNING = datetime.fromisoformat("2026-11-20T10:00")
_EPOCH = datetime.fromisoformat("1970-01-01")

Row = dict[str, Any]


def at(seconds: float) -> datetime:
    """Give a moment of the morning."""
    return MORNING + timedelta(seconds=seconds)


def micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def told(*rows: Row) -> Batch:
    """Make events of Claude Code's session `s`, one a minute, unless the rows say otherwise."""
    usual = {"agent": "claude_code", "signal": "logs", "session_id": "s"}
    full = [{"time": at(60 * number), **usual, **row} for number, row in enumerate(rows)]
    names = sorted({name for row in full for name in row})
    return builders.events(len(full), **{name: [row.get(name) for row in full] for name in names})


def sessions(
    events: Batch,
    made: Mapping[str, pa.Table] | None = None,
    *,
    as_of: datetime = MORNING,
    ids: list[str] | None = None,
    **options: Any,
) -> dict[str, Row]:
    """Give the rows made, by session; a column without a value is left out."""
    processor = factory.build(Config(**options), builders.settings("sessions"))
    given = sessions_of(processor.needs, events, made, ids=ids, as_of_us=micros(as_of))
    out = [each for each in processor.process(given) if isinstance(each, Batch)]
    rows = rows_of(pa.Table.from_batches([each.records for each in out]))
    return {row["session_id"]: row for row in rows}


def session(events: Batch, made: Mapping[str, pa.Table] | None = None, **options: Any) -> Row:
    """Give the row of session `s`."""
    return sessions(events, made, **options)["s"]


def again(events: Batch, *, as_of: datetime, **options: Any) -> list[datetime]:
    """Give when the sessions are to be looked at again."""
    processor = factory.build(Config(**options), builders.settings("sessions"))
    given = sessions_of(processor.needs, events, as_of_us=micros(as_of))
    asked = [each for each in processor.process(given) if isinstance(each, Again)]
    return [moment for each in asked for moment in each.at.to_pylist()]


def captured(name: str) -> Batch:
    """Give the events of the capture of that name."""
    (capture,) = captures(name)
    return events_of(capture)


def events_of(capture: Capture) -> Batch:
    codec = OtlpCodec()
    requests = capture.requests()
    _, decoded = codec.decode(requests)
    received = [request.received_at_ns for request in requests]
    batches = codec.normalize([Placed(decoded, range(len(requests)), received)])
    records = [each.records for each in batches if each.table.name == EVENTS.name]
    return Batch(EVENTS, pa.Table.from_batches(records).combine_chunks().to_batches()[0])
