"""Kill the service at any moment; what was acknowledged is there, each record once."""

import asyncio
import random
from pathlib import Path

import grpc
import pytest

from .senders import numbered, send_grpc
from .served import Served, rows

SENDERS = 4
KEYS = "SELECT attributes['key'] AS key, count(*) FROM events GROUP BY key"


async def send_until_killed(service: Served, round_: int, acks_to_live: int) -> set[str]:
    """Send from several clients, kill the service after some answers; give what was answered."""
    acked: set[str] = set()
    enough = asyncio.Event()

    async def sender(name: str) -> None:
        async with grpc.aio.insecure_channel(service.grpc) as channel:
            for number in range(1_000_000):
                try:
                    await send_grpc(channel, numbered(name, number))
                except grpc.aio.AioRpcError:
                    return
                acked.update(f"{name}-{number}-{index}" for index in range(3))
                if len(acked) >= 3 * acks_to_live:
                    enough.set()

    senders = [asyncio.create_task(sender(f"{round_}.{at}")) for at in range(SENDERS)]
    await enough.wait()
    service.kill()
    await asyncio.gather(*senders)
    return acked


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_is_there_once_after_kills(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the moment of death, not a secret
    acked: set[str] = set()

    for round_ in range(4):
        service = Served(tmp_path)
        acked |= asyncio.run(send_until_killed(service, round_, chance.randrange(1, 200)))
    with Served(tmp_path) as service:
        service.stop()

    stored = dict(rows(tmp_path, KEYS))
    assert acked <= stored.keys()
    assert set(stored.values()) == {1}
