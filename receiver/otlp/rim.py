"""Run requests to their end: bounded while in hand, each ending counted once."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from ...pipeline.core.component import Accept, Settings
from ...pipeline.core.counters import ACCEPTED, REFUSED_RECORDS, REFUSED_REQUESTS
from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.signal import Accepted, Encoding, Request, Signal
from .admission import inflated
from .answers import Ended, Refusal

# What a bomb may inflate to is held by each: two of them keep two cores busy.
_INFLATERS = 2

# Long enough that a bug hit by every request does not become a storm of them.
_AFTER_BUG_S = 5.0


class InHand:
    """Bound the requests between their first byte and their answer, over all transports."""

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        """Begin with none."""
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._requests = 0
        self._bytes = 0
        self._closed = False
        self._tasks: set[asyncio.Task[Ended]] = set()
        # Not the event loop's own threads, which anybody in this process may keep busy.
        self.inflaters = ThreadPoolExecutor(_INFLATERS, thread_name_prefix="agentpond-inflate")

    def hold(self) -> "Hold":
        """Take one more in hand, until the ``with`` block it opens ends.

        Raises:
            Retryable: there are as many as may be (``busy``), or no more are taken (``stopping``).

        """
        if self._closed:
            raise Retryable("The receiver is stopping. Send again.", reason="stopping")
        if self._requests >= self._max_requests:
            raise Retryable(
                f"{self._requests} requests are in hand, as many as max_requests_in_hand allows. "
                f"Send again.",
            )
        return Hold(self)

    def change(self, requests: int, more_bytes: int) -> None:
        """Count what a hold takes or gives back; raises Retryable if the bytes are too many."""
        self.see_room(more_bytes)
        self._requests += requests
        self._bytes += more_bytes

    def see_room(self, more_bytes: int) -> None:
        """Raise Retryable if there is no room for so many bytes; nothing is taken."""
        if more_bytes > 0 and self._bytes + more_bytes > self._max_bytes:
            raise Retryable(
                f"{self._bytes} bytes of requests are in hand and {more_bytes} more are over "
                f"max_bytes_in_hand. Send again.",
            )

    def keep(self, task: "asyncio.Task[Ended]") -> None:
        """Know a task until it is done, so that stopping can wait for it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    async def finish(self, timeout_s: float) -> None:
        """Wait for those in hand to end; those that take longer are cut off."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def let_go(self) -> None:
        """End the threads; nothing may be in hand any more."""
        self.inflaters.shutdown(wait=False)


class Hold:
    """One request in hand, and the bytes it takes up."""

    def __init__(self, in_hand: InHand) -> None:
        """Belong to ``in_hand``."""
        self._in_hand = in_hand
        self._bytes = 0

    def see_room(self, nbytes: int) -> None:
        """Raise Retryable if so many bytes would not fit now; takes up none of them.

        For a length that is only claimed: who claims much and sends nothing must not keep
        out those who send.
        """
        self._in_hand.see_room(nbytes - self._bytes)

    def resize(self, nbytes: int) -> None:
        """Take up this many bytes from now on; raises Retryable if there is no room."""
        self._in_hand.change(0, nbytes - self._bytes)
        self._bytes = nbytes

    def __enter__(self) -> Self:
        """Count the request."""
        self._in_hand.change(1, 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give back the request and its bytes."""
        self._in_hand.change(-1, -self._bytes)


class Rim:
    """Lead the requests of one transport to ``accept``, and count how they end."""

    def __init__(self, transport: str, accept: Accept, in_hand: InHand, settings: Settings) -> None:
        """Serve one transport: ``grpc`` or ``http``."""
        self._transport = transport
        self._accept = accept
        self._in_hand = in_hand
        self._settings = settings

    def hold(self) -> Hold:
        """Take one more request in hand; see ``InHand.hold``."""
        return self._in_hand.hold()

    async def inflated(self, body: bytes, limit_bytes: int) -> bytes:
        """Inflate a body in the receiver's own threads; see ``admission.inflated``."""
        return await inflated(body, limit_bytes, self._in_hand.inflaters)

    async def accept(self, signal: Signal, encoding: Encoding, body: bytes) -> Accepted:
        """Hand a body on; returns once it is durable, raises Retryable or Permanent."""
        settings = self._settings
        return await self._accept(Request(signal, encoding, body, settings.clock(), settings.id))

    async def run(self, signal: Signal, work: Coroutine[Any, Any, Accepted]) -> Ended:
        """Do a request's work to its end, even if the caller is cancelled, and count it.

        gRPC cancels a handler when its client goes away. What is being made durable then must
        still be counted, or the numbers no longer add up.
        """
        task = asyncio.create_task(self._end(signal, work))
        self._in_hand.keep(task)
        return await asyncio.shield(task)

    def refuse(self, error: Refusal) -> None:
        """Count a request that is refused before there is any work to run."""
        self._settings.counters.add(
            REFUSED_REQUESTS,
            1,
            receiver=self._settings.id,
            transport=self._transport,
            reason=error.reason,
        )

    def bug(self, error: BaseException) -> Retryable:
        """Log what nobody foresaw, and make of it the refusal that loses no data.

        Clients give up a request for good on 500 and UNKNOWN, and send it again on 503 and
        UNAVAILABLE: OTLP specification, "Retryable Response Codes".
        """
        self._settings.logger.error("a request failed through a bug of ours", exc_info=error)
        return Retryable(
            "The receiver failed unexpectedly; its log says how. Send again.",
            retry_after_s=_AFTER_BUG_S,
            reason="bug",
        )

    async def _end(self, signal: Signal, work: Coroutine[Any, Any, Accepted]) -> Ended:
        try:
            accepted = await work
            self._count(signal, accepted)
        except (Retryable, Permanent) as error:
            self.refuse(error)
            return error
        except Exception as error:  # noqa: BLE001
            # The one place of both rims: left alone, aiohttp would answer 500 and grpc UNKNOWN,
            # and every client would drop its records. Nothing is hidden: `bug` logs it.
            refusal = self.bug(error)
            self.refuse(refusal)
            return refusal
        return accepted

    def _count(self, signal: Signal, accepted: Accepted) -> None:
        labels = {
            "receiver": self._settings.id,
            "transport": self._transport,
            "signal": signal.value,
        }
        self._settings.counters.add(ACCEPTED, accepted.records, **labels)
        if accepted.rejected:
            self._settings.counters.add(REFUSED_RECORDS, accepted.rejected, **labels)
