"""Speak HTTP by hand: heads as they are written, answers as they are read."""

import asyncio
import json
from asyncio import StreamReader
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse
from google.rpc import status_pb2

from ..support import Running, connected

HEAD = b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LOGS = HEAD + b"Content-Length: 2\r\n\r\n{}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP/1 answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        if self.headers["content-type"] == "application/json":
            return str(json.loads(self.body)["message"])
        return str(status_pb2.Status.FromString(self.body).message)


async def answer_of(reader: StreamReader) -> Answer:
    """Read one answer, and no more."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split(" ")[1]), headers, body)


async def asked(service: Running, request: bytes) -> Answer:
    """Send bytes on a connection of their own; give the answer, which may not be long in coming."""
    async with asyncio.timeout(20), connected(service.http) as (reader, writer):
        writer.write(request)
        return await answer_of(reader)


async def message_of(response: ClientResponse) -> str:
    body = await response.read()
    if response.headers["Content-Type"] == "application/json":
        return str(json.loads(body)["message"])
    return str(status_pb2.Status.FromString(body).message)


async def until(is_so: Callable[[], object]) -> None:
    """Let the receiver go on until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - what it does inside sets no event
            await asyncio.sleep(0)


def connections_of(service: Running) -> list[Any]:
    """Give the connections that the HTTP port serves."""
    server: Any = service.receiver._servers[0]
    return list(server._runner.server.connections)


def config_of(**http: Any) -> dict[str, Any]:
    return {"protocols": {"http": http}}
