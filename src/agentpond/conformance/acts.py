"""Send shots in unusual ways: a byte at a time, many at once, only in half. Each gives an answer.

Where a way has many requests, it gives the first answer that is no success, else the last.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import replace

from .lines_grpc import GrpcLine
from .lines_http import HttpLine
from .model import Answer, Shot, Silence
from .reading import is_success

AT_ONCE = 32
KEPT = 100
PIPELINED = 10
_CHUNK_BYTES = 16


async def chunked(line: HttpLine, shot: Shot) -> Answer:
    """Send the body in chunks, without a length in front."""
    head, body = line.request(_unmeasured(shot, {"Transfer-Encoding": "chunked"}))
    parts = [body[at : at + _CHUNK_BYTES] for at in range(0, len(body), _CHUNK_BYTES)]
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
    async with line.open() as connection:
        return await connection.exchange([head, *chunks, b"0\r\n\r\n"])


async def byte_by_byte(line: HttpLine, shot: Shot) -> Answer:
    """Send the body in writes of one byte each."""
    head, body = line.request(shot)
    async with line.open() as connection:
        return await connection.exchange([head, *_bytes_of(body)])


async def without_length(line: HttpLine, shot: Shot) -> Answer:
    """Send a body without saying how long it is."""
    head, body = line.request(_unmeasured(shot, {}))
    async with line.open() as connection:
        return await connection.exchange([head + body])


async def expecting(line: HttpLine, shot: Shot) -> Answer:
    """Ask with `Expect: 100-continue` before sending the body."""
    head, body = line.request(replace(shot, headers={**shot.headers, "Expect": "100-continue"}))
    async with line.open() as connection:
        return await connection.expecting(head, body)


async def kept_alive(line: HttpLine, shot: Shot) -> Answer:
    """Send 100 requests over one connection, one after another."""
    head, body = line.request(shot)
    answer: Answer = Silence("nothing was sent")
    async with line.open() as connection:
        for number in range(1, KEPT + 1):
            answer = await connection.exchange([head + body])
            if not is_success(answer):
                return _numbered(answer, number, KEPT)
    return answer


async def pipelined(line: HttpLine, shot: Shot) -> Answer:
    """Send 10 requests over one connection before reading the first answer."""
    head, body = line.request(shot)
    async with line.open() as connection:
        await connection.write([(head + body) * PIPELINED])
        answers = [await connection.read() for _ in range(PIPELINED)]
    return worst(answers)


async def on_many_connections(line: HttpLine, shot: Shot) -> Answer:
    """Send 32 requests at once, each over a connection of its own."""
    return await _all_at_once([line.send(shot) for _ in range(AT_ONCE)])


async def gone_in_the_middle(line: HttpLine, shot: Shot) -> Answer:
    """Go away after half a body, ten times; then send it whole."""
    head, body = line.request(shot)
    for _ in range(10):
        async with line.open() as connection:
            await connection.write([head, body[: len(body) // 2]])
    return await line.send(shot)


async def on_one_channel(line: GrpcLine, shot: Shot) -> Answer:
    """Make 32 calls at once over one connection."""
    return await _all_at_once([line.send(shot) for _ in range(AT_ONCE)])


async def past_a_slow_one(line: GrpcLine, shot: Shot) -> Answer:
    """Make a call while another on the same connection has not sent its message yet."""
    ready = asyncio.Event()
    slow = asyncio.create_task(line.send_late(shot, ready))
    try:
        quick = await line.send(shot)
        ready.set()
        return worst([quick, await slow])
    finally:
        slow.cancel()


async def cancelled(line: GrpcLine, shot: Shot) -> Answer:
    """Cancel ten calls, then make one."""
    for _ in range(10):
        line.call(shot).cancel()
    return await line.send(shot)


def worst(answers: Sequence[Answer]) -> Answer:
    """Give the first answer that is no success, else the last."""
    for number, answer in enumerate(answers, 1):
        if not is_success(answer):
            return _numbered(answer, number, len(answers))
    return answers[-1]


async def _all_at_once(sending: Sequence[Awaitable[Answer]]) -> Answer:
    return worst(await asyncio.gather(*sending))


def _numbered(answer: Answer, number: int, count: int) -> Answer:
    if isinstance(answer, Silence):
        return Silence(f"request {number} of {count}: {answer.why}")
    return answer


def _unmeasured(shot: Shot, headers: dict[str, str]) -> Shot:
    return replace(shot, headers={**shot.headers, "Content-Length": None, **headers})


def _bytes_of(body: bytes) -> Iterator[bytes]:
    for at in range(len(body)):
        yield body[at : at + 1]
