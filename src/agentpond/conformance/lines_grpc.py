"""Send shots over gRPC as raw bytes, and read statuses with their trailers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio

from .model import Answer, Compression, GrpcAnswer, Shot, Silence
from .target import Target, Tls
from .telemetry import SERVICES

# What is sent over the limit must reach the receiver, and a client's own retries would hide
# what it answered.
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_retries", 0),
    ("grpc.primary_user_agent", "agentpond-conformance"),
)
_COMPRESSIONS = {
    Compression.NONE: grpc.Compression.NoCompression,
    Compression.GZIP: grpc.Compression.Gzip,
}


class GrpcLine:
    """Reach one gRPC endpoint, over one connection."""

    def __init__(self, target: Target, tls: Tls, headers: Sequence[tuple[str, str]]) -> None:
        """Send these headers with every call, unless it is to come from a stranger."""
        self._headers = [_metadatum(name, value) for name, value in headers]
        if target.tls:
            credentials = grpc.ssl_channel_credentials(*tls.pems())
            channel = grpc.aio.secure_channel(target.address, credentials, options=_OPTIONS)
        else:
            channel = grpc.aio.insecure_channel(target.address, options=_OPTIONS)
        # The stubs ask for serializers; raw bytes have none.
        self._channel: Any = channel

    async def send(self, shot: Shot) -> Answer:
        """Send a shot as a unary call."""
        return await self._ended(self.call(shot))

    def call(self, shot: Shot) -> Any:
        """Begin a unary call."""
        return self._channel.unary_unary(method_of(shot))(shot.body(), **self._extras(shot))

    async def send_late(self, shot: Shot, ready: asyncio.Event) -> Answer:
        """Begin a call, but send its message only when ``ready`` is set.

        A unary call is on the wire a stream of one message each way.
        """

        async def messages() -> AsyncIterator[bytes]:
            await ready.wait()
            yield shot.body()

        method = self._channel.stream_unary(method_of(shot))
        return await self._ended(method(messages(), **self._extras(shot)))

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def connect(self) -> None:
        """Wait until the connection stands, however long that takes."""
        await self._channel.channel_ready()

    async def _ended(self, call: Any) -> Answer:
        try:
            body: bytes = await call
        except grpc.aio.AioRpcError as error:
            return self._refused(error)
        return GrpcAnswer("OK", "", _trailers(await call.trailing_metadata()), body)

    def _refused(self, error: grpc.aio.AioRpcError) -> Answer:
        """Tell a status that the receiver sent from one that our own gRPC library made up."""
        ready = self._channel.get_state() is grpc.ChannelConnectivity.READY
        if error.code() is grpc.StatusCode.UNAVAILABLE and not ready:
            return Silence(f"the connection was broken: {error.details()}")
        trailers = _trailers(error.trailing_metadata() or ())
        return GrpcAnswer(error.code().name, error.details() or "", trailers)

    def _extras(self, shot: Shot) -> dict[str, Any]:
        metadata = [] if shot.anonymous else self._headers
        told = [(name.lower(), value) for name, value in shot.headers.items() if value is not None]
        return {
            "metadata": (*metadata, *told),
            "compression": _COMPRESSIONS[shot.compression],
            # A case before may have cost the connection: that is not this one's fault.
            "wait_for_ready": True,
        }


def _metadatum(name: str, value: str) -> tuple[str, str | bytes]:
    """Write a header as gRPC has it: names in lower case, and those in -bin hold bytes."""
    name = name.lower()
    return name, value.encode() if name.endswith("-bin") else value


def method_of(shot: Shot) -> str:
    """Name the method a shot calls."""
    return f"/{SERVICES[shot.signal]}/Export" if shot.path is None else shot.path


def _trailers(metadata: Any) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name, value if isinstance(value, bytes) else str(value).encode())
        for name, value in metadata
    )
