"""Read what is common to the three signals: attributes, resources, scopes and their items."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...pipeline.core.signal import Signal
from .anyvalue import read_values, text_of
from .node import Node, Rows
from .records import (
    NO_ATTRIBUTES,
    NO_SPAN_EVENTS,
    PAIRS,
    Attributes,
    Records,
    concat_attributes,
)
from .scatter import offsets_of
from .spread import Sizes, attribute_bytes, check_count, check_spread, text_bytes

NAMES = {
    Signal.LOGS: ("scope_logs", "log_records"),
    Signal.METRICS: ("scope_metrics", "metrics"),
    Signal.TRACES: ("scope_spans", "spans"),
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """The resources and scopes of some bodies, and the messages inside the scopes.

    ``scope_of`` says for each message which scope it is in, ``resource_of`` for each scope
    which resource, ``request_of`` for each resource which body.
    """

    signal: Signal
    requests: int
    request_of: Rows
    resource_attributes: Attributes
    resource_of: Rows
    scopes: pa.RecordBatch
    scope_attributes: Attributes
    scope_of: Rows
    messages: Node


def read_envelope(signal: Signal, requests: int, request_of: Rows, resources: Node) -> Envelope:
    """Walk from resource envelopes to the messages they hold."""
    scopes_name, messages_name = NAMES[signal]
    resource_of, scopes = resources.children(scopes_name)
    scope_of, messages = scopes.children(messages_name)
    scope = scopes.child("scope")
    return Envelope(
        signal=signal,
        requests=requests,
        request_of=request_of,
        resource_attributes=read_attributes(resources.child("resource"), level=2),
        resource_of=resource_of,
        scopes=pa.record_batch(
            {
                "name": _told(scope.column("name")),
                "version": _told(scope.column("version")),
            }
        ),
        scope_attributes=read_attributes(scope, level=3),
        scope_of=scope_of,
        messages=messages,
    )


def read_attributes(owners: Node, *, level: int) -> Attributes:
    """Read the field ``attributes`` of each owner; ``level`` messages are around its fields."""
    owner, pair, different = owners.attributes()
    values = read_values(different.child("value"), level + 2)
    pairs = pa.record_batch([different.column("key"), *values.columns], PAIRS)
    return Attributes(owner, pair, pairs)


def read_text(owners: Node, name: str, *, level: int) -> pa.Array:
    """Read a singular AnyValue field as text; null where it is absent or empty."""
    which, different = owners.values(name)
    return text_of(read_values(different, level + 1)).take(which)


def check_items(envelope: Envelope, scope_of: Rows, own_bytes: Sizes | None = None) -> None:
    """Check, before the items are made, that they are not far larger than their request.

    ``own_bytes`` says for each item what it shares beside its resource and scope.

    Raises:
        Permanent: ``too_large``.

    """
    resource = attribute_bytes(envelope.resource_attributes, len(envelope.request_of))
    scope = attribute_bytes(envelope.scope_attributes, envelope.scopes.num_rows)
    scope += text_bytes(envelope.scopes.column("name")) + resource[envelope.resource_of]
    shared = scope[scope_of] if own_bytes is None else scope[scope_of] + own_bytes
    request = envelope.request_of[envelope.resource_of[scope_of]]
    check_spread(request, shared, envelope.requests)


def check_parts(envelope: Envelope, scope_of: Rows) -> None:
    """Check, before columns are made, that no request has too many points, events or links.

    ``scope_of`` says for each of them which scope it is in. Raises Permanent (``too_large``).
    """
    check_count(envelope.request_of[envelope.resource_of[scope_of]], envelope.requests)


def to_records(
    envelope: Envelope,
    scope_of: Rows,
    columns: Mapping[str, pa.Array],
    attributes: Attributes,
    span_events: pa.RecordBatch = NO_SPAN_EVENTS,
    span_event_attributes: Attributes = NO_ATTRIBUTES,
) -> Records:
    """Put the items of an envelope together; ``scope_of`` says for each item its scope."""
    resource = envelope.resource_of[scope_of]
    places = {
        "request": pa.array(envelope.request_of[resource]),
        "resource": pa.array(resource),
        "scope": pa.array(scope_of),
    }
    return Records(
        signal=envelope.signal,
        requests=envelope.requests,
        items=pa.record_batch({**places, **columns}),
        attributes=_with_scope_attributes(attributes, scope_of, envelope),
        resources=len(envelope.request_of),
        resource_attributes=envelope.resource_attributes,
        scopes=envelope.scopes,
        span_events=span_events,
        span_event_attributes=span_event_attributes,
    )


def _told(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _with_scope_attributes(items: Attributes, scope_of: Rows, envelope: Envelope) -> Attributes:
    """Give each item its scope's attributes too, under ``otel.scope.<key>``."""
    scopes = envelope.scope_attributes
    if not len(scopes):
        return items
    offsets = offsets_of(scopes.owner, envelope.scopes.num_rows)
    counts = np.diff(offsets)[scope_of]
    owner = np.repeat(np.arange(len(scope_of)), counts)
    first = np.repeat(offsets[scope_of] - np.cumsum(counts) + counts, counts)
    named = pc.binary_join_element_wise("otel.scope.", scopes.pairs.column("key"), "")
    pairs = scopes.pairs.set_column(0, PAIRS.field("key"), named)
    taken = Attributes(owner, scopes.pair[first + np.arange(len(owner))], pairs)
    both = concat_attributes([(taken, 0), (items, 0)])
    order = np.argsort(both.owner, kind="stable")
    return Attributes(both.owner[order], both.pair[order], both.pairs)
