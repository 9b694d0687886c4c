"""Pass bytes on between pairs of connected sockets, both ways, as they come.

asyncio's transports would do it too, at twice the price: each of their reads is copied into an
object of its own. Here one buffer serves all pairs, since what was read is written before
anything else is; only what does not go through at once is kept, and until it has gone nothing
more is read of that side.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

# 128 KiB is where fewer system calls no longer outweigh the processor's cache, measured.
_BUFFER_BYTES = 128 * 1024

# A client that takes not one byte of an answer for so long is gone. gRPC's keepalive comes to
# the same end, but what gRPC does is not seen while its side is not read.
_STALLED_S = 80.0


class Relays:
    """The pairs of one port."""

    def __init__(self) -> None:
        """Begin with none."""
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._pairs: set[_Pair] = set()
        self._emptied: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self._pairs)

    def join(self, client: socket.socket, service: socket.socket, left: Callable[[], None]) -> None:
        """Relay between two sockets and close both in the end, when ``left`` is called."""

        def ended() -> None:
            self._pairs.discard(pair)
            left()
            if self._emptied is not None and not self._pairs and not self._emptied.done():
                self._emptied.set_result(None)

        pair = _Pair(client, service, self._buffer, ended)
        self._pairs.add(pair)
        pair.begin()

    async def finish(self, timeout_s: float) -> None:
        """Wait for all pairs to end, and end those that take longer."""
        if self._pairs:
            self._emptied = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._emptied
        for pair in tuple(self._pairs):
            pair.end()


class _Pair:
    """A client and the service it is connected to."""

    def __init__(
        self,
        client: socket.socket,
        service: socket.socket,
        buffer: memoryview,
        ended: Callable[[], None],
    ) -> None:
        self._sockets = (client, service)
        self._ended = ended
        self._open = True
        # Who has closed to send may still receive. Not the service: when that ends, all does.
        self._ways = (
            _Way(client, service, buffer, self._client_is_done),
            _Way(service, client, buffer, self.end, _STALLED_S),
        )

    def begin(self) -> None:
        for way in self._ways:
            way.begin()

    def end(self) -> None:
        """Close both. Safe twice."""
        for way in self._ways:
            way.stop()
        if self._open:
            self._open = False
            for each in self._sockets:
                each.close()
            self._ended()

    def _client_is_done(self) -> None:
        self._ways[0].stop()
        with suppress(OSError):
            self._sockets[1].shutdown(socket.SHUT_WR)


class _Way:
    """One direction."""

    def __init__(
        self,
        source: socket.socket,
        sink: socket.socket,
        buffer: memoryview,
        over: Callable[[], None],
        stalled_s: float | None = None,
    ) -> None:
        """Call ``over`` when no more can pass; also when nothing did for ``stalled_s``."""
        self._source = source
        self._sink = sink
        self._buffer = buffer
        self._over = over
        self._stalled_s = stalled_s
        self._loop = asyncio.get_running_loop()
        self._kept = b""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self._loop.add_reader(self._source, self._read)

    def stop(self) -> None:
        self._loop.remove_reader(self._source)
        self._loop.remove_writer(self._sink)
        self._cancel()

    def _read(self) -> None:
        try:
            nbytes = self._source.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            nbytes = 0
        if not nbytes:
            self._over()
            return
        came = self._buffer[:nbytes]
        sent = self._send(came)
        if sent is not None and sent < nbytes:
            self._keep(bytes(came[sent:]))

    def _send(self, data: memoryview | bytes) -> int | None:
        """Send what goes at once; None if nothing will go any more."""
        try:
            return self._sink.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._over()
            return None

    def _keep(self, data: bytes) -> None:
        """Read no more until this has gone."""
        self._kept = data
        self._loop.remove_reader(self._source)
        self._loop.add_writer(self._sink, self._write)
        self._watch()

    def _write(self) -> None:
        sent = self._send(self._kept)
        if not sent:
            return
        self._cancel()
        self._kept = self._kept[sent:]
        if self._kept:
            self._watch()
            return
        self._loop.remove_writer(self._sink)
        self.begin()

    def _watch(self) -> None:
        if self._stalled_s is not None:
            self._timer = self._loop.call_later(self._stalled_s, self._over)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
