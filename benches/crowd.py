"""Turn a few captured sessions into thousands: the same course of events, nothing else in common.

What Claude Code and Codex really sent (`tests/golden`), through the decoder and the default
pipeline's batch processors, is repeated with new ids and times, column by column.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agentpond.config.build import default_plan
from agentpond.pipeline.core.batch import Batch, Delivery
from agentpond.pipeline.core.component import Kind, Placed
from agentpond.pipeline.core.schema import EVENTS, TIME
from agentpond.receiver.codec import OtlpCodec
from tests.golden.captures import captures

from .parts import make

_IDS = (
    *("session_id", "turn_id", "trace_id", "span_id", "parent_span_id", "request_id"),
    *("tool_call_id", "subagent_id"),
)
_TIMES = ("time", "end_time", "start_time", "received_at")
_APART_US = 7_000_000
_PART_US = 600_000_000


def template(*sessions: Sequence[str]) -> pa.RecordBatch:
    """Make sessions of the captures named for each, one after the other, as the store gets them.

    What names no session (Codex' metrics, and the spans of its responses) comes with them.
    """
    parts = [_session(number, patterns) for number, patterns in enumerate(sessions)]
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def _session(number: int, patterns: Sequence[str]) -> pa.RecordBatch:
    parts = []
    for place, pattern in enumerate(patterns):
        parts.append(_later(_events(pattern), place * _PART_US))
    rows = pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
    one = pa.scalar(f"session-{number}")
    named = pc.if_else(rows.column("session_id").is_valid(), one, pa.scalar(None, pa.string()))
    return rows.set_column(rows.schema.get_field_index("session_id"), "session_id", named)


def _later(rows: pa.RecordBatch, by_us: int) -> pa.RecordBatch:
    columns = {name: rows.column(name) for name in rows.schema.names}
    for name in _TIMES:
        columns[name] = pc.add(columns[name].cast(pa.int64()), by_us).cast(TIME)
    return pa.record_batch(columns, schema=rows.schema)


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many copies of a template's sessions, in deliveries of ``copies`` copies each."""

    template: pa.RecordBatch
    copies: int
    in_delivery: int

    @property
    def events(self) -> int:
        """All events."""
        return int(self.template.num_rows) * self.copies

    @property
    def sessions(self) -> int:
        """All sessions."""
        return len(self.template.column("session_id").unique().drop_null()) * self.copies

    @staticmethod
    def session(number: int, copy: int) -> str:
        """Name a session: which of the template's it is, and of which copy."""
        return f"session-{number}-{copy:06x}"

    def deliveries(self) -> Iterator[Delivery]:
        """Give all events, some copies at a time, in order of time."""
        for first in range(0, self.copies, self.in_delivery):
            last = min(first + self.in_delivery, self.copies)
            rows = pa.Table.from_batches([self._copy(number) for number in range(first, last)])
            batch = Batch(EVENTS, rows.combine_chunks().to_batches()[0])
            yield Delivery("agents", "bench", first, last, (batch,))

    def _copy(self, number: int) -> pa.RecordBatch:
        later = _later(self.template, number * _APART_US)
        columns = {name: later.column(name) for name in later.schema.names}
        for name in _IDS:
            columns[name] = pc.binary_join_element_wise(columns[name], f"{number:06x}", "-")
        columns["event_id"] = _ids(len(self.template), number)
        columns["position"] = pa.array(np.full(len(self.template), number))
        return pa.record_batch(columns, schema=EVENTS.schema)


def _ids(rows: int, number: int) -> pa.Array:
    raw = np.random.default_rng(number).bytes(16 * rows)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(raw)])


def _events(pattern: str) -> pa.RecordBatch:
    (capture,) = captures(pattern)
    requests = capture.requests()
    codec = OtlpCodec()
    _, decoded = codec.decode(requests)
    received = [request.received_at_ns for request in requests]
    batches: Sequence[Batch] = codec.normalize([Placed(decoded, range(len(requests)), received)])
    for part in default_plan().parts[Kind.PROCESSOR].values():
        processor = make(part)
        if processor.scope == "batch":
            made = (each for batch in batches for each in processor.process(batch))
            batches = [each for each in made if isinstance(each, Batch)]
    records = [each.records for each in batches if each.table.name == EVENTS.name]
    return pa.Table.from_batches(records).combine_chunks().to_batches()[0]
