"""Hold what a decoder yields: the records of many bodies, flat, with their attributes apart.

Both decoders fill these; the normaliser reads them. All owners are row numbers, ascending.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...pipeline.core.signal import Signal
from .anyvalue import VALUES
from .node import Rows


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes of many owners: ``owner[i]`` has the pair in row ``pair[i]`` of ``pairs``.

    ``owner`` is ascending. ``pairs`` has ``key`` and the columns of ``anyvalue.VALUES``, and
    each different attribute of one decode call once.
    """

    owner: Rows
    pair: Rows
    pairs: pa.RecordBatch

    def __len__(self) -> int:
        """Count the attributes of all owners."""
        return len(self.owner)


@dataclass(frozen=True, slots=True)
class Records:
    """The log records, spans or data points of some request bodies.

    ``items`` has one row a record. Besides the fields of its signal (see ``logs``, ``spans``,
    ``metrics``) it has ``request``, ``resource`` and ``scope``: the index of the body it came
    in, and rows of the other tables. ``scopes`` has ``name`` and ``version``; ``span_events``
    has ``span`` (a row of items), ``index``, ``time_unix_nano`` and ``name``.
    """

    signal: Signal
    requests: int
    items: pa.RecordBatch
    attributes: Attributes
    resources: int
    resource_attributes: Attributes
    scopes: pa.RecordBatch
    span_events: pa.RecordBatch
    span_event_attributes: Attributes

    @property
    def nbytes(self) -> int:
        """Bytes of memory the columns hold."""
        attributes = (self.attributes, self.resource_attributes, self.span_event_attributes)
        owned = sum(2 * part.owner.nbytes + part.pairs.nbytes for part in attributes)
        return int(self.items.nbytes + self.span_events.nbytes + owned)


SPAN_EVENTS = pa.schema(
    {"span": pa.int64(), "index": pa.int32(), "time_unix_nano": pa.uint64(), "name": pa.string()}
)


PAIRS = pa.schema([pa.field("key", pa.string()), *VALUES])

_NO_ROWS: Rows = np.zeros(0, dtype=np.int64)
NO_ATTRIBUTES = Attributes(_NO_ROWS, _NO_ROWS, pa.RecordBatch.from_pylist([], schema=PAIRS))
NO_SPAN_EVENTS = pa.RecordBatch.from_pylist([], schema=SPAN_EVENTS)


def keep_items(records: Records, keep: npt.NDArray[np.bool_]) -> Records:
    """Leave out the items where ``keep`` is false, with all that is theirs."""
    spans = records.span_events.column("span").to_numpy()
    keep_events = keep[spans]
    renumbered = np.cumsum(keep) - 1
    events = records.span_events.filter(pa.array(keep_events))
    events = events.set_column(0, "span", pa.array(renumbered[spans[keep_events]]))
    return replace(
        records,
        items=records.items.filter(pa.array(keep)),
        attributes=keep_owners(records.attributes, keep),
        span_events=events,
        span_event_attributes=keep_owners(records.span_event_attributes, keep_events),
    )


def keep_owners(attributes: Attributes, keep: npt.NDArray[np.bool_]) -> Attributes:
    """Leave out the attributes of owners where ``keep`` is false; the others are renumbered."""
    mask = keep[attributes.owner]
    renumbered = np.cumsum(keep) - 1
    return Attributes(renumbered[attributes.owner[mask]], attributes.pair[mask], attributes.pairs)


def concat_attributes(parts: Sequence[tuple[Attributes, int]]) -> Attributes:
    """Put attributes end to end; each part comes with the number its owners begin at."""
    pairs = _starts([part.pairs.num_rows for part, _ in parts])
    return Attributes(
        np.concatenate([part.owner + start for part, start in parts]),
        np.concatenate([part.pair + start for (part, _), start in zip(parts, pairs, strict=True)]),
        pa.concat_batches([part.pairs for part, _ in parts]),
    )


def concat_records(parts: Sequence[Records]) -> Records:
    """Put records of one signal end to end; their requests are renumbered in this order."""
    if len(parts) == 1:
        return parts[0]
    requests = _starts([part.requests for part in parts])
    resources = _starts([part.resources for part in parts])
    scopes = _starts([part.scopes.num_rows for part in parts])
    items = _starts([part.items.num_rows for part in parts])
    events = _starts([part.span_events.num_rows for part in parts])
    shifts = [
        {"request": request, "resource": resource, "scope": scope}
        for request, resource, scope in zip(requests, resources, scopes, strict=True)
    ]
    return Records(
        signal=parts[0].signal,
        requests=sum(part.requests for part in parts),
        items=_concat([p.items for p in parts], shifts),
        attributes=concat_attributes(_paired([p.attributes for p in parts], items)),
        resources=sum(part.resources for part in parts),
        resource_attributes=concat_attributes(
            _paired([p.resource_attributes for p in parts], resources)
        ),
        scopes=pa.concat_batches([p.scopes for p in parts]),
        span_events=_concat([p.span_events for p in parts], [{"span": n} for n in items]),
        span_event_attributes=concat_attributes(
            _paired([p.span_event_attributes for p in parts], events)
        ),
    )


def _starts(counts: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(counts[:-1]).tolist()]


def _paired(parts: Sequence[Attributes], starts: Sequence[int]) -> list[tuple[Attributes, int]]:
    return list(zip(parts, starts, strict=True))


def _concat(batches: Sequence[pa.RecordBatch], shifts: Sequence[dict[str, int]]) -> pa.RecordBatch:
    return pa.concat_batches(
        [_shifted(batch, shift) for batch, shift in zip(batches, shifts, strict=True)]
    )


def _shifted(batch: pa.RecordBatch, shift: dict[str, int]) -> pa.RecordBatch:
    for name, start in shift.items():
        numbers = batch.column(name).to_numpy() + start
        batch = batch.set_column(batch.schema.get_field_index(name), name, pa.array(numbers))
    return batch
