"""Send what no exporter should: it harms nothing but its own request."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import grpc
import pytest
from google.rpc.status_pb2 import Status

from agentpond.pipeline.core.signal import Encoding, Request, Signal

from .senders import numbered, send_grpc
from .served import Served, rows

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MIB = 1 << 20
NOISE = random.Random(7).randbytes(1000)  # noqa: S311 - noise, not a secret


async def hundred_megabytes() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield bytes(MIB)


def bomb() -> bytes:
    return gzip.compress(bytes(200 * MIB), 9)


# name: (content type, content encoding, body, status, reason)
BAD = {
    "broken gzip": (PROTOBUF, "gzip", b"\x1f\x8b not gzip at all", 400, "broken_gzip"),
    "truncated gzip": (PROTOBUF, "gzip", gzip.compress(NOISE)[:500], 400, "broken_gzip"),
    "a gzip bomb": (PROTOBUF, "gzip", bomb(), 413, "too_large"),
    "random bytes": (PROTOBUF, "", b"\xff" + NOISE, 400, "invalid_protobuf"),
    "truncated protobuf": (PROTOBUF, "", numbered("cut", 1).body[:-3], 400, "invalid_protobuf"),
    "random bytes as JSON": (JSON, "", NOISE, 400, "invalid_json"),
    "JSON nested 10,000 deep": (
        JSON,
        "",
        b'{"unknown":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        400,
        "nested_too_deep",
    ),
    "a wrong content type": ("text/csv", "", b"a,b", 415, "bad_content_type"),
    "an unknown content encoding": (PROTOBUF, "br", b"abc", 415, "bad_encoding"),
    "100 MB": (PROTOBUF, "", None, 413, "too_large"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("bad")) as served:
        yield served


async def post(service: Served, name: str) -> tuple[int, str, bytes]:
    """Send one of the bad requests; give the answer's status, type and body."""
    kind, encoding, body, _, _ = BAD[name]
    headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
    data = hundred_megabytes() if body is None else body
    url = f"http://{service.http}/v1/logs"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=data, headers=headers) as answer,
    ):
        return answer.status, answer.content_type, await answer.read()


@pytest.mark.parametrize("name", BAD)
async def test_bad_requests_get_an_error_in_words_in_their_encoding(
    service: Served, name: str
) -> None:
    kind, _, _, expected, reason = BAD[name]
    refused = "agentpond_receiver_refused_requests_total"
    label = f'{{reason="{reason}",receiver="otlp",transport="http"}}'
    before = service.counted(refused).get(label, 0.0)

    status, answered, body = await post(service, name)

    message = json.loads(body)["message"] if kind == JSON else Status.FromString(body).message
    assert (status, answered) == (expected, JSON if kind == JSON else PROTOBUF)
    assert len(message) > 30
    assert service.counted(refused)[label] == before + 1


async def test_bad_protobuf_over_grpc_is_an_invalid_argument(service: Served) -> None:
    async with grpc.aio.insecure_channel(service.grpc) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await send_grpc(
                channel, Request(Signal.TRACES, Encoding.PROTOBUF, b"\xff\xff\xff", 0, "")
            )

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "protobuf" in (refused.value.details() or "")


async def go_away_half_way(service: Served) -> None:
    """Announce a body, send a part of it, and hang up."""
    host, _, port = service.http.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\n"
    writer.write(f"{head}Content-Length: 5000\r\n\r\nabc".encode())
    await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_the_records_of_others_are_all_there(tmp_path: Path) -> None:
    with Served(tmp_path) as service:
        async with grpc.aio.insecure_channel(service.grpc) as channel:
            good = [send_grpc(channel, numbered("good", number)) for number in range(50)]
            bad = [post(service, name) for name in BAD]
            gone = [go_away_half_way(service) for _ in range(5)]

            answers = await asyncio.gather(*good, *bad, *gone)

        service.stop()
    assert answers[:50] == [b""] * 50
    assert rows(tmp_path, "SELECT count(*) FROM events") == [(150,)]
