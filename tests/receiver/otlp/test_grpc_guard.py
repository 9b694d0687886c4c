"""OTLP/gRPC: who may call, over TLS or not, and how much of a head is read."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme

from agentpond.pipeline.core.signal import Identity
from agentpond.receiver.otlp.grpc import peer_of, server

from .support import EXPORTS, Taker, calling, running

AUTH = {"tokens": [{"token": "of-alice-and-nobody-else", "user_id": "alice", "team": "platform"}]}


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate authority, and what it issued for the server."""

    ca: trustme.CA
    directory: Path

    def issue(self) -> dict[str, str]:
        """Put a certificate for loopback in place; give the config that names it."""
        cert, key = self.directory / "server.pem", self.directory / "server.key"
        issued = self.ca.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(str(key))
        cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        return {"cert_file": str(cert), "key_file": str(key)}

    @property
    def ca_file(self) -> str:
        path = self.directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return str(path)


@pytest.fixture(autouse=True, params=[True, False], ids=["front door", "gRPC alone"])
def way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched, because all of this must hold where there are no Unix sockets too."""
    monkeypatch.setattr(server, "HAS_UNIX_SOCKETS", request.param)


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    return Issued(trustme.CA(), tmp_path)


@asynccontextmanager
async def calling_with_tls(
    endpoint: str, ca: trustme.CA, own: trustme.LeafCert | None = None
) -> AsyncIterator[Any]:
    key = own.private_key_pem.bytes() if own else None
    chain = b"".join(pem.bytes() for pem in own.cert_chain_pems) if own else None
    credentials = grpc.ssl_channel_credentials(ca.cert_pem.bytes(), key, chain)
    async with grpc.aio.secure_channel(endpoint, credentials) as channel:
        untyped: Any = channel
        yield untyped.unary_unary(EXPORTS["logs"])


async def code_of(export: Any, **how: Any) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as told:
        await export(b"x", **how)
    return told.value.code().name, str(told.value.details())


async def test_a_call_with_a_token_is_taken_as_the_tokens_owner() -> None:
    async with running(grpc={}, auth=AUTH) as service, calling(service.grpc) as export:
        await export(b"x", metadata=[("authorization", "Bearer of-alice-and-nobody-else")])

        assert [request.identity for request in service.take.requests] == [
            Identity(user_id="alice", team="platform")
        ]


async def test_a_call_without_a_token_is_refused_for_good_in_words() -> None:
    async with running(grpc={}, auth=AUTH) as service, calling(service.grpc) as export:
        code, words = await code_of(export)

        assert code == "UNAUTHENTICATED"
        assert "OTEL_EXPORTER_OTLP_HEADERS" in words
        assert service.refused == {"unauthenticated": 1}
        assert service.take.requests == []


async def test_a_call_from_a_web_page_is_refused() -> None:
    async with running(grpc={}) as service, calling(service.grpc) as export:
        code, words = await code_of(export, metadata=[("origin", "https://evil.example")])

        assert code == "PERMISSION_DENIED"
        assert "cors.allowed_origins" in words
        assert service.take.requests == []


async def test_a_mistake_is_logged_once_for_a_peer(caplog: pytest.LogCaptureFixture) -> None:
    async with running(grpc={}, auth=AUTH) as service, calling(service.grpc) as export:
        for _ in range(3):
            await code_of(export)

        lines = [record.getMessage() for record in caplog.records]
        assert [line for line in lines if "unauthenticated from 127.0.0.1" in line] == lines
        assert len(lines) == 1


async def test_a_call_over_tls_is_taken(issued: Issued) -> None:
    async with (
        running(grpc={"tls": issued.issue()}) as service,
        calling_with_tls(service.grpc, issued.ca) as export,
    ):
        await export(b"x")

        assert service.take.bodies == [b"x"]


async def test_a_new_certificate_serves_the_next_connection(issued: Issued) -> None:
    other = Issued(trustme.CA(), issued.directory)
    async with running(grpc={"tls": issued.issue()}) as service:
        async with calling_with_tls(service.grpc, issued.ca) as export:
            await export(b"before")
        other.issue()
        while await asyncio.to_thread(presented, service.grpc, other.ca) is None:
            pass  # Files are looked at once a second at most.
        async with calling_with_tls(service.grpc, other.ca) as export:
            await export(b"after")

        assert service.take.bodies == [b"before", b"after"]


def presented(endpoint: str, ca: trustme.CA) -> bytes | None:
    """Give the server's certificate if this authority issued it."""
    host, _, port = endpoint.rpartition(":")
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    ca.configure_trust(context)
    try:
        with (
            socket.create_connection((host, int(port))) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return secured.getpeercert(binary_form=True)
    except ssl.SSLError:
        return None


async def test_with_a_client_ca_only_its_clients_may_call(issued: Issued) -> None:
    tls = {**issued.issue(), "client_ca_file": issued.ca_file}
    own = issued.ca.issue_cert("agent@example.com")
    async with running(grpc={"tls": tls}) as service:
        async with calling_with_tls(service.grpc, issued.ca) as stranger:
            code, _ = await code_of(stranger, timeout=5)
        async with calling_with_tls(service.grpc, issued.ca, own) as export:
            await export(b"x")

        assert code == "UNAVAILABLE"
        assert service.take.bodies == [b"x"]


async def test_a_certificate_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    tls = {"cert_file": str(tmp_path / "no.pem"), "key_file": str(tmp_path / "no.key")}

    with pytest.raises(Exception, match=r"cert_file.*no\.pem"):
        async with running(grpc={"tls": tls}):
            pass


async def test_a_head_over_the_limit_is_refused() -> None:
    config = {"max_header_bytes": "4KiB"}
    async with running(grpc=config) as service, calling(service.grpc) as export:
        code, words = await code_of(export, metadata=[("x-much", "x" * 8192)])

        assert code == "RESOURCE_EXHAUSTED"
        assert "metadata" in words
        assert service.take.requests == []


async def test_more_calls_than_streams_are_all_taken_in_the_end() -> None:
    take = Taker()
    async with (
        running(take, grpc={"max_concurrent_streams": 2}) as service,
        calling(service.grpc) as export,
    ):
        await export(b"x")  # A client learns the number when it has connected.
        await asyncio.gather(*[until_taken(export) for _ in range(10)])

        assert len(take.bodies) == 11


async def until_taken(export: Any) -> None:
    """Send again what is refused unseen: a server may still count a call that has just ended."""
    while True:
        try:
            await export(b"x")
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
        else:
            return


async def test_a_connection_without_calls_is_closed_in_the_end() -> None:
    async with (
        running(grpc={"idle_timeout_s": 0.05}) as service,
        grpc.aio.insecure_channel(service.grpc) as channel,
    ):
        untyped: Any = channel
        await untyped.unary_unary(EXPORTS["logs"])(b"x")
        state = channel.get_state()
        while state is grpc.ChannelConnectivity.READY:
            await channel.wait_for_state_change(state)
            state = channel.get_state()

        assert state is grpc.ChannelConnectivity.IDLE


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("ipv4:127.0.0.1:51560", "127.0.0.1"),
        ("ipv6:%5B::1%5D:51560", "::1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:51560", "fe80::1%eth0"),
        ("ipv6:[::1]:51560", "::1"),
        ("unix:", "unix"),
        ("unix:/run/pond.sock", "unix"),
    ],
)
def test_a_peer_is_an_address_without_its_port(address: str, peer: str) -> None:
    assert peer_of(address) == peer
