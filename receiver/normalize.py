"""Turn decoded records into rows of the tables, each by the dialect of who sent it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.schema import EVENTS, RESOURCES, SPAN_EVENTS, TIME
from ..pipeline.core.signal import Identity, Signal
from .claims import overrule
from .dialects import DIALECTS
from .dialects.rules import Columns, Dialect, Lift, lift
from .fields import microseconds, read_fields
from .hashing import Lanes
from .identity import event_ids, hash_attributes
from .lifting import Keyed, lift_text
from .recognize import Names, dialect_of, names_of, raw_names
from .wire.records import Records, keep_items

# What a resource may tell of all its records; a record's own attributes win over it
# (reference: Claude Code section 3).
_RESOURCE_LIFTS = (
    lift("session_id", "session.id"),
    lift("user_id", "user.id", "enduser.id"),
    lift("user_email", "user.email"),
    lift("organization_id", "organization.id"),
    lift("team", "team"),
    lift("agent_version", "service.version"),
    lift("agent", "service.name"),
    lift("repository", "vcs.repository.url.full", "vcs.repository.name"),
    lift("branch", "vcs.ref.head.name"),
)

_EMPTY_SPAN_EVENTS = pa.RecordBatch.from_pylist([], schema=SPAN_EVENTS.schema)

_OTHER = {Signal.LOGS: "other", Signal.TRACES: "span", Signal.METRICS: "metric"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where and when each request of some records arrived, and from whom.

    ``senders`` has a place for each request, or none where no sender was asked who it is.
    """

    positions: npt.NDArray[np.int64]
    received_at_us: npt.NDArray[np.int64]
    senders: tuple[Identity | None, ...] = ()


def concat_arrivals(parts: Sequence[Arrival]) -> Arrival:
    """Put the arrivals of requests end to end."""
    senders: list[Identity | None] = []
    for part in parts:
        senders += part.senders or [None] * len(part.positions)
    return Arrival(
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.received_at_us for part in parts]),
        tuple(senders) if any(senders) else (),
    )


@dataclass(frozen=True, slots=True)
class Normalized:
    """Rows of the three tables."""

    events: pa.RecordBatch
    resources: pa.RecordBatch
    span_events: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class _Resources:
    """What is known of each resource: its hash, the columns it tells, all attributes as a map."""

    hashes: Lanes
    columns: Columns
    attributes: pa.MapArray


def normalize(
    records: Records, arrival: Arrival, dialects: Sequence[Dialect] = DIALECTS
) -> Normalized:
    """Turn records of one signal into rows; those of one dialect stay in order."""
    resources = _read_resources(records)
    keyed = Keyed(records.attributes, records.items.num_rows)
    raw = raw_names(records, keyed)
    number = dialect_of(records, raw, dialects)
    events: list[pa.RecordBatch] = []
    span_events: list[pa.RecordBatch] = []
    for at in np.unique(number):
        mine = number == at
        part, part_keyed, part_raw = records, keyed, raw
        if not mine.all():
            part = keep_items(records, mine)
            part_keyed = Keyed(part.attributes, part.items.num_rows)
            part_raw = raw.filter(pa.array(mine))
            raw_names(part, part_keyed)
        columns = _columns_of(part, part_keyed, part_raw, dialects[at], resources)
        events.append(_rows(columns, part, resources, arrival))
        span_events.append(_span_event_rows(part, columns["event_id"], dialects[at]))
    return Normalized(
        _one_batch(EVENTS.schema, events),
        _resource_rows(records, resources, arrival),
        _one_batch(SPAN_EVENTS.schema, span_events),
    )


def _columns_of(
    records: Records, keyed: Keyed, raw: pa.Array, dialect: Dialect, resources: _Resources
) -> Columns:
    """Fill all columns of records of one dialect but those of their arrival."""
    names = names_of(raw, dialect, records.signal)
    columns = _lift_all(keyed, names, dialect.lifts[records.signal])
    columns["event_name"] = names.full
    columns["event_type"] = names.translated(
        dict(dialect.types[records.signal]), _OTHER[records.signal]
    )
    filled, extra = read_fields(records, keyed, columns)
    columns.update(filled)
    resource = records.items.column("resource")
    _fill_from_resources(columns, resource, resources, dialect)
    columns.update(dialect.derive[records.signal](columns))
    columns["source"] = pa.repeat("otlp", columns.rows)
    columns["signal"] = pa.repeat(str(records.signal), columns.rows)
    columns["scope"] = records.scopes.column("name").take(records.items.column("scope"))
    columns["event_id"] = event_ids(records, resources.hashes, columns, numbered=dialect.numbered)
    columns["attributes"] = keyed.rest(extra)
    return columns


