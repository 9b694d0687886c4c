"""Targets of requests, and heads that cannot be read: what is said of them, and what is not."""

import asyncio
import re

import pytest

from ..support import connected, running
from .support import HEAD, asked, connections_of, until


def post(target: bytes) -> bytes:
    return b"POST " + target + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "target",
    [b"http://xn--/v1/logs", b"http://[::%25xn--e]@/v1/logs", b"http://host:99999/v1/logs"],
    ids=["a host that is no name", "an address with a broken zone", "no port"],
)
async def test_a_target_that_cannot_be_read_is_refused_and_its_connection_ends(
    target: bytes,
) -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(post(target))
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write_eof()
            await reader.read()
        await until(lambda: not connections_of(service))

        assert b"400 Bad Request" in answer
        assert b"Invalid target" in answer
        assert service.refused == {"bad_http": 1}


async def test_one_target_of_many_that_cannot_be_read_is_refused_in_its_turn() -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(post(b"/v1/lost") + post(b"http://xn--/") + post(b"/v1/lost"))
        async with asyncio.timeout(5):
            answers = await reader.read()

        assert re.findall(rb"HTTP/1.1 (\d+) ", answers) == [b"404", b"400"]


async def test_a_connection_that_a_bug_of_ours_ends_is_closed_and_told_of_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # What follows an offer to change protocols does not come by the way that all else comes.
    offer = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(offer + post(b"http://ada:hush@xn--/"))
        async with asyncio.timeout(5):
            await reader.read()
        await until(lambda: not connections_of(service))

        (said,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
        assert said.startswith("a connection was closed by a bug of ours: UnicodeError at ")
        assert "hush" not in said


@pytest.mark.parametrize(
    "target",
    [
        b"http://ada:hush@host:99999/v1/logs?key=hush",
        b"http://ada:hush@xn--/v1/logs?key=hush",
        b"http://ada:hush@host/v1/log?key=hush",
        b"http:ada:hush@host/v1/logs?key=hush",
        b"http://host/\x80?key=hush",
    ],
    ids=["port", "host", "path", "slashes", "bytes"],
)
async def test_no_password_and_no_query_of_a_target_is_repeated(
    target: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(post(target) + post(b"\0"))
        async with asyncio.timeout(5):
            said = await reader.readuntil(b"\r\n\r\n") + await reader.readuntil(b" ")

        assert b"HTTP/1.1 4" in said
        assert b"hush" not in said
        assert "hush" not in caplog.text


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /v1/logs HTTP/1.1\nHost: localhost\n\r\n\r\n", 400),
        (b"POST /v1/logs HTTP/7.7\r\nHost: localhost\r\n\r\n", 505),
        (HEAD + b"A: \0b\r\n\r\n", 400),
        (HEAD.replace(b"/v1/logs", b"http://xn--/") + b"\r\n", 400),
    ],
    ids=["line ends", "version", "NUL", "target"],
)
async def test_a_broken_head_without_a_length_is_told_what_else_is_wrong(
    request_bytes: bytes, status: int
) -> None:
    async with running(http={}) as service:
        answer = await asked(service, request_bytes)

        assert answer.status == status
        assert "Content-Length" not in answer.message


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9"])
async def test_another_version_in_the_first_line_is_refused_in_ours(version: bytes) -> None:
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(b"GET / " + version + b"\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")

        assert answer.startswith(b"HTTP/1.1 505 ")
        assert service.refused == {"http_version": 1}


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1", b"CONNECT ada:hush@host:443 HTTP/1.1"])
async def test_no_path_at_all_is_written_as_the_root(first: bytes) -> None:
    async with running(http={}) as service:
        answer = await asked(service, first + b"\r\nHost: localhost\r\n\r\n")

        assert answer.message.startswith("/: no such path.")


@pytest.mark.parametrize("request_bytes", [HEAD + b"Content-Length: 2\r\n\r\n{}", b"what?\r\n\r\n"])
async def test_an_answer_does_not_say_which_versions_serve_here(request_bytes: bytes) -> None:
    async with running(http={}) as service:
        answer = await asked(service, request_bytes)

        assert answer.headers["server"] == "agentpond"
