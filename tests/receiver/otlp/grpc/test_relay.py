"""Bytes between two sockets: all of them, both ways, and an end to everything."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import pytest

from agentpond.receiver.otlp.grpc import relay
from agentpond.receiver.otlp.grpc.relay import Relays

from ..http.support import until

MIB = 1024 * 1024


@dataclass(slots=True)
class Line:
    """A client and a service, with a relay between them."""

    client: socket.socket
    service: socket.socket
    inner: tuple[socket.socket, socket.socket]
    relays: Relays = field(default_factory=Relays)
    left: list[str] = field(default_factory=list)

    def join(self) -> None:
        self.relays.join(*self.inner, lambda: self.left.append("left"))


@pytest.fixture
def line() -> Iterator[Line]:
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = opened.enter_context(socket.create_connection(listening.getsockname()))
        accepted = opened.enter_context(listening.accept()[0])
        ours, service = map(opened.enter_context, socket.socketpair())
        for each in (client, accepted, ours, service):
            each.setblocking(False)
        yield Line(client, service, (accepted, ours))


async def received(sock: socket.socket) -> bytes:
    """Give all that comes until the end."""
    loop, told = asyncio.get_running_loop(), bytearray()
    with suppress(ConnectionResetError):
        while data := await loop.sock_recv(sock, 65536):
            told += data
    return bytes(told)


async def sent(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)
    sock.shutdown(socket.SHUT_WR)


async def test_what_is_said_at_once_both_ways_arrives_as_it_was_said(line: Line) -> None:
    line.join()
    question, answer = os.urandom(8 * MIB), os.urandom(4 * MIB)
    loop = asyncio.get_running_loop()

    async def serve() -> bytes:
        answering = asyncio.ensure_future(loop.sock_sendall(line.service, answer))
        came = await received(line.service)
        await answering
        line.service.close()
        return came

    _, heard, came = await asyncio.gather(
        sent(line.client, question), received(line.client), serve()
    )

    assert came == question
    assert heard == answer


async def test_who_has_said_all_still_gets_the_answer(line: Line) -> None:
    line.join()

    await sent(line.client, b"question")
    came = await received(line.service)
    await sent(line.service, b"answer")
    heard = await received(line.client)

    assert (came, heard) == (b"question", b"answer")
    assert line.left == ["left"]


async def test_when_the_service_ends_the_client_is_let_go(line: Line) -> None:
    line.join()
    await asyncio.get_running_loop().sock_sendall(line.service, b"goodbye")
    line.service.close()

    heard = await received(line.client)

    assert heard == b"goodbye"
    assert line.left == ["left"]
    assert len(line.relays) == 0


async def test_when_the_client_breaks_off_the_service_sees_the_end(line: Line) -> None:
    line.join()
    line.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    line.client.close()  # With this option it resets the connection.

    came = await received(line.service)
    line.service.close()
    await until(lambda: line.left)

    assert came == b""


async def test_nobody_is_read_faster_than_the_other_side_reads(line: Line) -> None:
    line.join()
    sending = asyncio.ensure_future(sent(line.client, bytes(16 * MIB)))
    way = next(iter(line.relays._pairs))._ways[0]
    await until(lambda: way._kept)

    kept_bytes = len(way._kept)
    came = await received(line.service)
    await sending

    assert kept_bytes <= 128 * 1024
    assert len(came) == 16 * MIB


async def test_a_client_that_reads_nothing_is_let_go_in_the_end(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Patched, because nobody but a test can wait less than a minute for it.
    monkeypatch.setattr(relay, "_STALLED_S", 0.05)
    line.join()

    with suppress(OSError):
        await sent(line.service, bytes(64 * MIB))
    await until(lambda: line.left)

    assert len(line.relays) == 0


async def test_at_the_end_those_that_go_on_are_closed(line: Line) -> None:
    line.join()

    await line.relays.finish(0.01)

    assert await received(line.client) == b""
    assert line.left == ["left"]


async def test_at_the_end_last_words_are_passed_on(line: Line) -> None:
    line.join()
    finishing = asyncio.ensure_future(line.relays.finish(20))

    await sent(line.service, b"last words")
    heard = await received(line.client)
    await finishing

    assert heard == b"last words"
