"""Calls that say too much, or not enough to the end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from agentpond.receiver.otlp.guard import in_hand

from ..http.support import until
from ..support import EXPORTS, calling, running


async def test_a_method_is_not_repeated_at_any_length(caplog: pytest.LogCaptureFixture) -> None:
    async with running(grpc={}) as service, calling(service.grpc, f"/{'a' * 5000}/b") as call:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call(b"")

        assert f"/{'a' * 99}...: no such method." in (told.value.details() or "")
        assert "a" * 100 not in caplog.text


async def test_a_call_whose_message_does_not_come_is_told_that_the_receiver_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_hand, "_LAST_BYTES_S", 0.05)
    never = asyncio.Event()

    async def messages() -> AsyncIterator[bytes]:
        await never.wait()
        yield b""

    async with (
        running(grpc={}, stop_timeout_s=60) as service,
        grpc.aio.insecure_channel(service.grpc) as channel,
    ):
        untyped: Any = channel
        call = untyped.stream_unary(EXPORTS["logs"])(messages())
        await until(lambda: service.receiver._in_hand._waits)
        async with asyncio.timeout(5):
            await service.receiver.stop()
            code = await call.code()

        assert code is grpc.StatusCode.UNAVAILABLE
        assert service.refused == {"stopping": 1}
