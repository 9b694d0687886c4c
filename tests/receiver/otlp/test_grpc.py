"""OTLP/gRPC over real sockets: what is taken, what is refused, and that it is counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agentpond.pipeline.core.counters import ACCEPTED, REFUSED_RECORDS
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.signal import Accepted, Encoding, Request, Signal
from agentpond.receiver.otlp.grpc import server

from .http.support import until
from .support import EXPORTS, Running, Taker, calling, connected, running


@pytest.fixture(autouse=True, params=[True, False], ids=["front door", "gRPC alone"])
def way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched, because all of this must hold where there are no Unix sockets too."""
    monkeypatch.setattr(server, "HAS_UNIX_SOCKETS", request.param)


async def refusal(export: Any, body: bytes, **how: Any) -> tuple[status_pb2.Status | None, Any]:
    with pytest.raises(grpc.aio.AioRpcError) as told:
        await export(body, **how)
    error = told.value
    metadata: Any = error.trailing_metadata()
    details = metadata.get("grpc-status-details-bin")
    return (status_pb2.Status.FromString(details) if isinstance(details, bytes) else None), error


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("compression", grpc.Compression)
async def test_every_signal_reaches_accept_as_it_came(
    signal: str, compression: grpc.Compression
) -> None:
    async with running(grpc={}) as service, calling(service.grpc, EXPORTS[signal]) as export:
        answer = await export(b"the body" * 100, compression=compression)

        assert answer == b""
        assert service.take.requests == [
            Request(
                Signal(signal),
                Encoding.PROTOBUF,
                b"the body" * 100,
                1_700_000_000_000_000_000,
                "otlp",
            )
        ]


async def test_an_empty_request_succeeds() -> None:
    async with running(grpc={}) as service, calling(service.grpc) as export:
        answer = await export(b"")

        assert answer == b""
        assert service.take.bodies == [b""]


async def test_partial_success_is_told_and_counted() -> None:
    take = Taker(Accepted(position=0, records=7, rejected=2, message="2 had no id"))
    async with running(take, grpc={}) as service, calling(service.grpc, EXPORTS["traces"]) as call:
        answer = await call(b"x")

        told = ExportTraceServiceResponse.FromString(answer).partial_success
        assert (told.rejected_spans, told.error_message) == (2, "2 had no id")
        labels = {"receiver": "otlp", "transport": "grpc", "signal": "traces"}
        assert service.counters.total(ACCEPTED, **labels) == 7
        assert service.counters.total(REFUSED_RECORDS, **labels) == 2


async def test_calls_of_32_clients_are_in_hand_at_once() -> None:
    take = Taker(wait=asyncio.Barrier(32).wait)
    async with running(take, grpc={}) as service, calling(service.grpc) as export:
        answers = await asyncio.gather(*[export(b"x") for _ in range(32)])

        assert answers == [b""] * 32


async def test_a_message_of_the_limit_is_taken() -> None:
    config = {"max_request_bytes": "8MiB"}
    async with running(grpc=config) as service, calling(service.grpc) as export:
        answer = await export(bytes(8 * 1024 * 1024))

        assert answer == b""


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip], ids=["plain", "bomb"])
async def test_a_message_over_the_limit_is_refused_for_good_and_counted(
    compression: grpc.Compression | None,
) -> None:
    config = {"max_request_bytes": "8MiB"}
    async with running(grpc=config) as service, calling(service.grpc) as export:
        status, error = await refusal(export, bytes(9_000_000), compression=compression)
        await service.receiver.stop()

        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "larger than max" in error.details()
        assert status is None
        assert service.refused == {"not_received": 1}
        assert service.take.bodies == []


@pytest.mark.parametrize(
    ("error", "code", "delay_s"),
    [
        (Permanent("cut at byte 7", reason="invalid_protobuf"), code_pb2.INVALID_ARGUMENT, None),
        (Permanent("over the limit", reason="too_large"), code_pb2.RESOURCE_EXHAUSTED, None),
        (Retryable("log full", retry_after_s=7, reason="log_full"), code_pb2.UNAVAILABLE, 7),
        (ZeroDivisionError("a bug"), code_pb2.UNAVAILABLE, 5),
    ],
    ids=["permanent", "too large", "retryable", "bug"],
)
async def test_what_accept_raises_is_answered_and_counted(
    error: Exception, code: int, delay_s: int | None
) -> None:
    async with running(Taker(error), grpc={}) as service, calling(service.grpc) as export:
        status, _ = await refusal(export, b"x")

        assert status is not None
        assert status.code == code
        assert delay_of(status) == delay_s
        assert service.refused == {getattr(error, "reason", "bug"): 1}


def delay_of(status: status_pb2.Status) -> int | None:
    retry = error_details_pb2.RetryInfo()
    found = [detail.Unpack(retry) for detail in status.details]
    return retry.retry_delay.ToSeconds() if any(found) else None


