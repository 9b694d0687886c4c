"""OTLP/HTTP over real sockets: what is refused, how it is told, and that it is counted."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from google.rpc import status_pb2

from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.signal import Accepted

from .support import GZIP, JSON, PROTOBUF, Running, Taker, connected, running

BOMB = gzip.compress(bytes(100_000_000), compresslevel=1)
HEAD = b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"


async def message_of(response: ClientResponse) -> str:
    body = await response.read()
    if response.headers["Content-Type"] == "application/json":
        return str(json.loads(body)["message"])
    assert response.headers["Content-Type"] == "application/x-protobuf"
    return str(status_pb2.Status.FromString(body).message)


async def raw_answer(service: Running, request: bytes) -> tuple[bytes, str]:
    async with connected(service.http) as (reader, writer):
        writer.write(request)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], str(status_pb2.Status.FromString(body).message)


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON], ids=["protobuf", "json"])
@pytest.mark.parametrize(
    ("headers", "body", "status", "reason", "words"),
    [
        ({"Content-Encoding": "gzip"}, b"garbage", 400, "broken_gzip", "not gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"x" * 99)[:-9], 400, "broken_gzip", "ends"),
        ({"Content-Encoding": "gzip"}, BOMB, 413, "too_large", "more than 67108864 bytes"),
        ({"Content-Encoding": "zstd"}, b"x", 415, "bad_encoding", "Send gzip"),
    ],
    ids=["no gzip", "cut gzip", "bomb", "zstd"],
)
async def test_a_bad_body_is_refused_in_its_own_encoding_and_counted_once(
    encoding: dict[str, str],
    headers: dict[str, str],
    body: bytes,
    status: int,
    reason: str,
    words: str,
) -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=body, headers={**encoding, **headers})

        assert response.status == status
        assert response.headers["Content-Type"] == encoding["Content-Type"]
        assert words in await message_of(response)
        assert service.refused == {reason: 1}
        assert service.take.bodies == []


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (Permanent("truncated at byte 7", reason="invalid_protobuf"), 400, {}),
        (Permanent("over the limit", reason="too_large"), 413, {}),
        (Retryable("log full", retry_after_s=7, reason="log_full"), 503, {"Retry-After": "7"}),
        (ZeroDivisionError("a bug"), 503, {"Retry-After": "5"}),
    ],
    ids=["permanent", "too large", "retryable", "bug"],
)
async def test_what_accept_raises_is_answered_and_counted(
    error: Exception, status: int, headers: dict[str, str]
) -> None:
    take = Taker(error)
    async with running(take, http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"x", headers=JSON)

        assert response.status == status
        assert headers.items() <= response.headers.items()
        assert await message_of(response) != ""
        assert service.refused == {getattr(error, "reason", "bug"): 1}


async def test_a_bug_is_logged_with_its_traceback_and_not_told_to_the_sender(
    caplog: pytest.LogCaptureFixture,
) -> None:
    take = Taker(ZeroDivisionError("a secret"))
    async with running(take, http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"x", headers=JSON)

        assert "secret" not in await message_of(response)
        assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_an_answer_that_cannot_be_written_is_to_be_asked_for_again() -> None:
    take = Taker(Accepted(position=0, records=1, rejected=2**70))
    async with running(take, http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"x", headers=JSON)

        assert response.status == 503
        assert "failed unexpectedly" in await message_of(response)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason", "words"),
    [
        ("POST", "/v1/trace", 404, "not_found", "POST to /v1/traces, /v1/metrics, /v1/logs"),
        ("POST", "/", 404, "not_found", "POST to /v1/traces, /v1/metrics, /v1/logs"),
        ("GET", "/v1/traces", 405, "bad_method", "takes POST only"),
        ("PUT", "/v1/logs", 405, "bad_method", "takes POST only"),
    ],
)
async def test_a_wrong_door_is_told_the_right_one(
    method: str, path: str, status: int, reason: str, words: str
) -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.request(method, path, data=b"x", headers=JSON)

        assert response.status == status
        assert words in await message_of(response)
        assert response.headers.get("Allow") == ("POST" if status == 405 else None)
        assert service.refused == {reason: 1}


async def test_a_browser_is_answered_in_words() -> None:
    headers = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.get("/", headers=headers)

        assert (response.status, response.headers["Content-Type"]) == (404, "application/json")
        assert "POST to /v1/traces" in await message_of(response)


@pytest.mark.parametrize(
    ("accept", "told_in"),
    [("application/json", "application/json"), ("*/*", "application/x-protobuf")],
)
async def test_an_unknown_content_type_is_answered_as_accept_says(
    accept: str, told_in: str
) -> None:
    headers = {"Content-Type": "text/plain", "Accept": accept}
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"x", headers=headers)

        assert (response.status, response.headers["Content-Type"]) == (415, told_in)
        assert "Send application/x-protobuf or application/json" in await message_of(response)
        assert service.refused == {"bad_content_type": 1}


async def test_a_body_longer_than_it_may_be_is_refused_by_its_length_alone() -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD + b"Content-Length: 100000000\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 413 ")
        assert service.refused == {"too_large": 1}


async def test_a_100_mb_body_without_a_length_is_refused_on_the_way() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(1_000_000)

    config = {"max_request_bytes": "8MiB"}
    async with running(http=config) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=endless(), headers=PROTOBUF)

        assert response.status == 413
        assert "more than 8388608 bytes" in await message_of(response)
        assert service.refused == {"too_large": 1}


async def test_a_client_that_expects_100_continue_is_refused_before_it_sends() -> None:
    config = {"max_request_bytes": 1000}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_a_client_gone_half_way_leaves_nothing_but_a_count(framing: bytes) -> None:
    async with running(http={}) as service, ClientSession(service.http) as other:
        async with connected(service.http) as (_, writer):
            writer.write(HEAD + framing + b"\r\n\r\n5\r\nhello\r\n")
            await writer.drain()
            await other.post("/v1/logs", data=b"others", headers=PROTOBUF)
        await service.receiver.stop()

        assert service.refused == {"client_gone": 1}
        assert service.take.bodies == [b"others"]


async def test_a_body_that_does_not_come_in_time_is_to_be_sent_again() -> None:
    config = {"read_timeout_s": 0.01}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD + b"Content-Length: 100\r\n\r\nhello")
        head = await reader.readuntil(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 503 ")
        assert service.refused == {"slow_body": 1}


@pytest.mark.parametrize(
    ("request_bytes", "words"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n", "chunk size"),
        (HEAD + b"Content-Length: -1\r\n\r\n", "Content-Length"),
        (bytes(range(256)), "Not a well-formed HTTP request"),
    ],
    ids=["chunks", "length", "bytes"],
)
async def test_what_is_not_http_is_told_so(request_bytes: bytes, words: str) -> None:
    async with running(http={}) as service:
        line, message = await raw_answer(service, request_bytes)

        assert line.startswith(b"HTTP/1.1 400 Bad Request: ")
        assert words in message
        assert service.refused == {"bad_http": 1}


async def test_bad_requests_do_not_harm_those_of_others_at_the_same_moment() -> None:
    bad: list[dict[str, Any]] = [
        {"data": b"garbage", "headers": GZIP},
        {"data": BOMB, "headers": GZIP},
        {"data": b"x", "headers": {"Content-Type": "text/plain"}},
        {"data": bytes(900_000), "headers": PROTOBUF},
    ]
    config = {"max_request_bytes": 800_000}
    async with running(http=config) as service, ClientSession(service.http) as client:
        good = [client.post("/v1/logs", data=b"good", headers=PROTOBUF) for _ in range(12)]
        refused = [client.post("/v1/logs", **each) for each in bad * 3]
        responses = await asyncio.gather(*good, *refused)

        assert [response.status for response in responses] == [200] * 12 + [400, 413, 415, 413] * 3
        assert service.take.bodies == [b"good"] * 12
        assert service.refused == {"broken_gzip": 3, "too_large": 6, "bad_content_type": 3}
