"""Tell what a body holds from the body alone: never wrongly, and from any bytes at all."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.tell import tell_signal

from ..golden.captures import Capture, captures
from .build import gauge, log, logs, span, spans
from .test_codec import MODERATE
from .wire.bytewise import item, message, whole
from .wire.generated import REQUESTS
from .wire.otlp_json import Writing, to_json

PROTOBUF, JSON = Encoding.PROTOBUF, Encoding.JSON
ONE_OF_EACH = {
    Signal.LOGS: logs([log({"a": 1})]),
    Signal.TRACES: spans([span({"a": 1})]),
    Signal.METRICS: gauge("memory.used", {}, 1.0),
}
UNTOLD = {
    "nothing": (PROTOBUF, b""),
    "an empty resource": (PROTOBUF, message(1)),
    "an empty scope": (PROTOBUF, message(1, message(2))),
    "an empty item": (PROTOBUF, item()),
    "a resource without scopes": (PROTOBUF, message(1, message(1, b"\x0a\x00"))),
    "a cut item": (PROTOBUF, logs([log({})]).SerializeToString()[:-1]),
    "a million empty resources": (PROTOBUF, message(1) * 1_000_000),
    "a body that a log record and a metric could be": (PROTOBUF, item(message(5))),
    "a metric whose name is as long as a trace id": (PROTOBUF, item(message(1, b"m" * 16))),
    "a log record with a field of tomorrow": (
        PROTOBUF,
        item(b"\x1a\x04INFO" + message(14, b"new")),
    ),
    "a metric with a field of tomorrow": (PROTOBUF, item(message(3, b"By") + whole(14, 1))),
    "a span with an id of five bytes and nothing else": (PROTOBUF, item(message(1, b"short"))),
    "JSON in protobuf": (PROTOBUF, b'{"resourceLogs":[{"scopeLogs":[]}]}'),
    "an empty object": (JSON, b"{}"),
    "an empty list of logs": (JSON, b'{"resourceLogs":[]}'),
    "an empty resource in JSON": (JSON, b'{"resourceLogs":[{}]}'),
    "a list": (JSON, b'["resourceLogs"]'),
    "a word in a value": (JSON, rb'{"note":"{\"resourceLogs\":[{\"scopeLogs\":[]}]}"}'),
    "cut JSON": (JSON, b'{"resourceLogs":['),
}


@pytest.mark.parametrize("capture", captures(), ids=lambda c: c.name)
def test_whatever_an_agent_sent_is_told(capture: Capture) -> None:
    requests = capture.requests()

    told = [tell_signal(request.body, request.encoding) for request in requests]

    assert told == [request.signal for request in requests]


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("encoding", Encoding)
@MODERATE
@given(data=st.data())
def test_no_valid_request_is_taken_for_another_signal(
    signal: Signal, encoding: Encoding, data: Any
) -> None:
    request = data.draw(REQUESTS[signal].filter(_is_valid))
    write = _to_json if encoding is JSON else _to_protobuf

    told = tell_signal(write(request), encoding)

    assert told in {signal, None}


@pytest.mark.parametrize("encoding", Encoding)
@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=60))
def test_no_bytes_make_it_fail(encoding: Encoding, body: bytes) -> None:
    told = tell_signal(body, encoding)

    assert told is None or isinstance(told, Signal)


@settings(max_examples=300, deadline=None)
@given(signal=st.sampled_from(Signal), place=st.integers(0, 1000), patch=st.binary(max_size=4))
def test_no_change_to_a_body_makes_it_fail(signal: Signal, place: int, patch: bytes) -> None:
    body = ONE_OF_EACH[signal].SerializeToString()
    at = place % len(body)

    told = tell_signal(body[:at] + patch + body[at + len(patch) :], PROTOBUF)

    assert told is None or isinstance(told, Signal)


@pytest.mark.parametrize("name", UNTOLD)
def test_what_cannot_be_told_is_not_guessed(name: str) -> None:
    encoding, body = UNTOLD[name]

    told = tell_signal(body, encoding)

    assert told is None


@pytest.mark.parametrize("signal", Signal)
def test_empty_envelopes_in_front_are_passed_over(signal: Signal) -> None:
    body = message(1) + message(1, message(2)) + ONE_OF_EACH[signal].SerializeToString()

    told = tell_signal(body, PROTOBUF)

    assert told is signal


@pytest.mark.parametrize("signal", Signal)
def test_fields_of_a_later_version_are_passed_over(signal: Signal) -> None:
    known = ONE_OF_EACH[signal].SerializeToString()
    held = type(ONE_OF_EACH[signal]).FromString(known)
    first: Any = getattr(held, held.DESCRIPTOR.fields[0].name)[0]
    scope: Any = getattr(first, first.DESCRIPTOR.fields[1].name)[0]
    first_item: Any = getattr(scope, scope.DESCRIPTOR.fields[1].name)[0]

    told = tell_signal(item(first_item.SerializeToString(), whole(900, 7)), PROTOBUF)

    assert told is signal


def test_a_metric_of_many_points_is_told() -> None:
    points = [message(1, b"\x19" + bytes([1] * 8)) for _ in range(5000)]
    body = item(message(1, b"http.server.requests"), message(7, *points, whole(2, 1)))

    told = tell_signal(body, PROTOBUF)

    assert told is Signal.METRICS


@pytest.mark.parametrize(
    ("body", "signal"),
    [
        (b'{"resourceLogs":[{"scopeLogs":[]}]}', Signal.LOGS),
        (b'\n{ "resourceSpans" :\n [ {\n "scopeSpans": []}]}', Signal.TRACES),
        (b'{"unknown":[1],"resourceMetrics":[{"scopeMetrics":[]}]}', Signal.METRICS),
        (b'{"resource_logs":[{"scope_logs":[]}]}', Signal.LOGS),
        (b'{"resource_spans":[{"scope_spans":[]}]}', Signal.TRACES),
        (b'{"resource_metrics":[{"scope_metrics":[]}]}', Signal.METRICS),
    ],
)
def test_json_is_told_by_its_key(body: bytes, signal: Signal) -> None:
    told = tell_signal(body, JSON)

    assert told is signal


def _is_valid(request: Any) -> bool:
    """Tell whether all spans have ids; one without may look like a metric."""
    return all(
        len(one.trace_id) == 16 and len(one.span_id) == 8
        for resource in getattr(request, "resource_spans", [])
        for scope in resource.scope_spans
        for one in scope.spans
    )


def _to_json(message: Any) -> bytes:
    return to_json(message, Writing())


def _to_protobuf(message: Any) -> bytes:
    body: bytes = message.SerializeToString()
    return body
