"""Turn captures into the rows they become, and rows into lines of text."""

import json
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.component import Placed
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Request, Signal
from agentpond.receiver.codec import OtlpCodec

from .captures import Capture

Row = dict[str, Any]


def events_of(requests: list[Request]) -> list[Row]:
    """Normalise requests as one stretch of the log; positions are their numbers."""
    codec = OtlpCodec()
    verdicts, decoded = codec.decode(requests)
    assert not [verdict for verdict in verdicts if isinstance(verdict, Permanent)]
    received = [request.received_at_ns for request in requests]
    batches = codec.normalize([Placed(decoded, range(len(requests)), received)])
    return [
        row for batch in batches if batch.table.name == "events" for row in _rows(batch.records)
    ]


def events(capture: Capture, *signals: Signal) -> list[Row]:
    """Give the rows of a capture, of some signals or of all."""
    return events_of(capture.requests(*signals))


def lines(rows: list[Row]) -> list[str]:
    """Write rows as JSON, one a line, with what is told in them and no more."""
    return [json.dumps(_told(row), sort_keys=True, ensure_ascii=False, default=str) for row in rows]


def _rows(records: pa.RecordBatch) -> list[Row]:
    rows: list[Row] = records.to_pylist()
    return [row | {"attributes": dict(row["attributes"])} for row in rows]


def _told(row: Row) -> Row:
    told = {name: value for name, value in row.items() if value is not None}
    return told | {"event_id": row["event_id"].hex()}
