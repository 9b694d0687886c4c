"""With no room left senders are told to come again, and what they send then is there once."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from agentpond.pipeline.core.signal import Request

from .official import deliver
from .pressure import Disk, Gated, Quota, config, disks, until
from .senders import TYPES, numbered, send_grpc, send_http
from .served import Served, rows

REFUSED = "agentpond_receiver_refused_requests_total"
KEYS = "SELECT attributes['key'] AS key, count(*) FROM events GROUP BY key"
TRANSPORTS = ("grpc", "http")


def keys(sender: str, numbers: Iterable[int], records: int) -> set[str]:
    return {f"{sender}-{number}-{index}" for number in numbers for index in range(records)}


def large(number: int) -> Request:
    """Make a request of 20 KB."""
    return numbered("large", number, records=300)


async def send(service: Served, request: Request) -> int:
    async with aiohttp.ClientSession() as session:
        return await send_http(session, service.http, request)


async def send_until_refused(service: Served) -> set[str]:
    """Send requests, in the end small ones, until none fits; give the keys of those taken."""
    taken: set[str] = set()
    async with aiohttp.ClientSession() as session:
        for sender, records in (("large", 300), ("small", 1)):
            number = 0
            while await send_http(session, service.http, numbered(sender, number, records)) == 200:
                taken |= keys(sender, [number], records)
                number += 1
    return taken


async def refused_http(service: Served, request: Request) -> tuple[int, int, str]:
    """Send; give the status code, the delay that is asked for, and the words."""
    headers = {"Content-Type": TYPES[request.encoding]}
    url = f"http://{service.http}/v1/{request.signal}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=request.body, headers=headers) as answer,
    ):
        message = Status.FromString(await answer.read()).message
        return answer.status, int(answer.headers["Retry-After"]), message


async def refused_grpc(service: Served, request: Request) -> tuple[grpc.StatusCode, float]:
    """Send; give the status code, and the delay that is asked for."""
    async with grpc.aio.insecure_channel(service.grpc) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send_grpc(channel, request)
    call: Any = caught.value
    status = rpc_status.from_call(call)
    assert status is not None
    retry = RetryInfo()
    assert status.details[0].Unpack(retry)
    return caught.value.code(), retry.retry_delay.ToNanoseconds() / 1e9


def refusals(service: Served, transport: str) -> float:
    told = service.counted(REFUSED)
    return sum(count for labels, count in told.items() if f'transport="{transport}"' in labels)


async def refused_once_more(service: Served, transport: str, before: float) -> None:
    await until(lambda: refusals(service, transport) > before)


async def retried(service: Served, sender: str) -> asyncio.Future[list[bool]]:
    """Have the official exporters send; return when each has been refused once."""
    before = {transport: refusals(service, transport) for transport in TRANSPORTS}
    sending = [deliver(each, service, f"{sender}.{each}", 5) for each in TRANSPORTS]
    both = asyncio.ensure_future(asyncio.gather(*sending))
    for transport in TRANSPORTS:
        await refused_once_more(service, transport, before[transport])
    return both


def official_keys(sender: str) -> set[str]:
    return {f"{sender}.{each}-{number}" for each in TRANSPORTS for number in range(5)}


async def test_with_the_log_full_everybody_is_told_when_to_come_again(tmp_path: Path) -> None:
    with Gated(tmp_path) as service:
        await send_until_refused(service)

        status, delay_s, words = await refused_http(service, large(0))
        code, exact_s = await refused_grpc(service, large(0))

        assert (status, code) == (503, grpc.StatusCode.UNAVAILABLE)
        assert delay_s in {3, 4}
        assert 2 <= exact_s <= 4
        assert "is full" in words
        assert "raise service.log.max_bytes" in words


async def test_with_the_log_full_the_service_says_that_it_is_not_ready(tmp_path: Path) -> None:
    with Gated(tmp_path) as service:
        before = service.troubles()
        await send_until_refused(service)

        (trouble,) = service.troubles()

        assert before == []
        assert "is full" in trouble


async def test_while_the_store_waits_requests_are_taken_until_the_log_is_full(
    tmp_path: Path,
) -> None:
    with Gated(tmp_path) as service:
        await send_until_refused(service)

        (held_bytes,) = service.counted("agentpond_log_bytes").values()

        assert 0.95 * 2**20 < held_bytes <= 2**20


async def test_when_the_log_has_room_again_everything_that_was_sent_is_there_once(
    tmp_path: Path,
) -> None:
    with Gated(tmp_path) as service:
        taken = await send_until_refused(service)
        sending = await retried(service, "log")
        service.gate.open()

        delivered = await sending

        service.stop()
    stored = dict(rows(tmp_path, KEYS))
    assert delivered == [True, True]
    assert stored.keys() == taken | official_keys("log")
    assert set(stored.values()) == {1}


@pytest.mark.parametrize("kind", disks())
async def test_a_full_disk_of_the_log_loses_nothing(tmp_path: Path, kind: type[Disk]) -> None:
    disk = kind(tmp_path)
    log = f"{{directory: {disk.path}/log}}"
    text = config(tmp_path, f"duckdb: {{path: {disk.path}/agentpond.duckdb}}", log=log)
    with disk.serve(tmp_path, text) as service:
        early = await send(service, large(1))
        disk.fill()
        full = await refused_http(service, large(2)), await refused_grpc(service, large(2))
        (trouble,) = service.troubles()[:1]
        sending = await retried(service, "disk")
        disk.make_room()

        delivered = await sending
        late = await send(service, large(3))

        service.stop()
    disk.collect(tmp_path)
    stored = dict(rows(tmp_path, KEYS))
    assert [full[0][0], full[1][0]] == [503, grpc.StatusCode.UNAVAILABLE]
    assert "Check the disk's space" in full[0][2]
    assert "Check the disk's space" in trouble
    assert [early, late, *delivered] == [200, 200, True, True]
    assert stored.keys() == keys("large", (1, 3), 300) | official_keys("disk")
    assert set(stored.values()) == {1}


@pytest.mark.parametrize("kind", disks())
async def test_a_full_disk_of_the_store_holds_up_nobody_who_sends(
    tmp_path: Path, kind: type[Disk]
) -> None:
    disk = kind(tmp_path)
    log = "{kind: memory}" if kind is Quota else f"{{directory: {tmp_path}/log}}"
    text = config(tmp_path, f"duckdb: {{path: {disk.path}/agentpond.duckdb}}", log=log)
    with disk.serve(tmp_path, text) as service:
        early = await deliver("http", service, "early", 5)
        disk.fill()
        meanwhile = [await deliver(each, service, f"full.{each}", 5) for each in TRANSPORTS]
        await until(lambda: any("disk has room" in each for each in service.troubles()))
        disk.make_room()

        await until(lambda: not service.troubles())

        service.stop()
    disk.collect(tmp_path)
    stored = dict(rows(tmp_path, KEYS))
    assert [early, *meanwhile] == [True, True, True]
    assert stored.keys() == {f"early-{number}" for number in range(5)} | official_keys("full")
    assert set(stored.values()) == {1}
