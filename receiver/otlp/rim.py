"""Run requests to their end: let in who may send, and count and tell how each ended."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from ...pipeline.core.component import Accept, Settings
from ...pipeline.core.counters import ACCEPTED, REFUSED_RECORDS, REFUSED_REQUESTS
from ...pipeline.core.errors import Permanent, Retryable
from ...pipeline.core.signal import Accepted, Encoding, Request, Signal
from .admission import inflated
from .answers import MAX_ANSWER_BYTES, Ended, Refusal
from .guard.auth import Gate
from .guard.in_hand import Hold, InHand
from .mistakes import Mistakes

# Long enough that a bug hit by every request does not become a storm of them.
_AFTER_BUG_S = 5.0


@dataclass(frozen=True, slots=True)
class Guard:
    """What all doors of a receiver have in common: who may send, how much, and what was told."""

    gate: Gate
    in_hand: InHand
    mistakes: Mistakes


class Rim:
    """Lead the requests of one transport to ``accept``, and count how they end."""

    def __init__(
        self,
        transport: str,
        accept: Accept,
        guard: Guard,
        settings: Settings,
        max_response_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        """Serve one transport: ``grpc`` or ``http``."""
        self._transport = transport
        self._accept = accept
        self._guard = guard
        self._settings = settings
        self.max_response_bytes = max_response_bytes

    def hold(self, peer: str, authorization: str | None) -> Hold:
        """Take one more request of a peer in hand, if it may send and there is room.

        Raises:
            Permanent: nobody we know (``unauthenticated``).
            Retryable: too much is in hand, memory is short, or the receiver is stopping.

        """
        identity = self._guard.gate.identify(authorization)
        self._settings.require_memory()
        return self._guard.in_hand.hold(peer, identity)

    def patience(self, until_s: float) -> AbstractAsyncContextManager[None]:
        """Wait for the rest of a body, unless the receiver stops; see ``InHand.patience``."""
        return self._guard.in_hand.patience(until_s)

    async def inflated(self, body: bytes, limit_bytes: int) -> bytes:
        """Inflate a body in the receiver's own threads; see ``admission.inflated``."""
        return await inflated(body, limit_bytes, self._guard.in_hand.inflaters)

    async def accept(self, signal: Signal, encoding: Encoding, body: bytes, hold: Hold) -> Accepted:
        """Hand a body on and count its records; returns once they are durable.

        Raises:
            Retryable: it was not taken, and may be sent again.
            Permanent: it will never be taken.

        """
        settings = self._settings
        accepted = await self._accept(
            Request(signal, encoding, body, settings.clock(), settings.id, hold.identity)
        )
        self._count(signal, hold.peer, accepted)
        return accepted

    async def run(self, peer: str, work: Coroutine[Any, Any, Accepted]) -> Ended:
        """Do a request's work to its end, even if the caller is cancelled; count a refusal.

        gRPC cancels a handler when its client goes away. What is being made durable then must
        still be counted, or the numbers no longer add up.
        """
        task = asyncio.create_task(self._end(peer, work))
        self._guard.in_hand.keep(task)
        return await asyncio.shield(task)

    def refuse(self, error: Refusal, peer: str) -> None:
        """Count a refusal, and tell of it if it is the sender's mistake."""
        self._settings.counters.add(
            REFUSED_REQUESTS,
            1,
            receiver=self._settings.id,
            transport=self._transport,
            reason=error.reason,
        )
        if isinstance(error, Permanent):
            self._guard.mistakes.tell(peer, error.reason, str(error))

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

    async def _end(self, peer: str, work: Coroutine[Any, Any, Accepted]) -> Ended:
        try:
            return await work
        except (Retryable, Permanent) as error:
            self.refuse(error, peer)
            return error
        except Exception as error:  # noqa: BLE001
            # The one place of both rims: left alone, aiohttp would answer 500 and grpc UNKNOWN,
            # and every client would drop its records. Nothing is hidden: `bug` logs it.
            refusal = self.bug(error)
            self.refuse(refusal, peer)
            return refusal

    def _count(self, signal: Signal, peer: str, accepted: Accepted) -> None:
        labels = {
            "receiver": self._settings.id,
            "transport": self._transport,
            "signal": signal.value,
        }
        self._settings.counters.add(ACCEPTED, accepted.records, **labels)
        if accepted.rejected:
            self._settings.counters.add(REFUSED_RECORDS, accepted.rejected, **labels)
        if accepted.message:
            self._guard.mistakes.tell(peer, f"partial_success of {signal}", accepted.message)
