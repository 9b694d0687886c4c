"""Write what could not be delivered to Arrow files, with the reason, so that nothing is lost.

To read one: ``pyarrow.ipc.open_file(path).read_all()``; the schema's metadata tells ``table``,
``pipeline``, ``component``, ``reason``, ``error``, ``log_id``, ``start`` and ``end``. The table
``requests`` holds bodies as they came, each with its error; all others hold rows.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from ..core.batch import Batch
from ..core.errors import Permanent, Retryable
from ..core.signal import Identity
from .cursors import write_durably
from .frame import Entry

_REQUEST_COLUMNS: dict[str, pa.DataType] = {
    "position": pa.int64(),
    "receiver": pa.string(),
    "signal": pa.string(),
    "encoding": pa.string(),
    "received_at_ns": pa.int64(),
    "records": pa.int64(),
    "body": pa.large_binary(),
    "error": pa.string(),
    "identity": pa.map_(pa.string(), pa.string()),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Who gave up which stretch of which log."""

    pipeline: str
    component: str
    log_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A request of the log that could not be made into rows, where it stands, and why."""

    entry: Entry
    position: int
    error: Permanent


def _told_of(identity: Identity | None) -> dict[str, str] | None:
    return None if identity is None else asdict(identity)


class DeadLetters:
    """A directory of Arrow files; each is durable when the call that writes it returns."""

    def __init__(self, directory: Path) -> None:
        """Note the directory; it is made when the first file is written."""
        self._directory = directory

    def bury_batches(self, place: Place, error: Permanent, batches: Sequence[Batch]) -> None:
        """Write rows, one file for each table. Raises Retryable if the disk refuses."""
        tables = {batch.table.name: batch.table for batch in batches}
        for name, table in tables.items():
            records = [batch.records for batch in batches if batch.table.name == name]
            self._write(place, error, name, pa.Table.from_batches(records, table.schema))

    def bury_requests(self, place: Place, refused: Sequence[Refused]) -> None:
        """Write requests as they came, each with its error; the metadata tell the first.

        Raises:
            Retryable: the disk refuses.

        """
        requests = [each.entry.request for each in refused]
        columns: dict[str, list[Any]] = {
            "position": [each.position for each in refused],
            "receiver": [request.receiver for request in requests],
            "signal": [request.signal.value for request in requests],
            "encoding": [request.encoding.value for request in requests],
            "received_at_ns": [request.received_at_ns for request in requests],
            "records": [each.entry.records for each in refused],
            "body": [request.body for request in requests],
            "error": [str(each.error) for each in refused],
            "identity": [_told_of(request.identity) for request in requests],
        }
        rows = pa.Table.from_pydict(columns, schema=pa.schema(_REQUEST_COLUMNS))
        self._write(place, refused[0].error, "requests", rows)

    def _write(self, place: Place, error: Permanent, table: str, rows: pa.Table) -> None:
        metadata = {
            "table": table,
            "pipeline": place.pipeline,
            "component": place.component,
            "reason": error.reason,
            "error": str(error),
            "log_id": place.log_id,
            "start": str(place.start),
            "end": str(place.end),
        }
        path = self._path(place, table)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, rows.schema.with_metadata(metadata)) as writer:
            writer.write_table(rows)
        try:
            write_durably(path, memoryview(sink.getvalue()))
        except OSError as trouble:
            raise Retryable(
                f"dead letter {path}: {trouble.strerror}. Check the disk's space and health.",
                reason="dead_letter_failed",
            ) from trouble

    def _path(self, place: Place, table: str) -> Path:
        """Name the file; a log that begins anew at 0 does not write over an older log's."""
        # quote() leaves no "+" of its own, so two places never share a name.
        who = f"{quote(place.pipeline, safe='')}+{quote(place.component, safe='')}"
        return self._directory / f"{who}+{place.log_id[:8]}-{place.start}.{table}.arrow"
