"""The front door of gRPC: what passes, how many, from whom, and that nothing stays behind."""

import asyncio
import os
import socket
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import psutil
import pytest
import trustme
from google.rpc import error_details_pb2

from agentpond.pipeline.core.errors import Permanent
from agentpond.receiver.otlp import Config, OtlpReceiver
from agentpond.receiver.otlp.grpc import front

from ..http.support import LOGS, until
from ..support import EXPORTS, Taker, calling, connected, running, settings
from .support import asked, certified, coming_from, front_of

MIB = 1024 * 1024
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


async def test_the_largest_message_passes() -> None:
    body = os.urandom(64 * MIB)
    async with running(grpc={}) as service, calling(service.grpc) as export:
        await export(body)

        assert service.take.bodies == [body]


async def test_the_largest_message_passes_over_tls(tmp_path: Path) -> None:
    authority, body = trustme.CA(), os.urandom(64 * MIB)
    config = certified(tmp_path, authority)
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    options = [("grpc.max_send_message_length", -1)]
    async with (
        running(grpc=config) as service,
        grpc.aio.secure_channel(service.grpc, credentials, options) as channel,
    ):
        untyped: Any = channel
        await untyped.unary_unary(EXPORTS["logs"])(body)

        assert service.take.bodies == [body]


async def test_many_calls_at_once_on_one_connection_pass() -> None:
    bodies = [bytes([number]) * MIB for number in range(100)]
    async with running(grpc={}) as service, calling(service.grpc) as export:
        answers = await asyncio.gather(*[export(body) for body in bodies])

        assert answers == [b""] * 100
        assert sorted(service.take.bodies) == bodies


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
async def test_all_that_names_this_machine_can_be_listened_on(host: str) -> None:
    async with running(grpc={"endpoint": f"{host}:0"}) as service, calling(service.grpc) as export:
        await export(b"x")

        assert service.take.bodies == [b"x"]


async def test_on_all_of_ipv6_there_is_ipv4_too() -> None:
    config: Any = {"grpc": {"endpoint": "[::]:0"}, "insecure": True}
    async with running(**config) as service:
        host, _, port = service.grpc.rpartition(":")
        async with calling(f"127.0.0.1:{port}") as export:
            await export(b"x")

        assert host == "[::]"
        assert service.take.bodies == [b"x"]


@pytest.mark.parametrize("abstract", [True, False], ids=["abstract", "files"])
@pytest.mark.parametrize(
    ("host", "peer"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("[::1]", "::1")]
)
async def test_callers_are_known_by_their_own_addresses(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    host: str,
    peer: str,
    abstract: bool,
) -> None:
    # Patched, because tests run on Linux, and other systems have no abstract names.
    monkeypatch.setattr(front, "ABSTRACT", abstract)
    config: Any = {
        "grpc": {"endpoint": f"{host}:0"},
        "auth": {"tokens": [{"token": "a-long-secret"}]},
    }
    async with running(**config) as service, coming_from(peer, service.grpc) as address:
        async with calling(address) as export:
            with pytest.raises(grpc.aio.AioRpcError):
                await export(b"x")

        assert f"unauthenticated from {peer} (told once)" in caplog.text


async def test_one_address_does_not_take_the_places_of_another() -> None:
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with (
        running(take, grpc={}, max_requests_in_hand_per_peer=1) as service,
        coming_from("127.0.0.2", service.grpc) as elsewhere,
        calling(service.grpc) as export,
        calling(elsewhere) as other,
    ):
        first = asyncio.ensure_future(export(b"first"))
        await take.began.wait()
        take.began.clear()
        second = asyncio.ensure_future(other(b"second"))
        await take.began.wait()
        may_end.set()
        await asyncio.gather(first, second)

        assert service.refused == {}
        assert take.bodies == [b"first", b"second"]


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_peer"])
async def test_one_connection_too_many_is_told_to_come_again(limit: str) -> None:
    async with (
        running(grpc={limit: 1}) as service,
        calling(service.grpc) as export,
        coming_from("127.0.0.1", service.grpc) as again,
        calling(again) as other,
    ):
        await export(b"x")
        code, words, delay_s = await refusal(other)

        assert code is grpc.StatusCode.UNAVAILABLE
        assert f"as many as {limit} allows" in words
        assert delay_s == 5
        assert service.refused == {"too_many_connections": 1}


async def refusal(export: Any) -> tuple[grpc.StatusCode, str, int]:
    """Give what a call was told; not the error, which would keep its connection open."""
    try:
        await export(b"x")
    except grpc.aio.AioRpcError as error:
        trailers: Any = error.trailing_metadata()
        retry = error_details_pb2.RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"])
        return error.code(), error.details() or "", retry.retry_delay.seconds
    raise AssertionError("the call was taken")


async def test_http_that_is_one_too_many_is_told_so_as_well() -> None:
    async with running(grpc={"max_connections": 1}) as service, calling(service.grpc) as export:
        await export(b"x")
        answer = await asked(service, LOGS)

        assert answer.status == 503


