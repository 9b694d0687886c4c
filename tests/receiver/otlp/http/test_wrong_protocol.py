"""What is spoken to the HTTP port by mistake: gRPC, HTTP/2, TLS, or plain text where TLS is due."""

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import h2.config
import h2.connection
import h2.events
import pytest
import trustme
from aiohttp import ClientConnectorError, ClientSession
from google.rpc import status_pb2

from ..support import EXPORTS, JSON, Running, connected, running
from .support import HEAD, LOGS, asked, until


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for pem in issued.cert_chain_pems:
        pem.write_to_path(tmp_path / "cert.pem", append=True)
    return {"tls": {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}}


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def port_of(service: Running) -> int:
    return int(service.http.rpartition(":")[2])


async def call(service: Running, authority: trustme.CA | None = None) -> grpc.aio.AioRpcError:
    """Call an Export method over gRPC, which has to fail."""
    address = f"localhost:{port_of(service)}"
    options = [("grpc.enable_retries", 0)]
    channel = grpc.aio.insecure_channel(address, options)
    if authority is not None:
        credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        channel = grpc.aio.secure_channel(address, credentials, options)
    untyped: Any = channel
    async with channel:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await untyped.unary_unary(EXPORTS["logs"])(bytes(100_000), timeout=20)
    return told.value


async def test_grpc_is_told_that_it_has_a_port_of_its_own() -> None:
    async with running(http={}) as service:
        error = await call(service)

        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "This is the OTLP/HTTP port" in (error.details() or "")
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in (error.details() or "")
        assert service.refused == {"wrong_protocol": 1}


async def test_grpc_is_told_where_its_port_is() -> None:
    async with running() as service:
        error = await call(service)

        assert f"OTLP over gRPC is on http://{service.grpc}: set" in (error.details() or "")


async def test_grpc_over_tls_is_told_so_too(tls: dict[str, Any], authority: trustme.CA) -> None:
    async with running(http=tls) as service:
        error = await call(service, authority)

        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "This is the OTLP/HTTP port" in (error.details() or "")


async def test_grpc_in_the_clear_is_told_that_this_port_speaks_tls(tls: dict[str, Any]) -> None:
    async with running(http=tls) as service:
        error = await call(service)

        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "This port speaks TLS" in (error.details() or "")


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"/v1/logs", EXPORTS["logs"].encode()),
        HEAD.replace(b"application/json", b"application/grpc"),
        HEAD.replace(b"application/json", b"application/grpc-web+proto"),
        HEAD.replace(b"application/json", b"application/grpc").replace(b"/v1/logs", b"/"),
    ],
    ids=["path", "type", "grpc-web", "root"],
)
async def test_grpc_over_http_1_is_told_so(head: bytes) -> None:
    async with running(http={}) as service:
        answer = await asked(service, head + b"Content-Length: 2\r\n\r\n{}")

        assert answer.status == 400
        assert "This is the OTLP/HTTP port" in answer.message
        assert service.refused == {"wrong_protocol": 1}


async def exchange(service: Running, headers: list[tuple[str, str]]) -> list[h2.events.Event]:
    """Make one HTTP/2 request; give all that came until the connection was closed."""
    http2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    http2.initiate_connection()
    pseudo = [(":method", "POST"), (":scheme", "http"), (":path", "/v1/logs"), (":authority", "x")]
    http2.send_headers(1, [*pseudo, *headers])
    http2.send_data(1, b"{}", end_stream=True)
    events: list[h2.events.Event] = []
    async with connected(service.http) as (reader, writer):
        writer.write(http2.data_to_send())
        while data := await reader.read(65536):
            events += http2.receive_data(data)
    return events


async def test_http_2_gets_a_status_505_and_is_sent_away() -> None:
    async with running(http={"header_timeout_s": 0.2}) as service:
        events = await exchange(service, [("content-type", "application/x-protobuf")])

        (head,) = [each for each in events if isinstance(each, h2.events.ResponseReceived)]
        assert (":status", "505") in cast("list[tuple[str, str]]", head.headers)
        (body,) = [each for each in events if isinstance(each, h2.events.DataReceived)]
        assert "HTTP/2 is not spoken here" in status_pb2.Status.FromString(body.data or b"").message
        assert isinstance(events[-1], h2.events.ConnectionTerminated)
        assert service.refused == {"http_version": 1}


@pytest.mark.parametrize(
    "said",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
        b"PRI * HTTP/2.0 and nothing else of it",
    ],
)
async def test_broken_http_2_is_closed(said: bytes) -> None:
    config = {"header_timeout_s": 0.2}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(said)
        await reader.read()
        after = await asked(service, LOGS)

        assert after.status == 200


async def test_http_2_that_asks_nothing_is_closed_in_time() -> None:
    config = {"header_timeout_s": 0.2}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        await reader.read()

        assert service.refused == {}


async def test_a_tls_hello_on_a_plain_port_is_answered_in_the_clear_and_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(http={}) as service, ClientSession() as client:
        url = service.http.replace("http://", "https://")
        with pytest.raises(ClientConnectorError, match=r"(?i)wrong.version.number"):
            await client.post(f"{url}/v1/logs", data=b"{}", headers=JSON)

        assert service.refused == {"wrong_protocol": 1}
        (record,) = caplog.records
        assert "Use http://" in record.getMessage()


async def test_plain_http_on_a_tls_port_is_told_to_use_https(tls: dict[str, Any]) -> None:
    async with running(http=tls) as service:
        answer = await asked(service, LOGS)

        assert answer.status == 400
        assert answer.headers["content-type"] == "application/json"
        assert "OTEL_EXPORTER_OTLP_ENDPOINT=https://" in answer.message
        assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in answer.message
        assert answer.headers["connection"] == "close"
        assert service.refused == {"wrong_protocol": 1}


async def test_over_tls_requests_are_taken(tls: dict[str, Any], trusting: ssl.SSLContext) -> None:
    async with running(http=tls) as service, ClientSession() as client:
        url = f"https://localhost:{port_of(service)}/v1/logs"
        responses = [
            await client.post(url, data=b"{}", headers=JSON, ssl=trusting) for _ in range(3)
        ]

        assert [response.status for response in responses] == [200] * 3
        assert service.refused == {}


async def test_a_client_that_does_not_trust_us_is_told_of_in_the_log(
    tls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with running(http=tls) as service, ClientSession() as client:
        with pytest.raises(ClientConnectorError):
            await client.post(f"https://localhost:{port_of(service)}/v1/logs", data=b"{}")
        await until(lambda: service.refused)

        assert service.refused == {"tls_handshake": 1}
        assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in caplog.text


async def test_a_handshake_that_does_not_end_is_ended(tls: dict[str, Any]) -> None:
    config = {**tls, "header_timeout_s": 0.2}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(b"\x16\x03\x01\x02\x00")
        said = await reader.read()

        assert said == b""


async def test_stopping_ends_a_handshake(tls: dict[str, Any]) -> None:
    async with running(http=tls) as service, connected(service.http) as (reader, writer):
        writer.write(b"\x16\x03\x01\x02\x00")
        server: Any = service.receiver._servers[0]
        await until(lambda: server._greeter._greetings)
        await service.receiver.stop()

        with suppress(ConnectionError):
            assert await reader.read() == b""
