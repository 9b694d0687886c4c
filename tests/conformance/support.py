"""Run the suite against our own receiver, and against receivers that are wrong on purpose."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trustme

import agentpond
from agentpond.conformance import Outcome, Result, Suite, Tls, Wanted, run, targets
from agentpond.pipeline.core.component import Settings
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.errors import Retryable
from agentpond.pipeline.core.signal import Accepted, Request
from agentpond.receiver.otlp import Config, OtlpReceiver

# So that a body over the limit is small, and the machine the tests run on may be slow.
LIMIT_BYTES = 1024**2
TIMEOUT_S = 20.0
TOKEN = "a-token-of-the-tests"  # noqa: S105 - it opens nothing else
HEADERS = (("Authorization", f"Bearer {TOKEN}"),)


def doors(**more: Any) -> dict[str, Any]:
    """Configure both doors on free ports."""
    door = {"endpoint": "127.0.0.1:0", "max_request_bytes": LIMIT_BYTES, **more}
    return {"grpc": dict(door), "http": dict(door)}


def results_of_ours(home: Path, otlp: Mapping[str, Any], suite: Mapping[str, Any]) -> list[Result]:
    """Start a whole service with this receiver, and try it."""
    return asyncio.run(_try_ours(home, otlp, suite))


async def _try_ours(home: Path, otlp: Mapping[str, Any], suite: Mapping[str, Any]) -> list[Result]:
    config = {
        "receivers": {"otlp": dict(otlp)},
        "exporters": {"duckdb": {"path": str(home / "agentpond.duckdb")}},
        "service": {
            "telemetry": None,
            "state_directory": str(home / "state"),
            "log": {"kind": "memory"},
            "pipelines": {"agents": {"receivers": ["otlp"], "exporters": ["duckdb"]}},
        },
    }
    async with agentpond.build(config) as service:
        receiver: Any = service.receivers["otlp"]
        return await try_out(receiver.endpoints, **suite)


def results_while_busy() -> list[Result]:
    """Start a receiver that has no room for anything, and try it."""
    return asyncio.run(_try_busy())


async def _try_busy() -> list[Result]:
    async def refuse(_: Request) -> Accepted:
        raise Retryable("The log is full. Send again.", retry_after_s=2.0)

    settings = Settings("otlp", logging.getLogger("tests"), lambda: 1, Path(), Counters())
    receiver = OtlpReceiver(Config.model_validate({"protocols": doors()}), settings)
    await receiver.start(refuse)
    try:
        return await try_out(receiver.endpoints, wanted={"busy": True})
    finally:
        await receiver.stop()


async def try_out(
    endpoints: Mapping[str, str], *, wanted: Mapping[str, Any] | None = None, **suite: Any
) -> list[Result]:
    """Run the suite against endpoints by protocol."""
    tls = "s" if "tls" in suite else ""
    found = targets(f"{protocol}{tls}://{address}" for protocol, address in endpoints.items())
    told = Wanted(max_request_bytes=LIMIT_BYTES, **(wanted or {}))
    return await run(Suite(found, told, **{"timeout_s": TIMEOUT_S, **suite}))


def certificates(home: Path) -> tuple[dict[str, str], Tls]:
    """Make an authority and a certificate of it; give the receiver's config and the suite's."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(home / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(home / "key.pem")
    for number, pem in enumerate(issued.cert_chain_pems):
        pem.write_to_path(home / "cert.pem", append=number > 0)
    files = {"cert_file": str(home / "cert.pem"), "key_file": str(home / "key.pem")}
    return files, Tls(ca_file=home / "ca.pem")


def outcomes(results: Sequence[Result], rule: int) -> set[Outcome]:
    """Give the outcomes of a rule."""
    return {result.outcome for result in results if result.rule == rule}


def failures(results: Sequence[Result], rule: int | None = None) -> list[str]:
    """Tell what failed, one line each."""
    return [
        f"{each.rule} {each.level} {each.transport} {each.signal} {each.compression} "
        f"{each.words}: {each.why}; came: {each.came}"
        for each in results
        if each.outcome is Outcome.FAIL and rule in (None, each.rule)
    ]


@asynccontextmanager
async def answering(answer: bytes, *, close: bool = True) -> AsyncIterator[str]:
    """Answer every HTTP request with the same bytes; give the endpoint."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if not close:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


def response(status: str, body: bytes = b"", content_type: str | None = None) -> bytes:
    """Write an HTTP response that closes the connection."""
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f"HTTP/1.1 {status}\r\n{kind}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
