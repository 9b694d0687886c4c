"""Say what our decoder makes of protobuf that no encoder writes, beside the official classes."""

import struct
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.wire.decode import decode

from .bytewise import (
    END_GROUP,
    GROUP,
    LENGTH,
    VARINT,
    arrays,
    attribute,
    fixed,
    item,
    kvlists,
    message,
    tag,
    varint,
    whole,
)
from .reference import OFFICIAL, Flat, expected, flattened

LOGS, METRICS, TRACES = Signal.LOGS, Signal.METRICS, Signal.TRACES
BAD_TEXT = b"\xff\xfe"
ONE_AND_A_HALF = struct.pack("<d", 1.5)


def official(signal: Signal, body: bytes) -> list[Flat] | None:
    """Give what the official class reads; None where it refuses."""
    try:
        return expected(signal, [OFFICIAL[signal].FromString(body)])
    except DecodeError:
        return None


def ours(signal: Signal, body: bytes) -> list[Flat] | None:
    """Give what our decoder reads; None where it refuses."""
    try:
        return flattened(decode(signal, Encoding.PROTOBUF, [body]))
    except Permanent:
        return None


def gauge(*point: bytes) -> bytes:
    return item(message(5, message(1, *point)))


def histogram(*point: bytes) -> bytes:
    return item(message(9, message(1, *point)))


def exponential(*point: bytes) -> bytes:
    return item(message(10, message(1, *point)))