async def test_a_connection_that_ends_makes_room_for_another() -> None:
    async with running(grpc={"max_connections": 1}) as service:
        for number in range(3):
            await until(lambda: not front_of(service)._relays._pairs)
            async with (
                coming_from("127.0.0.1", service.grpc) as anew,
                calling(anew) as export,
            ):
                await export(b"%d" % number)

        assert service.take.bodies == [b"0", b"1", b"2"]


@pytest.mark.parametrize("said", [b"", PREFACE[:5]], ids=["nothing", "half a preface"])
async def test_who_says_too_little_is_let_go(said: bytes) -> None:
    config = {"header_timeout_s": 0.05}
    async with running(grpc=config) as service, connected(service.grpc) as (reader, writer):
        writer.write(said)
        with suppress(ConnectionResetError):  # as what was said is not read
            await reader.read()

        assert service.refused == {}


async def test_a_client_that_closes_to_send_is_let_go_by_grpc() -> None:
    async with running(grpc={}) as service, connected(service.grpc) as (reader, writer):
        writer.write(PREFACE)
        await reader.read(1)
        writer.write_eof()
        await reader.read()
        await until(lambda: not front_of(service)._relays._pairs)

        assert reader.at_eof()
        assert len(front_of(service)._relays) == 0


async def test_stopping_finishes_a_call_and_leaves_nothing_behind() -> None:
    own = psutil.Process()
    await stopped_in_a_call()  # What gRPC opens once stays open.
    before = own.num_fds()

    answer, behind = await stopped_in_a_call()
    await until(lambda: own.num_fds() <= before)

    assert answer == b""
    assert len(behind._relays) == 0
    assert not behind._directory.exists()


async def stopped_in_a_call() -> tuple[bytes, front.Front]:
    """Stop while a call is in hand, a connection silent and another without calls."""
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with (
        running(take, grpc={}) as service,
        calling(service.grpc) as export,
        connected(service.grpc),
        connected(service.grpc) as (_, writer),
    ):
        behind = front_of(service)
        writer.write(PREFACE)
        call = asyncio.ensure_future(export(b"x"))
        await take.began.wait()
        stopping = asyncio.ensure_future(service.receiver.stop())
        may_end.set()
        answer, _ = await asyncio.gather(call, stopping)
        return answer, behind


async def test_nobody_else_finds_the_socket_behind() -> None:
    async with running(grpc={}) as service:
        assert not front_of(service)._directory.exists()


@pytest.mark.parametrize("lacking", ["abstract names", "/proc"])
async def test_where_the_socket_has_to_be_found_only_its_owner_finds_it(
    monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    # Patched, because tests run on Linux, which has both.
    if lacking == "/proc":
        monkeypatch.setattr(front, "_OPEN_FILES", "/nothing/here")
    else:
        monkeypatch.setattr(front, "ABSTRACT", False)
    async with running(grpc={}) as service, calling(service.grpc) as export:
        await export(b"x")
        directory = front_of(service)._directory

        assert [each.name for each in directory.iterdir()] == ["grpc"]
        assert oct(directory.stat().st_mode)[-4:] == "0700"


async def test_a_flood_of_connections_is_passed_on_whole() -> None:
    async with running(grpc={}) as service, AsyncExitStack() as opened:
        for _ in range(300):
            _, writer = await opened.enter_async_context(connected(service.grpc))
            writer.write(PREFACE)
        async with calling(service.grpc) as export:
            await export(b"x")
        await until(lambda: len(front_of(service)._relays) == 301)

        assert service.take.bodies == [b"x"]


async def test_that_grpc_is_not_reached_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with running(grpc={}) as service:
        server: Any = service.receiver._servers[0]
        await server._server.stop(0)
        for _ in range(2):
            async with connected(service.grpc) as (reader, writer):
                writer.write(PREFACE)
                with suppress(ConnectionResetError):
                    await reader.read()

        (said,) = caplog.messages
        assert "cannot be passed on to gRPC: Connection refused" in said


async def test_without_a_place_for_the_socket_the_words_say_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    config = {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}
    receiver = OtlpReceiver(Config.model_validate(config), settings())

    with pytest.raises(Permanent, match=r"TMPDIR .*answer_other_protocols: false"):
        await receiver.start(Taker())

    assert list(deep.iterdir()) == []


async def test_a_path_may_have_any_characters(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    odd = tmp_path_factory.mktemp("o") / "a b%41ä"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    async with running(grpc={}) as service, calling(service.grpc) as export:
        await export(b"x")

        assert service.take.bodies == [b"x"]


async def test_a_port_that_is_taken_leaves_no_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("h")
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        config = {"protocols": {"grpc": {"endpoint": taken}}}
        receiver = OtlpReceiver(Config.model_validate(config), settings())

        with pytest.raises(Permanent, match="Address already in use"):
            await receiver.start(Taker())

    assert list(home.iterdir()) == []
