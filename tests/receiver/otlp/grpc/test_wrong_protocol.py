"""What is spoken to the gRPC port by mistake: HTTP, TLS, or plain text where TLS is due."""

import asyncio
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from aiohttp import ClientConnectorError, ClientSession
from google.rpc import status_pb2
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from agentpond.pipeline.core.counters import REFUSED_REQUESTS

from ..http.support import HEAD, LOGS
from ..support import EXPORTS, JSON, PROTOBUF, connected, running
from .support import asked, certified

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    return certified(tmp_path, authority)


async def test_http_is_told_in_json_where_its_port_is() -> None:
    async with running() as service, ClientSession() as client:
        response = await client.post(f"http://{service.grpc}/v1/logs", data=b"{}", headers=JSON)
        message = json.loads(await response.read())["message"]

        assert response.status == 400
        assert f"set OTEL_EXPORTER_OTLP_ENDPOINT={service.http}" in message
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in message
        labels = {"receiver": "otlp", "transport": "grpc", "reason": "wrong_protocol"}
        assert service.counters.total(REFUSED_REQUESTS, **labels) == 1


async def test_http_is_told_in_protobuf_too() -> None:
    async with running(grpc={}) as service, ClientSession() as client:
        response = await client.post(f"http://{service.grpc}/", data=b"x", headers=PROTOBUF)
        status = status_pb2.Status.FromString(await response.read())

        assert response.headers["Content-Type"] == "application/x-protobuf"
        assert "no OTLP/HTTP port is open here" in status.message


async def test_the_python_exporter_shows_its_user_what_to_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as service:
        provider = TracerProvider()
        exporter = OTLPSpanExporter(f"http://{service.grpc}/v1/traces")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        await asyncio.to_thread(provider.get_tracer("test").start_span("work").end)
        await asyncio.to_thread(provider.shutdown)

        (said,) = [each for each in caplog.messages if "Failed to export" in each]
        assert f"OTEL_EXPORTER_OTLP_ENDPOINT={service.http}" in said


async def test_a_large_body_is_read_away_so_that_the_answer_is_read() -> None:
    async with running(grpc={}) as service, ClientSession() as client:
        url = f"http://{service.grpc}/v1/logs"
        response = await client.post(url, data=io.BytesIO(bytes(32 * MIB)), headers=JSON)

        assert response.status == 400


async def test_who_sends_more_than_any_body_may_have_is_cut_off() -> None:
    config = {"max_request_bytes": "1MiB"}
    async with running(grpc=config) as service, connected(service.grpc) as (_, writer):
        writer.write(HEAD + b"Content-Length: 1000000000000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()

        assert service.refused == {"wrong_protocol": 1}


async def test_a_body_that_is_never_sent_is_not_waited_for_for_ever() -> None:
    config = {"read_timeout_s": 0.1}
    async with running(grpc=config) as service, connected(service.grpc) as (reader, writer):
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        answer = await reader.read()

        assert answer.startswith(b"HTTP/1.1 400 Bad Request: This is the OTLP/gRPC port")


async def test_a_mistake_is_told_once_for_a_peer(caplog: pytest.LogCaptureFixture) -> None:
    async with running(grpc={}) as service:
        for _ in range(3):
            await asked(service, LOGS)

        (said,) = caplog.messages
        assert said.startswith("wrong_protocol from 127.0.0.1 (told once): This is the OTLP/gRPC")
        assert service.refused == {"wrong_protocol": 3}


async def test_a_tls_hello_on_a_plain_port_is_answered_in_the_clear_and_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(grpc={}) as service, ClientSession() as client:
        with pytest.raises(ClientConnectorError, match=r"(?i)wrong.version.number"):
            await client.post(f"https://{service.grpc}/v1/logs", data=b"{}", headers=JSON)

        assert service.refused == {"wrong_protocol": 1}
        assert "protocols.grpc.tls" in caplog.text


async def test_grpc_with_tls_on_a_plain_port_fails_and_is_told_in_the_log(
    authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(grpc={}) as service:
        credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        error = await call(grpc.aio.secure_channel(service.grpc, credentials))

        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert "This port speaks plain gRPC, and a TLS hello came. Use http://" in caplog.text


async def call(channel: grpc.aio.Channel) -> grpc.aio.AioRpcError:
    """Call an Export method, which has to fail."""
    untyped: Any = channel
    async with channel:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await untyped.unary_unary(EXPORTS["logs"])(bytes(100_000), timeout=20)
    return told.value


async def test_plain_grpc_on_a_tls_port_is_told_to_use_https(tls: dict[str, Any]) -> None:
    async with running(grpc=tls) as service:
        error = await call(grpc.aio.insecure_channel(service.grpc))

        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "This port speaks TLS, and plain text came. Use https://" in (error.details() or "")
        assert service.refused == {"wrong_protocol": 1}


async def test_plain_http_on_a_tls_port_is_told_both_ways_out(tls: dict[str, Any]) -> None:
    async with running(grpc=tls, http=tls) as service:
        answer = await asked(service, LOGS)

        own = service.http.replace("http://", "https://")
        assert answer.status == 400
        assert f"set OTEL_EXPORTER_OTLP_ENDPOINT={own}" in answer.message
        assert "PROTOCOL=grpc, and https:// in OTEL_EXPORTER_OTLP_ENDPOINT" in answer.message


async def test_without_the_front_door_grpc_answers_in_its_own_way() -> None:
    config = {"answer_other_protocols": False}
    async with running(grpc=config) as service, connected(service.grpc) as (reader, writer):
        writer.write(LOGS)
        said = await reader.read()

        assert not said.startswith(b"HTTP/1.1")
        assert service.refused == {}
