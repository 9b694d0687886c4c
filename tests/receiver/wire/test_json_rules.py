"""Hold the JSON decoder to the rules of OTLP's JSON mapping that protobuf's own does not share."""

import base64
import json
from typing import Any

import pytest

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.wire.decode import decode

from .reference import JsonOf, flattened

TRACE_ID, SPAN_ID, PARENT_ID = "0123456789abcdef" * 2, "0123456789abcdef", "fedcba9876543210"
LOGS = ("resourceLogs", "scopeLogs", "logRecords")
SPANS = ("resourceSpans", "scopeSpans", "spans")
METRICS = ("resourceMetrics", "scopeMetrics", "metrics")
SIGNALS = {LOGS: Signal.LOGS, SPANS: Signal.TRACES, METRICS: Signal.METRICS}
LEVEL, KIND = "SEVERITY_NUMBER_INFO", "SPAN_KIND_SERVER"
FAILED, DELTA = "STATUS_CODE_ERROR", "AGGREGATION_TEMPORALITY_DELTA"


def read(keys: tuple[str, str, str], item: dict[str, Any]) -> list[dict[str, Any]]:
    outer, middle, inner = keys
    body = json.dumps({outer: [{middle: [{inner: [item]}]}]}).encode()
    return flattened(decode(SIGNALS[keys], Encoding.JSON, [body]))


@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_all_ids_of_a_span_are_hex_in_any_letter_case(write: Any) -> None:
    ids = {"traceId": write(TRACE_ID), "spanId": write(SPAN_ID)}

    (span,) = read(SPANS, {**ids, "parentSpanId": write(PARENT_ID), "links": [ids]})

    assert (span["trace_id"], span["span_id"], span["parent_span_id"]) == (
        TRACE_ID,
        SPAN_ID,
        PARENT_ID,
    )
    assert span["links"] == JsonOf(
        [{"trace_id": TRACE_ID, "span_id": SPAN_ID, "trace_state": "", "attributes": {}}]
    )


@pytest.mark.parametrize("wrong", ["", None, "0" * 32, TRACE_ID[:-1], "g" * 32, SPAN_ID])
def test_an_id_that_is_none_is_taken_as_absent(wrong: str | None) -> None:
    (log,) = read(LOGS, {"traceId": wrong, "spanId": SPAN_ID})

    assert (log["trace_id"], log["span_id"]) == (None, SPAN_ID)


def test_an_id_in_base64_is_no_id() -> None:
    in_base64 = base64.b64encode(bytes.fromhex(TRACE_ID)).decode()

    (log,) = read(LOGS, {"traceId": in_base64})

    assert log["trace_id"] is None


def test_bytes_that_are_no_ids_are_base64() -> None:
    (log,) = read(LOGS, {"attributes": [{"key": "k", "value": {"bytesValue": "aGV4"}}]})

    assert log["attributes"] == {"k": ("json", JsonOf("aGV4"))}


@pytest.mark.parametrize(
    ("keys", "item"),
    [
        (LOGS, {"severityNumber": LEVEL}),
        (SPANS, {"kind": KIND}),
        (SPANS, {"status": {"code": FAILED}}),
        (METRICS, {"sum": {"aggregationTemporality": DELTA}}),
        (METRICS, {"histogram": {"aggregationTemporality": DELTA}}),
    ],
)
def test_names_of_enums_are_refused(keys: tuple[str, str, str], item: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match="enums as numbers"):
        read(keys, item)


@pytest.mark.parametrize("write", [str, int])
def test_whole_numbers_are_told_as_text_or_as_numbers(write: Any) -> None:
    point = {"timeUnixNano": write(7), "startTimeUnixNano": write(6), "asInt": write(-5)}

    (log,) = read(LOGS, {"timeUnixNano": write(2**63), "observedTimeUnixNano": write(1)})
    (number,) = read(METRICS, {"sum": {"dataPoints": [point]}})

    assert (log["time_unix_nano"], log["observed_time_unix_nano"]) == (2**63, 1)
    assert (number["time_unix_nano"], number["start_time_unix_nano"]) == (7, 6)
    assert number["value"] == "-5.0"


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("body", [b"{}", b'{"unknown":[{"deep":1}]}', b" {\n} "])
def test_an_object_without_known_keys_is_an_empty_request(signal: Signal, body: bytes) -> None:
    records = decode(signal, Encoding.JSON, [body])

    assert flattened(records) == []
