"""OTLP/HTTP over real sockets: what is taken, and how it is answered."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from aiohttp import ClientSession
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from agentpond.pipeline.core.counters import ACCEPTED, REFUSED_RECORDS
from agentpond.pipeline.core.signal import Accepted, Encoding, Request, Signal

from .support import GZIP, JSON, PROTOBUF, Taker, connected, logs_body, running


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize(
    ("headers", "encoding", "answer"), [(PROTOBUF, "protobuf", b""), (JSON, "json", b"{}")]
)
async def test_every_signal_in_every_encoding_reaches_accept_as_it_came(
    signal: str, headers: dict[str, str], encoding: str, answer: bytes
) -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post(f"/v1/{signal}", data=b"the body", headers=headers)

        assert (response.status, await response.read()) == (200, answer)
        assert response.headers["Content-Type"] == headers["Content-Type"]
        assert service.take.requests == [
            Request(
                Signal(signal), Encoding(encoding), b"the body", 1_700_000_000_000_000_000, "otlp"
            )
        ]


@pytest.mark.parametrize("size", [0, 1, 1000, 5_000_000])
async def test_gzip_is_inflated_whatever_the_size(size: int) -> None:
    body = b"x" * size
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=gzip.compress(body), headers=GZIP)

        assert response.status == 200
        assert service.take.bodies == [body]


async def test_an_empty_request_succeeds() -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"", headers=PROTOBUF)

        assert response.status == 200
        assert service.take.bodies == [b""]


async def test_a_chunked_body_is_put_together() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b"%d" % number * 100_000

    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=chunks(), headers=PROTOBUF)

        assert response.status == 200
        assert [len(body) for body in service.take.bodies] == [500_000]


async def test_a_content_type_may_have_parameters_and_any_case() -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"{}", headers=headers)

        assert (response.status, await response.read()) == (200, b"{}")
        assert response.headers["Content-Type"] == "application/json"


async def test_a_body_over_aiohttps_own_limit_is_taken() -> None:
    body = logs_body(200_000)
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=BytesIO(body), headers=PROTOBUF)

        assert response.status == 200
        assert service.take.bodies == [body]


async def test_partial_success_is_told_and_counted() -> None:
    take = Taker(Accepted(position=0, records=7, rejected=2, message="2 had no id"))
    async with running(take, http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"x", headers=PROTOBUF)

        told = ExportLogsServiceResponse.FromString(await response.read()).partial_success
        assert (told.rejected_log_records, told.error_message) == (2, "2 had no id")
        labels = {"receiver": "otlp", "transport": "http", "signal": "logs"}
        assert service.counters.total(ACCEPTED, **labels) == 7
        assert service.counters.total(REFUSED_RECORDS, **labels) == 2


async def test_one_connection_carries_a_hundred_requests() -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        for number in range(100):
            writer.write(
                b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 3\r\n\r\n%03d" % number
            )
            answer = await reader.readuntil(b"\r\n\r\n{}")
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")

        assert service.take.bodies == [b"%03d" % number for number in range(100)]


async def test_requests_of_32_clients_are_in_hand_at_once() -> None:
    take = Taker(wait=asyncio.Barrier(32).wait)
    async with running(take, http={}) as service, ClientSession(service.http) as client:
        posts = [client.post("/v1/logs", data=b"x", headers=PROTOBUF) for _ in range(32)]
        responses = await asyncio.gather(*posts)

        assert [response.status for response in responses] == [200] * 32


async def test_a_body_that_comes_byte_by_byte_is_taken() -> None:
    body = json.dumps({"resourceLogs": []}).encode()
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(
            b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        for at in range(len(body)):
            writer.write(body[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        await reader.readuntil(b"\r\n\r\n{}")

        assert service.take.bodies == [body]


async def test_http_1_0_is_served() -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(
            b"POST /v1/logs HTTP/1.0\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\n\r\n{}"
        )
        answer = await reader.read()

        assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\n{}")


async def test_a_client_that_expects_100_continue_is_asked_for_its_body() -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(
            b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"{}")
        answer = await reader.readuntil(b"\r\n\r\n{}")

        assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
