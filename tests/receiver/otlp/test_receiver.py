"""The receiver as a whole: opening, bounding, mounting, stopping."""

import asyncio
import gzip
import os
import socket
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from aiohttp import ClientSession, web
from google.rpc import status_pb2

from agentpond.pipeline.core.component import Kind, Mountable
from agentpond.pipeline.core.counters import REFUSED_REQUESTS, Counters
from agentpond.pipeline.core.errors import Permanent
from agentpond.receiver.otlp import Config, OtlpReceiver, factory

from .support import EXPORTS, GZIP, JSON, PROTOBUF, Taker, calling, connected, running, settings

ZIPPED = gzip.compress(b"zipped")
THOUSAND = {"max_request_bytes": 1000}
CLAIM = (
    b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
MOUNT_ONLY = Config.model_validate({"protocols": {}})


async def test_the_open_addresses_are_told_while_they_are_open() -> None:
    async with running() as service:
        opened = dict(service.receiver.endpoints)
        await service.receiver.stop()

        assert sorted(opened) == ["grpc", "http"]
        assert all(not told.endswith(":0") for told in opened.values())
        assert service.receiver.endpoints == {}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_a_port_that_is_taken_is_named_and_nothing_stays_open(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        free = {"grpc": {"endpoint": "127.0.0.1:0"}, "http": {"endpoint": "127.0.0.1:0"}}
        config = {"protocols": {**free, protocol: {"endpoint": taken}}}
        receiver = OtlpReceiver(Config.model_validate(config), settings())

        with pytest.raises(Permanent, match=f"{protocol}: cannot listen on {taken}") as told:
            await receiver.start(Taker())

        assert "Address already in use" in str(told.value)
        assert receiver.endpoints == {}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_two_receivers_never_share_a_port(protocol: str) -> None:
    async with running() as service:
        taken = service.receiver.endpoints[protocol]
        config = {"protocols": {protocol: {"endpoint": taken}}}
        second = OtlpReceiver(Config.model_validate(config), settings())

        with pytest.raises(Permanent, match="already in use"):
            await second.start(Taker())


async def test_stopping_is_safe_without_start_and_twice() -> None:
    receiver = OtlpReceiver(Config(), settings())

    await receiver.stop()
    await receiver.stop()

    assert receiver.endpoints == {}


async def test_stopping_finishes_what_is_in_hand_on_both_transports() -> None:
    may_end = asyncio.Event()

    async def release() -> None:
        may_end.set()

    take = Taker(wait=may_end.wait)
    async with (
        running(take) as service,
        ClientSession(service.http) as client,
        calling(service.grpc) as export,
    ):
        posted = asyncio.ensure_future(client.post("/v1/logs", data=b"h", headers=PROTOBUF))
        await take.began.wait()
        take.began.clear()
        called = asyncio.ensure_future(export(b"g"))
        await take.began.wait()
        response, answer, _, _ = await asyncio.gather(
            posted, called, service.receiver.stop(), release()
        )

        assert (response.status, answer) == (200, b"")
        assert sorted(take.bodies) == [b"g", b"h"]


async def test_what_does_not_end_in_time_is_cut_off() -> None:
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with running(take, http={}, stop_timeout_s=0.01) as service:
        async with connected(service.http) as (_, writer):
            writer.write(
                b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\n\r\n{}"
            )
            await take.began.wait()
            await service.receiver.stop()

        assert take.bodies == []


@pytest.mark.parametrize(
    "bound",
    [{"max_requests_in_hand": 1}, {"max_bytes_in_hand": 1000}],
    ids=["requests", "bytes"],
)
async def test_more_than_can_be_held_is_to_be_sent_again(bound: dict[str, Any]) -> None:
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with (
        running(take, grpc=THOUSAND, http=THOUSAND, **bound) as service,
        ClientSession(service.http) as client,
        calling(service.grpc) as export,
    ):
        first = asyncio.ensure_future(client.post("/v1/logs", data=bytes(1000), headers=JSON))
        await take.began.wait()
        response = await client.post("/v1/logs", data=b"x", headers=JSON)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await export(b"x")
        may_end.set()
        await first

        assert response.status == 503
        assert response.headers["Retry-After"] in {"2", "3", "4"}
        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
        assert service.refused == {"busy": 2}


async def test_a_claimed_length_for_which_there_is_no_room_is_refused_before_it_comes() -> None:
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with (
        running(take, http=THOUSAND, max_bytes_in_hand=1000) as service,
        ClientSession(service.http) as client,
        connected(service.http) as (reader, writer),
    ):
        first = asyncio.ensure_future(client.post("/v1/logs", data=b"x", headers=JSON))
        await take.began.wait()
        writer.write(CLAIM % 1000)
        head = await reader.readuntil(b"\r\n\r\n")
        may_end.set()
        await first

        assert head.startswith(b"HTTP/1.1 503 ")


async def test_lengths_that_are_only_claimed_shut_out_nobody() -> None:
    async with (
        running() as service,
        ClientSession(service.http) as client,
        AsyncExitStack() as claiming,
    ):
        for _ in range(5):
            reader, writer = await claiming.enter_async_context(connected(service.http))
            writer.write(CLAIM.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") % 67108864)
            await reader.readuntil(b"\r\n\r\n")
        response = await client.post("/v1/logs", data=b"x", headers=JSON)

        assert response.status == 200
        assert service.refused == {}


async def test_bytes_are_held_as_they_come() -> None:
    async with (
        running(http=THOUSAND, max_bytes_in_hand=1000) as service,
        ClientSession(service.http) as client,
        connected(service.http) as (_, writer),
    ):
        writer.write(CLAIM % 1000 + bytes(600))
        async with asyncio.timeout(20):
            # Until the receiver has seen the 600, another request fits beside them.
            while (await client.post("/v1/logs", data=bytes(600), headers=JSON)).status == 200:
                pass
        response = await client.post("/v1/logs", data=bytes(400), headers=JSON)

        assert response.status == 200
        assert service.refused == {"busy": 1}


async def test_a_body_that_does_not_come_in_time_gives_its_place_to_others() -> None:
    config = {"read_timeout_s": 0.01}
    async with (
        running(http=config, max_requests_in_hand=1) as service,
        ClientSession(service.http) as client,
        connected(service.http) as (reader, writer),
    ):
        writer.write(CLAIM % 1000)
        head = await reader.readuntil(b"\r\n\r\n")
        response = await client.post("/v1/logs", data=b"x", headers=JSON)

        assert head.startswith(b"HTTP/1.1 503 ")
        assert response.status == 200


async def test_a_large_gzip_waits_for_nobody_elses_threads() -> None:
    may_end = threading.Event()
    body = os.urandom(100_000)
    async with running(http={}) as service, ClientSession(service.http) as client:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, may_end.wait)
        response = await client.post("/v1/logs", data=gzip.compress(body), headers=GZIP)
        may_end.set()
        await busy

        assert response.status == 200
        assert service.take.bodies == [body]


async def test_room_is_given_back_when_a_request_ends() -> None:
    async with (
        running(max_requests_in_hand=1) as service,
        ClientSession(service.http) as client,
    ):
        statuses = [
            (await client.post("/v1/logs", data=data, headers=GZIP)).status
            for data in (b"garbage", b"garbage")
        ]
        response = await client.post("/v1/logs", data=b"x", headers=JSON)

        assert statuses == [400, 400]
        assert response.status == 200


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def receiver(counters: Counters) -> OtlpReceiver:
    return OtlpReceiver(MOUNT_ONLY, settings(counters))


@asynccontextmanager
async def hosted(app: web.Application, **options: Any) -> AsyncIterator[ClientSession]:
    """Serve a host's application, and be its client."""
    runner = web.AppRunner(app, **options)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        async with ClientSession(f"http://127.0.0.1:{site.port}") as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("auto_decompress", [True, False])
async def test_the_http_rim_serves_under_a_prefix_whether_or_not_the_host_inflates(
    receiver: OtlpReceiver, auto_decompress: bool
) -> None:
    take, host = Taker(), web.Application()
    host.add_subapp("/otlp", receiver.http_app(take))

    async with hosted(host, auto_decompress=auto_decompress) as client:
        plain = await client.post("/otlp/v1/traces", data=b"plain", headers=PROTOBUF)
        zipped = await client.post("/otlp/v1/logs", data=ZIPPED, headers=GZIP)

    assert (plain.status, zipped.status) == (200, 200)
    assert take.bodies == [b"plain", b"zipped"]


@pytest.mark.parametrize("auto_decompress", [True, False])
async def test_the_limit_holds_for_what_the_host_inflates_too(
    counters: Counters, auto_decompress: bool
) -> None:
    config = {"protocols": {"http": {"max_request_bytes": 1000}}}
    receiver = OtlpReceiver(Config.model_validate(config), settings(counters))
    host = web.Application()
    host.add_subapp("/otlp", receiver.http_app(Taker()))

    async with hosted(host, auto_decompress=auto_decompress) as client:
        bomb = gzip.compress(bytes(5000))
        response = await client.post("/otlp/v1/logs", data=bomb, headers=GZIP)

    assert response.status == 413
    assert counters.by_label(REFUSED_REQUESTS, "reason") == {"too_large": 1}


async def test_gzip_that_the_host_cannot_inflate_is_refused_as_ours_would_be(
    receiver: OtlpReceiver, counters: Counters
) -> None:
    host = web.Application()
    host.add_subapp("/otlp", receiver.http_app(Taker()))

    async with hosted(host) as client:
        response = await client.post("/otlp/v1/logs", data=b"garbage", headers=GZIP)
        message = status_pb2.Status.FromString(await response.read()).message

    assert (response.status, response.headers["Connection"]) == (400, "close")
    assert "gzip" in message
    assert counters.by_label(REFUSED_REQUESTS, "reason") == {"broken_gzip": 1}


async def test_a_wrong_path_under_the_prefix_is_told_the_right_ones(
    receiver: OtlpReceiver, counters: Counters
) -> None:
    host = web.Application()
    host.add_subapp("/otlp", receiver.http_app(Taker()))

    async with hosted(host) as client:
        lost = await client.post("/otlp/v1/log", data=b"x", headers=PROTOBUF)
        message = status_pb2.Status.FromString(await lost.read()).message
        wrong = await client.get("/otlp/v1/logs")

    assert (lost.status, wrong.status, wrong.headers["Allow"]) == (404, 405, "POST")
    assert "POST to /otlp/v1/traces, /otlp/v1/metrics, /otlp/v1/logs" in message
    assert counters.by_label(REFUSED_REQUESTS, "reason") == {"not_found": 1, "bad_method": 1}


async def test_a_large_body_passes_a_host_with_aiohttps_own_limit(receiver: OtlpReceiver) -> None:
    take, host = Taker(), web.Application(client_max_size=1000)
    host.add_subapp("/otlp", receiver.http_app(take))

    async with hosted(host) as client:
        response = await client.post("/otlp/v1/logs", data=bytes(500_000), headers=PROTOBUF)

    assert response.status == 200
    assert [len(body) for body in take.bodies] == [500_000]


async def test_the_grpc_rim_serves_in_a_hosts_server(receiver: OtlpReceiver) -> None:
    take, server = Taker(), grpc.aio.server()
    receiver.add_to_grpc(server, take)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async with calling(f"127.0.0.1:{port}", EXPORTS["metrics"]) as export:
        answer = await export(b"x")
    await server.stop(0)

    assert answer == b""
    assert take.bodies == [b"x"]


async def test_a_mounted_rim_refuses_when_the_receiver_has_stopped(receiver: OtlpReceiver) -> None:
    app = receiver.http_app(Taker())
    await receiver.stop()

    async with hosted(app) as client:
        response = await client.post("/v1/logs", data=b"x", headers=PROTOBUF)

    assert response.status == 503


async def test_the_factory_builds_what_can_be_mounted() -> None:
    receiver = factory.build(factory.config(), settings())

    assert (factory.kind, factory.name) == (Kind.RECEIVER, "otlp")
    assert isinstance(receiver, Mountable)
