"""Open sockets: where they are opened, and what happens when there are no files left."""

import asyncio
import errno
import logging
import os
import resource
import socket

import pytest

from agentpond.receiver.otlp.door.listening import Listener
from agentpond.receiver.otlp.http.words import grpc_came

from ..http.support import until

LOGGER = logging.getLogger("agentpond.test.otlp")


async def test_without_a_host_all_addresses_have_one_port() -> None:
    came: asyncio.Queue[socket.socket] = asyncio.Queue()
    listener = Listener(lambda connected, _: came.put_nowait(connected), LOGGER)

    _, port = await listener.open("", 0)
    with socket.create_connection(("127.0.0.1", port)) as client:
        connected = await came.get()
        with connected:
            assert connected.getpeername() == client.getsockname()
    listener.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_an_address_that_is_not_of_this_machine_is_an_error() -> None:
    listener = Listener(lambda *_: None, LOGGER)

    # RFC 5737: an address for documentation, which no machine has.
    with pytest.raises(OSError) as told:  # noqa: PT011 - its number is what counts
        await listener.open("192.0.2.1", 0)

    assert told.value.errno == errno.EADDRNOTAVAIL


async def test_who_comes_when_there_are_no_files_left_is_taken_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    came: asyncio.Queue[socket.socket] = asyncio.Queue()
    listener = Listener(lambda connected, _: came.put_nowait(connected), LOGGER)
    _, port = await listener.open("127.0.0.1", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    with socket.create_connection(("127.0.0.1", port)) as client:
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            await until(lambda: caplog.records)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        connected = await came.get()
        with connected:
            assert connected.getpeername() == client.getsockname()
    listener.close()

    assert "ulimit -n" in caplog.text


def test_where_grpc_is_served_is_named() -> None:
    error = grpc_came("https://127.0.0.1:4317")

    assert "OTLP over gRPC is on https://127.0.0.1:4317" in str(error)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:4317" in str(error)
