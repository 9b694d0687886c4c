"""A flood of requests that cannot be taken does not take the memory either."""

import asyncio
from pathlib import Path

import aiohttp
import psutil
import pytest

from agentpond.pipeline.core.signal import Request

from .official import deliver
from .pressure import Gated, until
from .senders import TYPES, numbered, send_http
from .served import Served, rows

MIB = 1 << 20
SENDERS = 32
REFUSED = "agentpond_receiver_refused_requests_total"


def reasons(service: Served) -> set[str]:
    return {labels.split('reason="')[1].split('"')[0] for labels in service.counted(REFUSED)}


async def flood(service: Served, request: Request, count: int) -> tuple[dict[int, int], int]:
    """Send from many at once; give how many got which status, and the most memory seen."""
    process = psutil.Process(service.pid)
    statuses: dict[int, int] = {}
    peaks = [0]
    headers = {"Content-Type": TYPES[request.encoding]}
    numbers = iter(range(count))

    async def sender(session: aiohttp.ClientSession) -> None:
        for _ in numbers:
            async with session.post(
                f"http://{service.http}/v1/logs", data=request.body, headers=headers
            ) as answer:
                await answer.read()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            peaks.append(process.memory_info().rss)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*[sender(session) for _ in range(SENDERS)])
    return statuses, max(peaks)


@pytest.mark.parametrize(
    ("limit_mib", "log_bytes", "records"),
    [(400, 4 * MIB, 6000), (4000, 64 * 1024, 30)],
    ids=["large requests", "small requests, no limit to speak of"],
)
async def test_in_a_flood_of_refused_requests_the_memory_stays_within_bounds(
    tmp_path: Path, limit_mib: int, log_bytes: int, records: int
) -> None:
    request = numbered("flood", 0, records)
    with Gated(tmp_path, log_bytes=log_bytes, limit_mib=limit_mib) as service:
        statuses, peak_bytes = await flood(service, request, 1500)

        assert set(statuses) == {200, 503}
        assert statuses[503] > 1000
        assert peak_bytes < 400 * MIB


async def test_with_too_little_memory_requests_are_refused_before_they_are_read(
    tmp_path: Path,
) -> None:
    with Gated(tmp_path, limit_mib=50) as service:
        await take_one(service)
        host, _, port = service.http.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/logs HTTP/1.1\r\nHost: {service.http}\r\nContent-Length: 1000000\r\n"
        writer.write(f"{head}Content-Type: application/x-protobuf\r\n\r\n".encode())

        status = await reader.readline()
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()

        assert status.split()[1] == b"503"
        assert b"Retry-After: " in answer
        assert reasons(service) == {"memory_limited"}


async def take_one(service: Served) -> None:
    """Give an idle service, which takes a request even then, something to do."""
    async with aiohttp.ClientSession() as session:
        assert await send_http(session, service.http, numbered("first", 0)) == 200


async def test_a_service_that_is_short_of_memory_says_so_and_stores_no_more(
    tmp_path: Path,
) -> None:
    with Gated(tmp_path, limit_mib=50) as service:
        await take_one(service)
        (trouble,) = service.troubles()
        async with aiohttp.ClientSession() as session:
            status = await send_http(session, service.http, numbered("early", 0))
        (limit,) = (
            value
            for labels, value in service.counted("agentpond_memory_limit_bytes").items()
            if "hard" in labels
        )
        (taken,) = service.counted("agentpond_memory_bytes").values()
        service.gate.open()

        service.stop()

    assert "from 40 MiB on requests are refused (service.memory_limiter.limit_mib: 50)" in trouble
    assert status == 503
    assert taken > limit == 50 * MIB
    early = "SELECT count(*) FROM events WHERE attributes['key'] LIKE 'early%'"
    assert rows(tmp_path, early) == [(0,)]


async def test_after_a_flood_the_service_gets_ready_again(tmp_path: Path) -> None:
    request = numbered("flood", 0, 6000)
    with Gated(tmp_path, log_bytes=64 * MIB, limit_mib=300) as service:
        statuses, _ = await flood(service, request, 300)
        service.gate.open()

        await until(lambda: not service.troubles())

        assert await deliver("http", service, "late", 1)
        service.stop()
    assert statuses[503] > 0
    late = "SELECT count(*) FROM events WHERE attributes['key'] LIKE 'late%'"
    assert rows(tmp_path, late) == [(1,)]
