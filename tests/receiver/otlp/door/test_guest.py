"""The first bytes of a connection, however they come, and that they stay where they are."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from agentpond.receiver.otlp.door.guest import Guest

PREFACE = b"PRI * HTTP/2.0"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Connect two sockets; give the client's and the accepted one."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = opened.enter_context(socket.create_connection(listening.getsockname()))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted = opened.enter_context(listening.accept()[0])
        accepted.setblocking(False)
        yield client, accepted


async def test_a_preface_that_comes_byte_by_byte_is_waited_for(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    client, accepted = ends
    telling = asyncio.ensure_future(Guest(accepted, "peer").first_bytes())

    early = []
    for number in range(len(PREFACE)):
        early.append(telling.done())
        client.sendall(PREFACE[number : number + 1])
        for _ in range(20):
            await asyncio.sleep(0)
    first = await telling

    assert first == PREFACE
    assert not any(early)
    assert accepted.recv(100) == PREFACE


async def test_one_byte_is_told_afterwards(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    guest = Guest(accepted, "peer")
    client.sendall(b"PR")
    telling = asyncio.ensure_future(guest.first_bytes())
    await asyncio.sleep(0)
    client.sendall(PREFACE[2:])
    await telling
    assert accepted.recv(100) == PREFACE

    client.sendall(b"x")
    more = await asyncio.get_running_loop().sock_recv(accepted, 100)

    assert more == b"x"


@pytest.mark.parametrize("said", [b"", b"PRI", b"POST"])
async def test_who_says_no_more_is_not_waited_for(
    ends: tuple[socket.socket, socket.socket], said: bytes
) -> None:
    client, accepted = ends
    client.sendall(said)
    client.shutdown(socket.SHUT_WR)

    first = await Guest(accepted, "peer").first_bytes()

    assert first == said
