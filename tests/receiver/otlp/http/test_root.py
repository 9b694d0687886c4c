"""``POST /``: taken as the signal that the body holds, or told where to go."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession, web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from agentpond.pipeline.core.counters import ACCEPTED
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Accepted, Encoding, Signal
from agentpond.receiver.otlp import Config, OtlpReceiver
from tests.golden.captures import Capture, captures

from ..support import GZIP, JSON, PROTOBUF, Taker, connected, running, settings
from .support import message_of, until

TEXT = AnyValue(string_value="a text")
LOG = ExportLogsServiceRequest(
    resource_logs=[
        ResourceLogs(scope_logs=[ScopeLogs(log_records=[LogRecord(time_unix_nano=1, body=TEXT)])])
    ]
).SerializeToString()
HEADERS = {Encoding.PROTOBUF: PROTOBUF, Encoding.JSON: JSON}
SENT_TO_ROOT = captures("codex/base_endpoint_no_path/*", "codex/simple_chat/http-protobuf")


@pytest.mark.parametrize("capture", SENT_TO_ROOT, ids=lambda capture: capture.name)
async def test_what_codex_posts_verbatim_is_taken_as_what_it_is(capture: Capture) -> None:
    sent = capture.requests()
    async with running(http={}) as service, ClientSession(service.http) as client:
        for request in sent:
            response = await client.post(
                "/", data=BytesIO(request.body), headers=HEADERS[capture.encoding]
            )
            assert response.status == 200

        assert [(r.signal, r.body) for r in service.take.requests] == [
            (request.signal, request.body) for request in sent
        ]
        assert {r.signal for r in service.take.requests} == set(Signal)


async def test_records_are_counted_under_the_signal_they_are_of() -> None:
    take = Taker(Accepted(position=0, records=7))
    async with running(take, http={}) as service, ClientSession(service.http) as client:
        await client.post("/", data=LOG, headers=PROTOBUF)

        by_signal = service.counters.by_label(ACCEPTED, "signal")
        assert by_signal["logs"] == 7
        assert service.counters.total(ACCEPTED) == 7


@pytest.mark.parametrize(
    ("data", "headers", "status", "reason"),
    [
        (b"", JSON, 404, "not_found"),
        (b"{}", JSON, 404, "not_found"),
        (b"garbage", PROTOBUF, 404, "not_found"),
        (b"garbage", GZIP, 400, "broken_gzip"),
        (b"x", {"Content-Type": "text/plain"}, 415, "bad_content_type"),
    ],
    ids=["empty", "empty JSON", "garbage", "no gzip", "text"],
)
async def test_what_cannot_be_told_is_refused_and_counted_once(
    data: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/", data=data, headers=headers)

        assert response.status == status
        assert service.refused == {reason: 1}
        assert service.take.bodies == []


async def test_the_refusal_says_how_codex_is_set_up() -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/", data=b"{}", headers=JSON)

        message = await message_of(response)
        assert "POST to /v1/traces, /v1/metrics, /v1/logs" in message
        assert 'endpoint = "http://.../v1/logs"' in message


@pytest.mark.parametrize("error", [Permanent("no", reason="invalid_protobuf"), OSError("a bug")])
async def test_what_accept_raises_is_answered_and_counted_once(error: Exception) -> None:
    async with running(Taker(error), http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/", data=LOG, headers=PROTOBUF)

        assert response.status in {400, 503}
        assert sum(service.refused.values()) == 1


async def test_it_can_be_turned_off() -> None:
    config = {"accept_root": False}
    async with running(http=config) as service, ClientSession(service.http) as client:
        response = await client.post("/", data=LOG, headers=PROTOBUF)

        assert response.status == 404
        assert "In Codex" in await message_of(response)
        assert service.take.bodies == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_only_post_is_taken(method: str) -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.request(method, "/")

        assert response.status == 404
        assert service.refused == {"not_found": 1}


async def test_stopping_waits_for_a_body_that_is_on_its_way() -> None:
    body = LOG
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(body[:1])
        await until(lambda: service.receiver._in_hand._peers)
        stopping = asyncio.ensure_future(service.receiver.stop())
        await asyncio.sleep(0)
        writer.write(body[1:])
        answer = await reader.readuntil(b"\r\n\r\n")
        await stopping

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert service.take.bodies == [body]


@pytest.mark.parametrize("path", ["/otlp", "/otlp/"])
async def test_mounted_the_prefix_is_the_root(path: str) -> None:
    take, host = Taker(), web.Application()
    config: dict[str, Any] = {"protocols": {}}
    receiver = OtlpReceiver(Config.model_validate(config), settings())
    host.add_subapp("/otlp", receiver.http_app(take))
    runner = web.AppRunner(host)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    async with ClientSession(f"http://127.0.0.1:{site.port}") as client:
        response = await client.post(path, data=LOG, headers=PROTOBUF)
        lost = await client.post("/", data=LOG, headers=PROTOBUF)
    await runner.cleanup()

    assert (response.status, lost.status) == (200, 404)
    assert take.bodies == [LOG]