def _lift_all(keyed: Keyed, names: Names, rules: Sequence[Lift]) -> Columns:
    columns = Columns(len(names.full))
    told = set(keyed.keys)
    for rule in rules:
        if told.isdisjoint(rule.keys):
            continue
        on = names.among(rule.on) if rule.on else None
        columns[rule.column] = keyed.lift(rule, on, columns[rule.column])
    return columns


def _fill_from_resources(
    columns: Columns, resource: pa.Array, resources: _Resources, dialect: Dialect
) -> None:
    for name, told in resources.columns.items():
        if columns[name].null_count:
            columns[name] = pc.coalesce(columns[name], told.take(resource))
    if dialect.agent:
        columns["agent"] = pa.repeat(dialect.agent, columns.rows)
    columns["resource_id"] = pa.array(resources.hashes[0]).take(resource)


def _read_resources(records: Records) -> _Resources:
    keyed = Keyed(records.resource_attributes, records.resources)
    attributes = keyed.rest({})
    columns = Columns(records.resources)
    told = set(keyed.keys)
    for rule in _RESOURCE_LIFTS:
        if not told.isdisjoint(rule.keys):
            columns[rule.column] = keyed.lift(rule, None, columns[rule.column])
    hashes = hash_attributes(records.resource_attributes, records.resources)
    return _Resources(hashes, columns, attributes)


def _rows(
    columns: Columns, records: Records, resources: _Resources, arrival: Arrival
) -> pa.RecordBatch:
    request = records.items.column("request").to_numpy()
    if arrival.senders:
        overrule(columns, _of_resources(records, resources), arrival.senders, request)
    columns["position"] = pa.array(arrival.positions[request])
    columns["received_at"] = pa.array(arrival.received_at_us[request]).cast(TIME)
    arrays = [columns[field.name].cast(field.type) for field in EVENTS.schema]
    return pa.record_batch(arrays, schema=EVENTS.schema)


def _of_resources(records: Records, resources: _Resources) -> Columns:
    resource = records.items.column("resource")
    told = {name: texts.take(resource) for name, texts in resources.columns.items()}
    return Columns(records.items.num_rows, told)


def _resource_rows(records: Records, resources: _Resources, arrival: Arrival) -> pa.RecordBatch:
    """Give each resource that sent something once, with the time of its first request."""
    told, first_item = np.unique(records.items.column("resource").to_numpy(), return_index=True)
    ids, first = np.unique(resources.hashes[0][told], return_index=True)
    request = records.items.column("request").to_numpy()[first_item[first]]
    return pa.record_batch(
        [
            pa.array(ids),
            resources.attributes.take(pa.array(told[first])),
            pa.array(arrival.received_at_us[request]).cast(TIME),
        ],
        schema=RESOURCES.schema,
    )


def _span_event_rows(records: Records, event_ids: pa.Array, dialect: Dialect) -> pa.RecordBatch:
    events = records.span_events
    if not events.num_rows:
        return _EMPTY_SPAN_EVENTS
    keyed = Keyed(records.span_event_attributes, events.num_rows)
    named = lift_text(keyed, "event.name", pa.nulls(events.num_rows, pa.string()))
    names = pc.coalesce(named, events.column("name"))
    columns = {
        "event_id": event_ids.take(events.column("span")),
        "name": names,
        "time": microseconds(events.column("time_unix_nano")),
        "attributes": keyed.rest({}),
        "index": events.column("index"),
    }
    rows = pa.record_batch(columns, schema=SPAN_EVENTS.schema)
    mirrored = pc.is_in(names, pa.array(sorted(dialect.mirrors), pa.string()))
    return rows.filter(pc.invert(mirrored))


def _one_batch(schema: pa.Schema, parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if len(parts) == 1:
        return parts[0]
    return pa.concat_batches(parts) if parts else pa.RecordBatch.from_pylist([], schema=schema)
