"""Read spans with their events and links.

Fields of ``items``: trace_id, span_id, parent_span_id (hex), trace_state, name, kind,
start_time_unix_nano, end_time_unix_nano (uint64), status_code, status_message, and links (a
JSON array of objects, or null).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .anyvalue import member_text, numbered, object_text
from .envelope import Envelope, check_items, check_parts, read_attributes, to_records
from .jsontext import join, quote
from .node import Node
from .records import SPAN_EVENTS, Attributes, Records
from .scatter import offsets_of


def read_spans(envelope: Envelope) -> Records:
    """Turn the spans of an envelope into columns."""
    check_items(envelope, envelope.scope_of)
    spans = envelope.messages
    status = spans.child("status")
    columns = {
        "trace_id": spans.hex_id("trace_id", 16),
        "span_id": spans.hex_id("span_id", 8),
        "parent_span_id": spans.hex_id("parent_span_id", 8),
        "trace_state": spans.column("trace_state"),
        "name": spans.column("name"),
        "kind": spans.column("kind"),
        "start_time_unix_nano": spans.column("start_time_unix_nano"),
        "end_time_unix_nano": spans.column("end_time_unix_nano"),
        "status_code": status.column("code"),
        "status_message": status.column("message"),
        "links": _links(envelope),
    }
    events, event_attributes = _events(envelope)
    return to_records(
        envelope,
        envelope.scope_of,
        columns,
        read_attributes(spans, level=3),
        span_events=events,
        span_event_attributes=event_attributes,
    )


def _events(envelope: Envelope) -> tuple[pa.RecordBatch, Attributes]:
    spans = envelope.messages
    owner, events = spans.children("events")
    check_parts(envelope, envelope.scope_of[owner])
    index = np.arange(len(owner)) - offsets_of(owner, len(spans))[owner]
    columns = [
        pa.array(owner),
        pa.array(index.astype(np.int32)),
        events.column("time_unix_nano"),
        events.column("name"),
    ]
    return pa.record_batch(columns, SPAN_EVENTS), read_attributes(events, level=4)


def _links(envelope: Envelope) -> pa.Array:
    spans = envelope.messages
    owner, links = spans.children("links")
    if not len(links):
        return pa.nulls(len(spans), pa.string())
    check_parts(envelope, envelope.scope_of[owner])
    attributes = read_attributes(links, level=4)
    keys = attributes.pairs.column("key")
    members = member_text(keys, attributes.pairs).take(pa.array(attributes.pair))
    key = numbered(keys)[attributes.pair]
    objects = object_text(len(links), attributes.owner, key, members)
    fields = [
        pc.binary_join_element_wise('{"trace_id":', _hex_or_null(links, "trace_id", 16), ""),
        pc.binary_join_element_wise('"span_id":', _hex_or_null(links, "span_id", 8), ""),
        pc.binary_join_element_wise('"trace_state":', quote(links.column("trace_state")), ""),
        pc.binary_join_element_wise('"attributes":', objects, "}", ""),
    ]
    text = join(pc.binary_join_element_wise(*fields, ","), owner, len(spans), "[", "]")
    return pc.if_else(pc.equal(text, "[]"), None, text)


def _hex_or_null(links: Node, name: str, size: int) -> pa.Array:
    return pc.fill_null(quote(links.hex_id(name, size)), "null")
