"""Check on the running service that no record is lost without a word."""

import asyncio
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from agentpond.pipeline.core.signal import Encoding, Request, Signal

from .senders import numbered, send_grpc
from .served import Served


async def send(service: Served, requests: list[Request]) -> None:
    async with grpc.aio.insecure_channel(service.grpc) as channel:
        await asyncio.gather(*(send_grpc(channel, request) for request in requests))


def test_accepted_is_stored_and_dropped_and_still_in_the_log(tmp_path: Path) -> None:
    fresh = [numbered("a", number) for number in range(40)]
    with Served(tmp_path) as service:
        asyncio.run(send(service, [*fresh, *fresh[:15]]))

        # Numbers move from one to the other while they are read: read until nothing is between.
        while sum(service.counted("agentpond_log_records").values()):
            pass

        accepted = sum(service.counted("agentpond_receiver_accepted_records_total").values())
        sent = sum(service.counted("agentpond_exporter_sent_records_total").values())
        dropped = service.counted("agentpond_dropped_records_total")
    assert (accepted, sent) == (165, 120)
    assert dropped == {'{component="duckdb",pipeline="agents",reason="duplicate"}': 45}


def test_a_partly_rejected_request_counts_what_was_taken(tmp_path: Path) -> None:
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="good")
    spans.add(trace_id=b"short", span_id=b"s" * 8, name="bad")
    request = Request(Signal.TRACES, Encoding.PROTOBUF, message.SerializeToString(), 0, "otlp")

    with Served(tmp_path) as service:
        answer = asyncio.run(_ask(service, request))
        accepted = service.counted("agentpond_receiver_accepted_records_total")
        refused = service.counted("agentpond_receiver_refused_records_total")

    told = ExportTraceServiceResponse.FromString(answer).partial_success
    assert told.rejected_spans == 1
    assert "16 bytes" in told.error_message
    assert list(accepted.values()) == list(refused.values()) == [1.0]


async def _ask(service: Served, request: Request) -> bytes:
    async with grpc.aio.insecure_channel(service.grpc) as channel:
        return await send_grpc(channel, request)
