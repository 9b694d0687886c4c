"""Who holds on to a connection: by not reading, by noise, by a body that does not come."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest

from agentpond.receiver.otlp.door import connection as connections
from agentpond.receiver.otlp.door import desk
from agentpond.receiver.otlp.guard import in_hand

from ..support import Running, connected, running
from .support import HEAD, answer_of, connections_of, until

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
ASKED = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "x")]
PING = b"\0\0\x08\x06\0\0\0\0\0" + b"x" * 8


@asynccontextmanager
async def deaf(service: Running) -> AsyncIterator[asyncio.StreamWriter]:
    """Open a connection whose client has room for little, and reads nothing."""
    host, _, port = service.http.removeprefix("http://").rpartition(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=client)
    untyped: Any = reader
    untyped._transport.pause_reading()
    try:
        yield writer
    finally:
        writer.transport.abort()


def narrow(transport: Any) -> None:
    """Leave a server's end little room of the system's own, and no end of its own."""
    bare = transport.get_extra_info("socket")
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
    transport.set_write_buffer_limits(high=2**30)


async def unread(service: Running, writer: asyncio.StreamWriter) -> Any:
    """Have so many requests answered that answers wait to be read; give the server's end."""
    writer.write(GET)
    await until(lambda: connections_of(service))
    (connection,) = connections_of(service)
    narrow(connection._wire)
    while not connection._wire.get_write_buffer_size():
        writer.write(GET)
        await asyncio.sleep(0)
    return connection


async def test_who_does_not_read_is_let_go_in_the_time_of_who_does_not_send() -> None:
    async with running(http={"read_timeout_s": 0.2}) as service, deaf(service) as writer:
        writer.write(GET)
        await until(lambda: connections_of(service))
        narrow(connections_of(service)[0]._wire)
        connections_of(service)[0]._wire.set_write_buffer_limits(high=1024)
        writer.write(GET * 1000)

        await until(lambda: not connections_of(service))

        assert connections_of(service) == []


async def test_a_connection_that_is_closed_amid_an_answer_does_not_wait_for_ever_to_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_GONE_S", 0.05)
    async with running(http={}) as service, deaf(service) as writer:
        connection = await unread(service, writer)
        connection._wire.set_write_buffer_limits(high=1024)
        writer.write(GET * 1000)
        await until(lambda: connection.writing_paused)
        connection.force_close()

        await until(lambda: not connections_of(service))

        assert connections_of(service) == []


async def test_a_connection_that_ends_does_not_wait_for_ever_to_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_GONE_S", 0.05)
    async with running(http={}) as service, deaf(service) as writer:
        await unread(service, writer)
        writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        await until(lambda: not connections_of(service))

        assert connections_of(service) == []


def http2_of(service: Running) -> list[Any]:
    server: Any = service.receiver._servers[0]
    return list(server._greeter._refusals._http2)


async def test_http_2_that_is_not_read_does_not_wait_for_ever_either() -> None:
    async with running(http={"header_timeout_s": 0.2}) as service, deaf(service) as writer:
        writer.write(PREFACE)
        await until(lambda: [each for each in http2_of(service) if hasattr(each, "_transport")])
        (http2,) = http2_of(service)
        narrow(http2._transport)
        writer.write(PING * 3000)
        await until(http2._transport.get_write_buffer_size)

        await until(lambda: not http2_of(service))

        assert http2_of(service) == []


async def events_of(service: Running, said: bytes) -> list[h2.events.Event]:
    """Say something in HTTP/2; give all that came until the connection ended."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    client.data_to_send()
    client.send_headers(1, ASKED)
    events: list[h2.events.Event] = []
    async with asyncio.timeout(10), connected(service.http) as (reader, writer):
        writer.write(said)
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                events += client.receive_data(data)
    return events


@pytest.mark.parametrize(
    "frame",
    [
        PING,
        b"\0\0\0\x04\0\0\0\0\0",
        b"\0\0\x05\x02\0\0\0\0\x03" + b"\0\0\0\1\x10",
        b"\0\0\x04\x08\0\0\0\0\0" + b"\0\0\0\1",
    ],
    ids=["pings", "settings", "priorities", "windows"],
)
async def test_http_2_that_says_much_and_asks_nothing_is_sent_away(frame: bytes) -> None:
    flood = PREFACE + frame * (65536 // len(frame))
    async with running(http={"header_timeout_s": 0.3}) as service:
        events = await events_of(service, flood)

        (end,) = [each for each in events if isinstance(each, h2.events.ConnectionTerminated)]
        assert end.error_code is h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


async def test_http_2_without_room_for_words_gets_the_status_alone_and_is_counted() -> None:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
    client.send_headers(1, ASKED, end_stream=True)
    async with running(http={"header_timeout_s": 0.3}) as service:
        events = await events_of(service, client.data_to_send())

        (head,) = [each for each in events if isinstance(each, h2.events.ResponseReceived)]
        assert (":status", "505") in [(str(name), str(value)) for name, value in head.headers or ()]
        assert [each for each in events if isinstance(each, h2.events.DataReceived)] == []
        assert [each for each in events if isinstance(each, h2.events.StreamEnded)] != []
        assert service.refused == {"http_version": 1}


async def test_who_is_refused_and_stays_silent_does_not_get_the_time_of_a_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_LINGER_S", 0.05)
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD.replace(b"application/json", b"text/plain"))
        writer.write(b"Content-Length: 100\r\n\r\nhalf")
        async with asyncio.timeout(5):
            answer = await answer_of(reader)
            rest = await reader.read()

        assert (answer.status, rest) == (415, b"")


@pytest.mark.parametrize("came", [b"", b"{"], ids=["nothing", "half"])
async def test_whose_body_does_not_come_is_told_that_the_receiver_stops(
    came: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_hand, "_LAST_BYTES_S", 0.05)
    async with (
        running(http={}, stop_timeout_s=60) as service,
        connected(service.http) as (reader, writer),
    ):
        writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        await reader.readuntil(b"100 Continue\r\n\r\n")
        writer.write(came)
        async with asyncio.timeout(5):
            await service.receiver.stop()
            answer = await answer_of(reader)

        assert answer.status == 503
        assert "stopping" in answer.message
        assert service.refused == {"stopping": 1}


async def test_who_is_gone_is_still_known_by_his_address() -> None:
    async with running(http={}) as service:
        async with connected(service.http) as (_, writer):
            writer.write(b"G")
            await until(lambda: connections_of(service))
            (connection,) = connections_of(service)
        await until(lambda: not connections_of(service))

        assert connection.peername == ("127.0.0.1", 0)
        assert desk.address_of(connection.peername) == "127.0.0.1"