TEXT, NUMBER, FLAG = message(1, b"a"), whole(3, 5), whole(2, 1)
POINT = message(5, message(1))
LIST = message(5, message(1, message(1, b"e")))
PAIRS = message(6, message(1, message(1, b"q")))
TOLD_TWICE = {
    "text, number": (LOGS, attribute(TEXT, NUMBER)),
    "number, text": (LOGS, attribute(NUMBER, TEXT)),
    "flag, double": (LOGS, attribute(FLAG, fixed(4, ONE_AND_A_HALF))),
    "kvlist, array": (LOGS, attribute(PAIRS, LIST)),
    "array, text": (LOGS, attribute(LIST, TEXT)),
    "bytes, text": (LOGS, attribute(message(7, b"e"), TEXT)),
    "nested": (LOGS, attribute(message(5, message(1, TEXT, NUMBER)))),
    "body": (LOGS, item(message(5, TEXT, NUMBER))),
    "value": (LOGS, item(message(6, message(2, TEXT), message(2, NUMBER)))),
    "value, empty": (LOGS, item(message(6, message(2, TEXT), message(2)))),
    "key": (LOGS, item(message(6, message(1, b"k"), message(1, b"j")))),
    "resource": (LOGS, message(1, message(1), message(1), message(2, message(2, whole(2, 9))))),
    "scope": (
        LOGS,
        message(1, message(2, message(1, TEXT), message(1, message(2, b"v")), message(2))),
    ),
    "status": (TRACES, item(message(15, whole(3, 2)), message(15, message(2, b"why")))),
    "gauge, sum": (METRICS, item(message(5, message(1)), message(7, message(1), whole(2, 1)))),
    "sum, gauge": (METRICS, item(message(7, message(1)), message(5, message(1)))),
    "gauge, gauge": (METRICS, item(message(5, message(1)), message(5, message(1)))),
    "whole, double": (METRICS, gauge(fixed(6, b"\1" * 8), fixed(4, ONE_AND_A_HALF))),
    "double, whole": (METRICS, gauge(fixed(4, ONE_AND_A_HALF), fixed(6, b"\1" * 8))),
    "an array told twice": (LOGS, attribute(LIST, LIST)),
    "a body told again as empty": (LOGS, item(message(5, TEXT), message(5))),
    "a text, then a string index": (LOGS, attribute(TEXT, whole(8, 3))),
}
SHAPES = {
    "empty": (LOGS, b""),
    "repeated one by one": (METRICS, histogram(fixed(6, b"\1" * 8), fixed(6, b"\2" * 8))),
    "repeated packed": (METRICS, histogram(message(6, b"\1" * 8, b"\2" * 8))),
    "repeated both ways": (METRICS, histogram(fixed(6, b"\1" * 8), message(6, b"\2" * 8))),
    "varints one by one": (METRICS, exponential(message(8, whole(2, 5), whole(2, 300)))),
    "varints packed": (METRICS, exponential(message(8, message(2, varint(5), varint(300))))),
    "varints packed and cut": (METRICS, exponential(message(8, message(2, b"\x80")))),
    "a group": (LOGS, item(tag(99, GROUP), whole(1, 1), tag(99, END_GROUP), whole(2, 9))),
    "a group without end": (LOGS, item(tag(98, GROUP))),
    "an end without group": (LOGS, item(whole(2, 9), tag(99, END_GROUP))),
    "field 0 in a group": (LOGS, item(tag(98, GROUP), whole(0, 1), tag(98, END_GROUP))),
    "field 0": (LOGS, item(whole(0, 1))),
    "wire type 6": (LOGS, item(b"\x0e\x01")),
    "wire type 7": (LOGS, item(b"\x0f\x01")),
    "a number told as text": (LOGS, item(message(2, b"ab"))),
    "a message told as number": (LOGS, item(whole(5, 1), whole(2, 3))),
    "attributes told as number": (LOGS, item(whole(6, 1), whole(2, 3))),
    "a key told as number": (LOGS, item(message(6, whole(1, 1), message(2, TEXT)))),
    "a text told as number": (LOGS, attribute(whole(1, 1))),
    "a time told as varint": (LOGS, item(whole(1, 77))),
    "a varint of ten bytes": (LOGS, item(tag(2, VARINT), b"\xff" * 9, b"\x01")),
    "a varint of ten bytes too big": (LOGS, item(tag(2, VARINT), b"\xff" * 9, b"\x7f")),
    "a varint of eleven bytes": (LOGS, item(tag(2, VARINT), b"\xff" * 10, b"\x01")),
    "a tag longer than needed": (LOGS, item(b"\x90\x80\x80\x80\x00\x05")),
    "the highest field": (LOGS, item(tag(2**29 - 1, VARINT), b"\x05")),
    "a length longer than needed": (LOGS, item(tag(3, LENGTH), b"\x81\x00", b"a")),
    "a length of 2**31": (LOGS, item(tag(3, LENGTH), varint(2**31), b"a")),
    "a length of 2**64 - 1": (LOGS, item(tag(3, LENGTH), varint(-1), b"a")),
    "a length of 2**63": (LOGS, item(tag(3, LENGTH), varint(2**63), b"a")),
    "an enum of 64 bits": (LOGS, item(whole(2, 2**40 + 3))),
    "a negative enum": (LOGS, item(whole(2, -1))),
    "a flag of 2": (LOGS, attribute(whole(2, 2))),
    "a flag of 2**32": (LOGS, attribute(whole(2, 2**32))),
    "garbage at the end": (LOGS, item(whole(2, 3)) + b"\xff"),
    "garbage in a kvlist": (LOGS, attribute(message(6, b"\xff"))),
    "garbage in an array": (LOGS, attribute(message(5, b"\xff"))),
    "garbage in an array told again": (LOGS, attribute(message(5, b"\xff"), TEXT)),
    "garbage in a resource without records": (LOGS, message(1, message(1, message(1, b"\xff")))),
    "a string index": (LOGS, attribute(whole(8, 3))),
    "garbage in a field we do not read": (METRICS, item(POINT, message(12, b"\xff"))),
    "invalid UTF-8 in a description": (METRICS, item(POINT, message(2, BAD_TEXT))),
    "garbage in an exemplar": (METRICS, gauge(message(5, b"\xff"))),
    "packed doubles of seven bytes": (METRICS, histogram(message(7, b"\1" * 7))),
    "a group that another ends": (LOGS, item(tag(98, GROUP), tag(99, END_GROUP))),
    "a tag of six bytes": (LOGS, item(b"\x90\x80\x80\x80\x80\x00\x05")),
    "a field above 2**29": (LOGS, item(tag(2**29, VARINT), b"\x05")),
}
TEXTS = {
    "key": (LOGS, attribute(TEXT, key=BAD_TEXT)),
    "value": (LOGS, attribute(message(1, BAD_TEXT))),
    "value that is told again": (LOGS, attribute(message(1, BAD_TEXT), NUMBER)),
    "surrogate": (LOGS, attribute(message(1, b"\xed\xa0\x80"))),
    "body": (LOGS, item(message(5, message(1, BAD_TEXT)))),
    "key in a kvlist": (LOGS, attribute(message(6, message(1, message(1, BAD_TEXT))))),
    "text in an array": (LOGS, attribute(message(5, message(1, message(1, BAD_TEXT))))),
    "severity": (LOGS, item(message(3, BAD_TEXT))),
    "event name": (LOGS, item(message(12, BAD_TEXT))),
    "scope name": (LOGS, message(1, message(2, message(1, message(1, BAD_TEXT))))),
    "schema URL": (LOGS, message(1, message(3, BAD_TEXT))),
    "resource key": (LOGS, message(1, message(1, message(1, message(1, BAD_TEXT))))),
    "metric name": (METRICS, item(message(1, BAD_TEXT))),
    "unit": (METRICS, item(message(3, BAD_TEXT))),
    "span name": (TRACES, item(message(5, BAD_TEXT))),
    "span event's name": (TRACES, item(message(11, message(2, BAD_TEXT)))),
    "link's trace state": (TRACES, item(message(13, message(3, BAD_TEXT)))),
    "status message": (TRACES, item(message(15, message(2, BAD_TEXT)))),
}


