"""Come to the gRPC port from elsewhere, and look behind its front door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentpond.receiver.otlp.grpc.front import Front

from ..http.support import Answer, answer_of
from ..support import Running, connected


def front_of(service: Running) -> Front:
    server: Any = service.receiver._servers[0]
    front: Front = server._front
    return front


async def asked(service: Running, request: bytes) -> Answer:
    """Speak HTTP/1 to the gRPC port on a connection of its own; give the answer."""
    async with connected(service.grpc) as (reader, writer):
        writer.write(request)
        return await answer_of(reader)


@asynccontextmanager
async def coming_from(local_host: str, endpoint: str) -> AsyncIterator[str]:
    """Stand before an endpoint, and come to it from another address of this machine."""
    host, _, port = endpoint.rpartition(":")
    pumps: list[asyncio.Task[None]] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(
            host.strip("[]"), int(port), local_addr=(local_host, 0)
        )
        pumps.append(asyncio.create_task(pump(reader, forth)))
        pumps.append(asyncio.create_task(pump(back, writer)))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*pumps, return_exceptions=True)


def certified(directory: Path, authority: Any) -> dict[str, Any]:
    """Give the config of a port with a certificate for loopback."""
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    for pem in issued.cert_chain_pems:
        pem.write_to_path(directory / "cert.pem", append=True)
    cert, key = str(directory / "cert.pem"), str(directory / "key.pem")
    return {"tls": {"cert_file": cert, "key_file": key}}