async def test_the_longest_message_still_fits_the_trailers() -> None:
    take = Taker(Permanent("ä" * 100_000, reason="invalid_protobuf"))
    async with running(take, grpc={}) as service, calling(service.grpc) as export:
        _, error = await refusal(export, b"x")

        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_details_are_read_by_the_official_helper() -> None:
    async with (
        running(Taker(Retryable("log full")), grpc={}) as service,
        calling(service.grpc) as export,
    ):
        call = export(b"x")
        with pytest.raises(grpc.aio.AioRpcError):
            await call

        helper: Any = rpc_status  # the stubs leave out its aio half
        status = await helper.aio.from_call(call)
        assert (status.code, status.message) == (code_pb2.UNAVAILABLE, "log full")


async def test_the_delay_is_told_where_the_python_exporter_looks_for_it() -> None:
    take = Taker(Retryable("log full", retry_after_s=7))
    async with running(take, grpc={}) as service, calling(service.grpc) as export:
        _, error = await refusal(export, b"x")

        told = error_details_pb2.RetryInfo.FromString(
            error.trailing_metadata()["google.rpc.retryinfo-bin"]
        )
        assert told.retry_delay.ToSeconds() == 7


async def test_an_unknown_method_is_told_the_known_ones() -> None:
    path = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
    async with running(grpc={}) as service, calling(service.grpc, path) as export:
        _, error = await refusal(export, b"x")

        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "Call Export of opentelemetry.proto.collector.trace.v1" in error.details()
        assert service.refused == {"not_found": 1}


async def test_what_a_client_that_went_away_had_sent_whole_is_taken_and_counted() -> None:
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with running(take, grpc={}) as service, calling(service.grpc) as export:
        call = export(b"x")
        await take.began.wait()
        call.cancel()
        may_end.set()
        await service.receiver.stop()

        assert take.bodies == [b"x"]
        assert service.counters.total(ACCEPTED) == 1


async def test_a_message_that_does_not_come_in_time_gives_its_place_to_others() -> None:
    config = {"read_timeout_s": 0.01}
    async with (
        running(grpc=config, max_requests_in_hand=1) as service,
        grpc.aio.insecure_channel(service.grpc) as channel,
    ):
        untyped: Any = channel
        hung = untyped.stream_unary(EXPORTS["logs"])()
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await hung
        answer = await untyped.unary_unary(EXPORTS["logs"])(b"x")

        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "not all of it came within 0.01 s" in str(told.value.details())
        assert answer == b""
        assert service.refused == {"slow_body": 1}


async def test_a_client_gone_half_way_leaves_nothing_but_a_count() -> None:
    async with running(grpc={}) as service, cut_off_after(service, 20_000) as relay:
        async with calling(relay) as export:
            _, error = await refusal(export, bytes(5_000_000))
        async with calling(service.grpc) as other:
            await other(b"others")
        await service.receiver.stop()

        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert service.refused == {"not_received": 1}
        assert service.take.bodies == [b"others"]


async def test_a_client_that_vanished_without_a_word_gives_its_place_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast = {"grpc.keepalive_time_ms": 1000, "grpc.http2.ping_timeout_ms": 100}
    # Patched, because nobody but a test needs to set how often a peer is asked.
    monkeypatch.setattr(server, "_KEEPALIVE", tuple({**dict(server._KEEPALIVE), **fast}.items()))
    vanished = asyncio.Event()
    async with (
        running(grpc={}, max_requests_in_hand=1) as service,
        cut_off_after(service, 1_000_000_000, vanished) as relay,
        calling(service.grpc) as other,
        grpc.aio.insecure_channel(relay) as channel,
    ):
        untyped: Any = channel
        hung = untyped.stream_unary(EXPORTS["logs"])()
        in_hand = service.receiver._in_hand._all
        await until(lambda: in_hand.requests == 1)
        vanished.set()
        await until(lambda: in_hand.requests == 0)
        await other(b"others")
        hung.cancel()

        assert service.refused == {"not_received": 1}
        assert service.take.bodies == [b"others"]


@asynccontextmanager
async def cut_off_after(
    service: Running, limit_bytes: int, vanished: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """Stand between client and receiver, and cut the line when this much has passed.

    Once the client has ``vanished`` nothing passes any more, and nobody is told.
    """
    ends: list[asyncio.Task[Any]] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        passed = 0
        while passed < most and (data := await reader.read(1000)):
            passed += len(data)
            if vanished is not None and vanished.is_set():
                continue
            writer.write(data)
            await writer.drain()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here is not None
        ends.append(here)
        async with connected(service.grpc) as (back, forth):
            answers = asyncio.create_task(pump(back, writer, 1_000_000_000))
            ends.append(answers)
            try:
                await pump(reader, forth, limit_bytes)
            finally:
                answers.cancel()
                writer.transport.abort()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
