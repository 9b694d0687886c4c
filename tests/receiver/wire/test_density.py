"""Bodies of millions of empty messages are refused before a parser makes objects of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.receiver.wire.decode import decode
from agentpond.receiver.wire.density import (
    MOST_OBJECTS,
    MOST_SHORT_FIELDS,
    count_short_fields,
)

from ...golden.captures import Capture, captures
from .bytewise import message

JSON, PROTOBUF = Encoding.JSON, Encoding.PROTOBUF
MOST_BODY_BYTES = 64 << 20


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        (PROTOBUF, message(1, message(2, b"\x12\x00" * (MOST_SHORT_FIELDS + 1))), "fields"),
        (PROTOBUF, b"\x0a\x04\x1a\x02ab" * (MOST_SHORT_FIELDS // 2 + 1), "fields"),
        (JSON, b'{"resourceSpans":[' + b"{}," * MOST_OBJECTS + b"{}]}", "objects"),
        (JSON, b"[" * (MOST_OBJECTS + 1), "objects"),
    ],
    ids=["empty scopes", "small resources", "empty objects", "lists"],
)
def test_a_body_of_millions_of_messages_is_refused(
    encoding: Encoding, body: bytes, words: str
) -> None:
    with pytest.raises(Permanent, match=words) as told:
        decode(Signal.TRACES, encoding, [body])

    assert told.value.reason == "too_large"


@pytest.mark.parametrize("capture", captures(), ids=lambda c: c.name)
def test_what_agents_send_would_be_taken_up_to_the_largest_body(capture: Capture) -> None:
    large = [request for request in capture.requests() if len(request.body) > 4096]

    fields = [_times(r, count_short_fields(r.body)) for r in large if r.encoding is PROTOBUF]
    objects = [_times(r, r.body.count(b"{") + r.body.count(b"[")) for r in large]

    assert max(fields, default=0) <= MOST_SHORT_FIELDS
    assert max(objects, default=0) <= MOST_OBJECTS


def _times(request: Request, count: int) -> int:
    return count * MOST_BODY_BYTES // len(request.body)


@given(st.lists(st.integers(0, 7), max_size=50), st.integers(1, 15))
def test_every_short_field_is_counted(sizes: list[int], number: int) -> None:
    body = b"".join(message(number, b"\xff" * size) for size in sizes)

    assert count_short_fields(body) == len(sizes)


def test_fields_are_counted_across_the_chunks_that_are_looked_at() -> None:
    body = b"\xff" + b"\x12\x00" * (1 << 20)

    assert count_short_fields(body) == 1 << 20
