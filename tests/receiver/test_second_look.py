"""Nothing is lost in silence: what a sender got wrong is refused or told in words."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentpond.pipeline.core.component import Taken
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.receiver.codec import OtlpCodec
from agentpond.receiver.wire.official import has_string_indices

from ..golden.captures import Capture, captures
from .build import TIME_NS, log, logs, pairs, request, rows_of, span, spans
from .test_tell import ONE_OF_EACH
from .wire.bytewise import item, message, whole
from .wire.otlp_json import Writing, to_json
from .wire.reference import OFFICIAL

LOGS, METRICS, TRACES = Signal.LOGS, Signal.METRICS, Signal.TRACES
PROTOBUF, JSON = Encoding.PROTOBUF, Encoding.JSON
MIX_UPS = [(held, came) for held in Signal for came in Signal if held is not came]
# Each of these decodes as what it came as, if one does not look twice.
DECEPTIVE = {
    "a span without name or attributes": (
        spans([Span(trace_id=b"0123456789abcdef", span_id=b"01234567", end_time_unix_nano=1)]),
        LOGS,
    ),
    "a log record without attributes": (logs([log({}, severity_number=9)]), METRICS),
    "a metric whose name and description look like ids": (
        OFFICIAL[METRICS].FromString(
            item(message(1, b"http.server.time"), message(2, b"requests"), message(7, whole(2, 1)))
        ),
        TRACES,
    ),
}
HEX_TRACE, HEX_SPAN = "0123456789abcdef" * 2, "0123456789abcdef"
BASE64_TRACE = base64.b64encode(bytes.fromhex(HEX_TRACE)).decode()
BASE64_SPAN = base64.b64encode(bytes.fromhex(HEX_SPAN)).decode()
IN_BASE64 = (
    "Trace or span ids are in base64 and were not taken. OTLP/JSON has them in hex: "
    "32 characters for a trace_id, 16 for a span_id."
)
BY_INDEX = (
    "Attributes with key_strindex or string_value_strindex were taken as absent: there is no "
    "table of strings outside profiles. Send `key` and `stringValue`."
)


def judge(*requests: Request) -> Sequence[Taken | Permanent]:
    verdicts, _ = OtlpCodec().decode(requests)
    return verdicts


def body(told: Message, encoding: Encoding) -> bytes:
    return to_json(told, Writing()) if encoding is JSON else told.SerializeToString()


def sent(signal: Signal, told: Any) -> Request:
    """Make a request of OTLP/JSON."""
    return Request(signal, JSON, json.dumps(told).encode(), TIME_NS, "otlp")


def sent_log(record: Any) -> Request:
    return sent(LOGS, {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("held", "came"), MIX_UPS)
def test_one_signal_sent_as_another_is_refused(
    held: Signal, came: Signal, encoding: Encoding
) -> None:
    mixed_up = Request(came, encoding, body(ONE_OF_EACH[held], encoding), TIME_NS, "otlp")

    (verdict,) = judge(mixed_up)

    assert isinstance(verdict, Permanent)
    assert verdict.reason == "wrong_signal"


def test_who_sends_one_signal_as_another_is_told_where_it_belongs() -> None:
    mixed_up = Request(TRACES, PROTOBUF, body(ONE_OF_EACH[LOGS], PROTOBUF), TIME_NS, "otlp")

    (verdict,) = judge(mixed_up)

    assert str(verdict) == (
        "the body holds logs, but came as traces. Send it to /v1/logs "
        "(OTEL_EXPORTER_OTLP_LOGS_ENDPOINT), or call LogsService."
    )


@pytest.mark.parametrize("name", DECEPTIVE)
def test_one_signal_that_decodes_as_another_is_refused(name: str) -> None:
    held, came = DECEPTIVE[name]

    (verdict,) = judge(Request(came, PROTOBUF, held.SerializeToString(), TIME_NS, "otlp"))

    assert isinstance(verdict, Permanent)
    assert verdict.reason == "wrong_signal"


@pytest.mark.parametrize("capture", captures("*/basic*/*"), ids=lambda c: c.name)
@pytest.mark.parametrize("shift", [1, 2])
def test_nothing_an_agent_sends_is_taken_as_another_signal(capture: Capture, shift: int) -> None:
    signals = list(Signal)
    mixed_up = [
        Request(
            signals[(signals.index(one.signal) + shift) % 3],
            one.encoding,
            one.body,
            TIME_NS,
            "otlp",
        )
        for one in capture.requests()
    ]

    verdicts = judge(*mixed_up)

    assert {getattr(verdict, "reason", "taken") for verdict in verdicts} == {"wrong_signal"}


def test_json_of_two_signals_is_taken_as_the_one_it_came_as() -> None:
    spans_told = [{"scopeSpans": [{"spans": [{"name": "without ids"}]}]}]
    both = {"resourceLogs": [{"scopeLogs": []}], "resourceSpans": spans_told}

    (verdict,) = judge(sent(TRACES, both))

    assert isinstance(verdict, Taken)
    assert (verdict.records, verdict.rejected) == (0, 1)


@pytest.mark.parametrize("encoding", Encoding)
def test_a_signal_sent_as_another_does_no_harm_to_its_neighbours(encoding: Encoding) -> None:
    good = [
        Request(LOGS, encoding, body(logs([log({"n": n})]), encoding), TIME_NS, "otlp")
        for n in range(4)
    ]
    mixed_up = Request(LOGS, encoding, body(ONE_OF_EACH[TRACES], encoding), TIME_NS, "otlp")

    verdicts = judge(*good[:2], mixed_up, *good[2:], mixed_up)

    assert [getattr(one, "reason", one) for one in verdicts] == [
        *[Taken(1)] * 2,
        "wrong_signal",
        *[Taken(1)] * 2,
        "wrong_signal",
    ]
    assert len(rows_of([*good[:2], *good[2:]])) == 4


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(
    ("encoding", "empty"), [(PROTOBUF, b""), (PROTOBUF, b"\x0a\x00"), (JSON, b"{}")]
)
def test_an_empty_request_is_a_success(signal: Signal, encoding: Encoding, empty: bytes) -> None:
    (verdict,) = judge(Request(signal, encoding, empty, TIME_NS, "otlp"))

    assert verdict == Taken(0)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("signal", Signal)
def test_a_body_without_mistakes_gets_no_words(signal: Signal, encoding: Encoding) -> None:
    (verdict,) = judge(
        Request(signal, encoding, body(ONE_OF_EACH[signal], encoding), TIME_NS, "otlp")
    )

    assert verdict == Taken(1)


@pytest.mark.parametrize("capture", captures(), ids=lambda c: c.name)
def test_no_agent_gets_words(capture: Capture) -> None:
    verdicts = judge(*capture.requests())

    assert {one.message for one in verdicts if isinstance(one, Taken)} == {""}


@pytest.mark.parametrize("signal", Signal)
def test_of_a_body_in_snake_case_nothing_is_taken_and_that_is_told(signal: Signal) -> None:
    told = ONE_OF_EACH[signal]
    snake = json_format.MessageToJson(told, preserving_proto_field_name=True).encode()

    (verdict,) = judge(Request(signal, JSON, snake, TIME_NS, "otlp"))

    assert isinstance(verdict, Taken)
    assert (verdict.records, verdict.rejected) == (0, 0)
    first = told.DESCRIPTOR.fields[0]
    assert verdict.message.startswith(
        "Nothing was taken from the body: keys in snake_case are unknown to OTLP/JSON and were "
        f"ignored: `{first.name}` (write `{first.json_name}`), "
    )


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            {"time_unix_nano": "1795169696914000000", "severityText": "INFO"},
            "`time_unix_nano` (write `timeUnixNano`)",
        ),
        (
            {"timeUnixNano": "1", "trace_id": HEX_TRACE, "span_id": HEX_SPAN},
            "`trace_id` (write `traceId`), `span_id` (write `spanId`)",
        ),
        (
            {"timeUnixNano": "1", "attributes": [{"key": "k", "value": {"string_value": "v"}}]},
            "`string_value` (write `stringValue`)",
        ),
        ({"timeUnixNano": "1", "event_name": "x"}, "`event_name` (write `eventName`)"),
    ],
)
def test_a_key_in_snake_case_deep_in_a_body_is_told(record: dict[str, Any], words: str) -> None:
    (verdict,) = judge(sent_log(record))

    assert verdict == Taken(
        1, 0, f"Keys in snake_case are unknown to OTLP/JSON and were ignored: {words}."
    )


@pytest.mark.parametrize(
    ("signal", "told", "words"),
    [
        (LOGS, {"resourceLogs": [{"scope_logs": []}]}, "`scope_logs` (write `scopeLogs`)"),
        (
            METRICS,
            {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": {"data_points": []}}]}]}]},
            "`data_points` (write `dataPoints`)",
        ),
    ],
)
def test_an_envelope_in_snake_case_is_told(signal: Signal, told: Any, words: str) -> None:
    (verdict,) = judge(sent(signal, told))

    assert isinstance(verdict, Taken)
    assert words in verdict.message


def test_what_a_rejected_span_spelt_wrongly_is_told_with_its_rejection() -> None:
    wrong = {"trace_id": HEX_TRACE, "spanId": HEX_SPAN, "startTimeUnixNano": "1"}

    (verdict,) = judge(sent(TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": [wrong]}]}]}))

    assert isinstance(verdict, Taken)
    assert verdict.rejected == 1
    assert verdict.message.endswith(
        "write them in hex. Keys in snake_case are unknown to OTLP/JSON and were ignored: "
        "`trace_id` (write `traceId`)."
    )


@pytest.mark.parametrize(
    "record",
    [
        {"body": {"stringValue": '{"trace_id": "0"}, "time_unix_nano": 1'}},
        {"attributes": [{"key": "trace_id", "value": {"stringValue": "0"}}]},
        {"attributes": [{"key": "k", "value": {"stringValue": "trace_id"}}]},
        {"my_extension": 1},
    ],
)
def test_snake_case_in_values_attribute_keys_and_unknown_keys_is_no_mistake(
    record: dict[str, Any],
) -> None:
    (verdict,) = judge(sent_log({"timeUnixNano": "1"} | record))

    assert verdict == Taken(1)


def test_a_log_record_with_ids_in_base64_is_taken_without_them_and_that_is_told() -> None:
    wrong = sent_log({"timeUnixNano": "1", "traceId": BASE64_TRACE, "spanId": BASE64_SPAN})

    (verdict,) = judge(wrong)

    (row,) = rows_of([wrong])
    assert verdict == Taken(1, 0, IN_BASE64)
    assert (row["trace_id"], row["span_id"]) == (None, None)


def test_a_span_with_ids_in_base64_is_rejected_with_the_reason() -> None:
    wrong = {"traceId": BASE64_TRACE, "spanId": BASE64_SPAN, "startTimeUnixNano": "1"}

    (verdict,) = judge(sent(TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": [wrong]}]}]}))

    assert isinstance(verdict, Taken)
    assert (verdict.records, verdict.rejected) == (0, 1)
    assert verdict.message.endswith(IN_BASE64)


@pytest.mark.parametrize(
    "attribute",
    [
        KeyValue(key_strindex=3, value=AnyValue(string_value="v")),
        KeyValue(key="k", value=AnyValue(string_value_strindex=4)),
        KeyValue(key_strindex=3, value=AnyValue(string_value_strindex=4)),
    ],
)
@pytest.mark.parametrize("encoding", Encoding)
def test_attributes_by_index_are_taken_as_absent_with_a_warning(
    attribute: KeyValue, encoding: Encoding
) -> None:
    told = logs([log({"a": 1}, attributes=[*pairs({"a": 1}), attribute])])

    (verdict,) = judge(Request(LOGS, encoding, body(told, encoding), TIME_NS, "otlp"))

    assert verdict == Taken(1, 0, BY_INDEX)


def test_attributes_by_index_of_resources_scopes_and_span_events_are_told() -> None:
    attribute = KeyValue(key_strindex=3, value=AnyValue(string_value="v"))
    of_resource: Any = spans([span({})])
    of_resource.resource_spans[0].resource.CopyFrom(Resource(attributes=[attribute]))
    of_scope: Any = spans([span({})])
    of_scope.resource_spans[0].scope_spans[0].scope.attributes.append(attribute)
    of_event = spans([span({}, events=[Span.Event(name="e", attributes=[attribute])])])
    of_none = spans([span({})])

    verdicts = judge(*map(request, [of_resource, of_none, of_scope, of_event]))

    assert verdicts == [
        Taken(1, 0, BY_INDEX),
        Taken(1),
        Taken(1, 0, BY_INDEX),
        Taken(1, 0, BY_INDEX),
    ]


def test_an_attribute_without_a_value_is_no_mistake() -> None:
    (verdict,) = judge(request(logs([log({"a": None, "": "no key"})])))

    assert verdict == Taken(1)


def test_of_a_body_too_large_to_read_twice_indices_are_not_told() -> None:
    attribute = KeyValue(key="k", value=AnyValue(string_value_strindex=4))
    large = log({"text": "x" * (5 << 20)})
    large.attributes.append(attribute)

    (verdict,) = judge(request(logs([large])))

    assert verdict == Taken(1)


def test_bytes_that_are_no_message_have_no_indices() -> None:
    found = has_string_indices(LOGS, b"\xff", of_keys=True)

    assert found is False


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (b'{"hello": "world"}', "`hello`"),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecord": [{"body": 1}]}]}]}', "`logRecord`"),
        (b'{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}', "`a`, `b`, `c`, `d`, `e`"),
    ],
)
def test_a_body_of_unknown_keys_alone_is_a_success_with_a_warning(body: bytes, keys: str) -> None:
    (verdict,) = judge(Request(LOGS, JSON, body, TIME_NS, "otlp"))

    assert verdict == Taken(
        0,
        0,
        "Nothing was taken from the body: it holds no logs as OTLP/JSON writes them, and keys "
        f"that are unknown there: {keys}.",
    )
