"""Payloads are what an agent sends, and no record of a run is like another."""

import json

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentpond.pipeline.core.signal import Encoding, Signal
from benches.decoding import events_of
from benches.payloads import Load, as_json


def _records(body: bytes) -> list[dict[str, object]]:
    request = ExportLogsServiceRequest.FromString(body)
    return [
        {
            each.key: getattr(each.value, str(each.value.WhichOneof("value")))
            for each in record.attributes
        }
        for record in request.resource_logs[0].scope_logs[0].log_records
    ]


def test_a_request_is_a_message_of_the_official_classes() -> None:
    body = Load(7).body(0)

    message = ExportLogsServiceRequest.FromString(body)

    assert message.SerializeToString() == body


def test_a_record_has_the_attributes_and_size_of_a_real_one() -> None:
    body = Load(1000).body(0)

    records = _records(body)

    assert (len(records), len(records[0]), len(body) // 10_000) == (1000, 18, 65)


def test_the_same_seed_gives_the_same_bytes() -> None:
    load = Load(10, seed=3)

    bodies = [load.body(4), load.body(4)]

    assert bodies[0] == bodies[1]


def test_no_event_of_a_run_has_the_id_of_another() -> None:
    loads = [Load(100), Load(100, seed=1), Load(10, seed=2)]

    bodies = [body for load in loads for body in load.bodies(20)]

    events = events_of(bodies).events
    assert (events.num_rows, len(events.column("event_id").unique())) == (4200, 4200)


def test_every_event_is_an_api_request_of_claude_code() -> None:
    body = Load(50).body(0)

    events = events_of([body]).events

    kinds = (events.column("agent").unique(), events.column("event_type").unique())
    assert [kind.to_pylist() for kind in kinds] == [["claude_code"], ["api_request"]]


def test_numbers_come_out_as_they_were_put_in() -> None:
    body = Load(50).body(2)

    events = events_of([body]).events

    told = [record["output_tokens"] for record in _records(body)]
    assert events.column("output_tokens").to_pylist() == told


def test_json_tells_the_same_events_as_protobuf() -> None:
    body = Load(20).body(1)

    told = events_of([as_json(body)], Encoding.JSON).events

    assert told.equals(events_of([body]).events)


def test_json_writes_whole_numbers_as_numbers() -> None:
    body = Load(1).body(0)

    told = json.loads(as_json(body))

    attributes = told["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"]
    assert {"key": "event.sequence", "value": {"intValue": 16384}} in attributes


def test_the_signal_is_logs() -> None:
    body = Load(1).body(0)

    events = events_of([body]).events

    assert events.column("signal").to_pylist() == [Signal.LOGS]
