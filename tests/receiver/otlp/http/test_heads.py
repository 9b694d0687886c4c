"""Heads and connections: how large, how slow and how many they may be."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession

from ..support import JSON, connected, running
from .support import HEAD, LOGS, answer_of, asked, connections_of, until

KIBIBYTE = {"max_header_bytes": 1024}
QUICK = {"header_timeout_s": 0.3}


@pytest.mark.parametrize(
    "padding",
    [
        b"X: " + b"a" * 2000 + b"\r\n",
        b"".join(b"X-%d: %s\r\n" % (number, b"a" * 100) for number in range(20)),
        b"".join(b"X-%d: a\r\n" % number for number in range(200)),
    ],
    ids=["one header", "many headers", "too many headers"],
)
async def test_a_head_over_the_limit_is_refused(padding: bytes) -> None:
    async with running(http=KIBIBYTE) as service:
        answer = await asked(service, HEAD + padding + b"Content-Length: 2\r\n\r\n{}")

        assert answer.status == 431
        assert "max_header_bytes" in answer.message
        assert service.refused == {"headers_too_large": 1}
        assert service.take.bodies == []


async def test_a_first_line_over_the_limit_is_refused() -> None:
    async with running(http=KIBIBYTE) as service:
        answer = await asked(service, LOGS.replace(b"/v1/logs", b"/v1/logs?" + b"a" * 2000))

        assert answer.status == 431


async def test_a_head_that_never_ends_is_refused_at_the_limit() -> None:
    async with running(http=KIBIBYTE) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD)
        answering = asyncio.ensure_future(answer_of(reader))
        number = 0
        while not answering.done():
            writer.write(b"X-%d: a\r\n" % number)
            number += 1
            await asyncio.sleep(0)
        answer = await answering

        assert answer.status == 431
        assert service.refused == {"headers_too_large": 1}


async def test_a_head_within_the_default_limit_is_taken() -> None:
    async with running(http={}) as service:
        answer = await asked(
            service, LOGS.replace(b"\r\n\r\n", b"\r\nX: %s\r\n\r\n" % (b"a" * 15000))
        )

        assert answer.status == 200


async def test_large_bodies_of_many_requests_do_not_count_as_heads() -> None:
    request = HEAD + b"Content-Length: 3000\r\n\r\n" + b" " * 3000
    async with running(http=KIBIBYTE) as service, connected(service.http) as (reader, writer):
        statuses = []
        for _ in range(5):
            for at in range(0, len(request), 500):
                writer.write(request[at : at + 500])
                await writer.drain()
                await asyncio.sleep(0)
            statuses.append((await answer_of(reader)).status)

        assert statuses == [200] * 5


async def test_a_head_that_does_not_end_in_time_is_told_so() -> None:
    async with running(http=QUICK) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD)
        answer = await answer_of(reader)
        rest = await reader.read()

        assert (answer.status, rest) == (408, b"")
        assert "did not come within 0.3 s" in answer.message
        assert service.refused == {"slow_header": 1}


async def test_a_second_head_that_does_not_end_in_time_is_told_so_too() -> None:
    async with running(http=QUICK) as service, connected(service.http) as (reader, writer):
        writer.write(LOGS)
        first = await answer_of(reader)
        writer.write(HEAD)
        second = await answer_of(reader)

        assert (first.status, second.status) == (200, 408)


async def test_a_slow_head_behind_a_request_in_hand_waits_for_its_answer() -> None:
    async with running(http=QUICK) as service, connected(service.http) as (reader, writer):
        may_end = asyncio.Event()
        service.take.wait = may_end.wait
        writer.write(LOGS)
        await service.take.began.wait()
        writer.write(HEAD)
        (connection,) = connections_of(service)
        await until(lambda: connection._mistake)
        may_end.set()
        answers = [await answer_of(reader), await answer_of(reader)]

        assert [answer.status for answer in answers] == [200, 408]


async def test_who_connects_and_says_nothing_is_let_go() -> None:
    async with running(http=QUICK) as service, connected(service.http) as (reader, _):
        said = await reader.read()

        assert said == b""
        assert service.refused == {}


async def test_a_connection_without_requests_is_closed_in_time() -> None:
    config = {"idle_timeout_s": 0.05}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(LOGS)
        answer = await answer_of(reader)
        rest = await reader.read()

        assert (answer.status, rest) == (200, b"")


async def test_heads_without_bodies_take_up_no_place() -> None:
    async with (
        running(http={}, max_requests_in_hand=2) as service,
        ClientSession(service.http) as client,
        AsyncExitStack() as claiming,
    ):
        for _ in range(10):
            reader, writer = await claiming.enter_async_context(connected(service.http))
            writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
            await reader.readuntil(b"100 Continue\r\n\r\n")
        response = await client.post("/v1/logs", data=b"{}", headers=JSON)

        assert response.status == 200


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_peer"])
async def test_one_connection_too_many_is_told_to_come_again(limit: str) -> None:
    async with running(http={limit: 1}) as service, connected(service.http) as (reader, writer):
        writer.write(LOGS)
        first = await answer_of(reader)
        second = await asked(service, LOGS)

        assert (first.status, second.status) == (200, 503)
        assert second.headers["retry-after"] == "5"
        assert limit in second.message
        assert service.refused == {"too_many_connections": 1}


async def test_a_connection_that_ends_makes_room_for_another() -> None:
    async with running(http={"max_connections": 1}) as service:
        async with connected(service.http) as (reader, writer):
            writer.write(LOGS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await answer_of(reader)
            await reader.read()
        async with asyncio.timeout(20):
            while (await asked(service, LOGS)).status != 200:
                pass

        assert len(service.take.bodies) == 2


async def test_a_flood_of_connections_is_cut_off_and_leaves_nothing_behind() -> None:
    config = {"max_connections": 1}
    async with running(http=config) as service, AsyncExitStack() as flood:
        for _ in range(300):
            await flood.enter_async_context(connected(service.http))
        await until(lambda: service.refused.get("too_many_connections", 0) >= 199)
        await service.receiver.stop()

        assert service.receiver.endpoints == {}


async def test_a_connection_that_is_dropped_at_once_costs_nothing() -> None:
    async with running(http={"max_connections": 2}) as service:
        for _ in range(50):
            async with connected(service.http):
                pass
        async with asyncio.timeout(20):
            while (await asked(service, LOGS)).status != 200:
                pass

        assert set(service.refused) <= {"too_many_connections"}


async def test_stopping_ends_connections_in_every_state() -> None:
    async with running(http={}, stop_timeout_s=0.05) as service, AsyncExitStack() as open_ones:
        for said in (b"", b"P", HEAD, HEAD + b"Content-Length: 10\r\n\r\nhalf", b"PRI * HTTP/2.0"):
            _, writer = await open_ones.enter_async_context(connected(service.http))
            writer.write(said)
        reader, writer = await open_ones.enter_async_context(connected(service.http))
        writer.write(HEAD + b"Content-Length: 100000000\r\n\r\n" + b"lingers")
        refused = await answer_of(reader)
        await service.receiver.stop()

        assert refused.status == 413
        assert await reader.read() == b""
