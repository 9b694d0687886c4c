"""Turn deliveries into lines on a stream: counts by kind of event, or the rows themselves."""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TextIO

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ..pipeline.core.batch import Batch, Delivery, Dropped
from ..pipeline.core.component import Factory, Kind, Settings
from ..pipeline.core.errors import Retryable
from ..pipeline.core.schema import EVENTS


class Config(BaseModel):
    """Print what passes, to see whether and what an agent sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verbosity: Literal["counts", "rows"] = Field(
        default="counts",
        description="`counts`: one line a delivery; `rows`: also each row as one line of JSON.",
    )
    max_rows: int = Field(
        default=100, ge=1, description="With `rows`: how many rows of each table a delivery shows."
    )


class ConsoleExporter:
    """Writes to standard output; knows no position, so after a crash lines may come twice."""

    def __init__(self, config: Config, settings: Settings, stream: TextIO | None = None) -> None:
        """Write to ``stream``; by default to what is standard output when a delivery comes."""
        self._config = config
        self._id = settings.id
        self._stream = stream
        self._lock = threading.Lock()

    def start(self) -> None:
        """Open nothing."""

    def stop(self) -> None:
        """Close nothing: the stream is the host's."""

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Write a delivery's lines.

        Raises:
            Retryable: the stream cannot be written to.

        """
        lines = [_summary(delivery)]
        if self._config.verbosity == "rows":
            for batch in delivery.batches:
                lines.extend(_rows(batch, self._config.max_rows))
        text = "\n".join(lines) + "\n"
        try:
            with self._lock:
                stream = self._stream or sys.stdout
                stream.write(text)
                stream.flush()
        except (OSError, ValueError) as error:
            msg = f"{self._id}: cannot write to the console: {error}. Take it out of the pipeline."
            raise Retryable(msg, reason="console_closed") from error
        return ()


def _summary(delivery: Delivery) -> str:
    """Say how many rows came, as ``agents [0, 7): 3 events: 2 api_request, 1 tool_result``."""
    kinds = [
        batch.records["event_type"] for batch in delivery.batches if batch.table.name == EVENTS.name
    ]
    counted: Any = pc.value_counts(pa.chunked_array(kinds, type=pa.string()))
    counts = counted.to_pylist()
    counts.sort(key=lambda pair: (-pair["counts"], pair["values"] or ""))
    told = ", ".join(f"{pair['counts']} {pair['values'] or 'untyped'}" for pair in counts)
    place = f"{delivery.pipeline} [{delivery.start}, {delivery.end})"
    return f"{place}: {delivery.rows(EVENTS)} events" + (f": {told}" if told else "")


def _rows(batch: Batch, max_rows: int) -> Iterator[str]:
    for row in batch.records.slice(0, max_rows).to_pylist(maps_as_pydicts="lossy"):
        filled = {name: value for name, value in row.items() if value is not None}
        yield json.dumps({"table": batch.table.name, **filled}, default=_as_text)
    if len(batch) > max_rows:
        yield json.dumps({"table": batch.table.name, "rows_not_shown": len(batch) - max_rows})


def _as_text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


factory = Factory(Kind.EXPORTER, "console", Config, ConsoleExporter)