@pytest.mark.parametrize("name", TOLD_TWICE)
def test_what_is_told_twice_means_what_the_official_classes_say(name: str) -> None:
    signal, body = TOLD_TWICE[name]

    records = ours(signal, body)

    assert records is not None
    assert records == official(signal, body)


@pytest.mark.parametrize("name", SHAPES)
def test_odd_shapes_are_judged_as_the_official_classes_judge_them(name: str) -> None:
    signal, body = SHAPES[name]

    records = ours(signal, body)

    assert records == official(signal, body)


@pytest.mark.parametrize("name", TEXTS)
def test_invalid_utf8_is_refused_wherever_it_stands(name: str) -> None:
    signal, body = TEXTS[name]

    with pytest.raises(Permanent) as refusal:
        decode(signal, Encoding.PROTOBUF, [body])

    assert refusal.value.reason == "invalid_protobuf"


@pytest.mark.parametrize("levels", [30, 31, 32, 33, 46, 47, 48, 49])
@pytest.mark.parametrize("nest", [arrays, kvlists])
def test_values_may_be_nested_as_deep_as_the_official_classes_take(nest: Any, levels: int) -> None:
    bodies = [attribute(nest(levels)), item(message(5, nest(levels)))]

    taken = [ours(LOGS, body) is not None for body in bodies]

    assert taken == [official(LOGS, body) is not None for body in bodies]


def test_a_value_nested_ten_thousand_deep_is_refused() -> None:
    body = attribute(arrays(10_000))

    with pytest.raises(Permanent) as refusal:
        decode(LOGS, Encoding.PROTOBUF, [body])

    assert refusal.value.reason == "nested_too_deep"


def test_a_body_cut_anywhere_is_judged_as_the_official_classes_judge_it() -> None:
    whole_body = small_request().SerializeToString()
    cuts = [whole_body[:size] for size in range(len(whole_body) + 1)]

    verdicts = [ours(LOGS, cut) for cut in cuts]

    assert verdicts == [official(LOGS, cut) for cut in cuts]


@pytest.mark.parametrize("signal", Signal)
@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=60))
def test_random_bytes_are_judged_as_the_official_classes_judge_them(
    signal: Signal, body: bytes
) -> None:
    records = ours(signal, body)

    assert records == official(signal, body)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), patch=st.binary(max_size=4), gone=st.integers(0, 4))
def test_a_body_changed_anywhere_is_judged_as_the_official_classes_judge_it(
    place: int, patch: bytes, gone: int
) -> None:
    whole_body = small_request().SerializeToString()
    at = place % len(whole_body)
    body = whole_body[:at] + patch + whole_body[at + gone :]

    records = ours(LOGS, body)

    assert records == official(LOGS, body)


def small_request() -> Message:
    """Make a request of some 200 bytes with most things in it."""
    nested = AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=-1), AnyValue()]))
    log = LogRecord(
        time_unix_nano=1_795_169_696_914_874_878,
        severity_text="INFO",
        event_name="claude_code.api_request",
        body=AnyValue(string_value="hello"),
        attributes=[
            KeyValue(key="session.id", value=AnyValue(string_value="95562d59")),
            KeyValue(key="cost_usd", value=AnyValue(double_value=0.25)),
            KeyValue(key="finish_reasons", value=nested),
        ],
        trace_id=b"0123456789abcdef",
        span_id=b"01234567",
    )
    resource = Resource(
        attributes=[KeyValue(key="service.name", value=AnyValue(string_value="claude-code"))]
    )
    envelope = ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=[log])])
    return OFFICIAL[LOGS](resource_logs=[envelope])
