"""Bound the requests between their first byte and their answer, in all and for each peer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ....pipeline.core.errors import Retryable
from ....pipeline.core.later import SENDER_RETRY_S, spread_s
from ....pipeline.core.signal import Identity
from .network import network_of

# What a bomb may inflate to is held by each: two of them keep two cores busy.
_INFLATERS = 2

# What is on its way when the receiver stops may still come; what is not is not waited for.
_LAST_BYTES_S = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be in hand at once."""

    requests: int
    nbytes: int


def _busy(words: str, *, reason: str = "busy") -> Retryable:
    return Retryable(words, retry_after_s=spread_s(SENDER_RETRY_S), reason=reason)


@dataclass(slots=True, eq=False)
class _Share:
    """What is in hand of somebody, against bounds that one setting names."""

    bounds: Bounds
    suffix: str
    whose: str
    requests: int = 0
    nbytes: int = 0

    def see_one_more(self) -> None:
        if self.requests >= self.bounds.requests:
            raise _busy(
                f"{self.requests} requests{self.whose} are in hand, as many as "
                f"max_requests_in_hand{self.suffix} allows. Send again."
            )

    def see_room(self, more_bytes: int) -> None:
        if more_bytes > 0 and self.nbytes + more_bytes > self.bounds.nbytes:
            raise _busy(
                f"{self.nbytes} bytes of requests{self.whose} are in hand and {more_bytes} more "
                f"are over max_bytes_in_hand{self.suffix}. Send again."
            )

    def change(self, requests: int, more_bytes: int) -> None:
        self.requests += requests
        self.nbytes += more_bytes


def _stopping() -> Retryable:
    return _busy("The receiver is stopping. Send again.", reason="stopping")


class InHand:
    """Bound the requests in hand over all transports, so that no peer takes all there is."""

    def __init__(self, of_all: Bounds, of_each: Bounds) -> None:
        """Begin with none; ``of_each`` holds for every peer."""
        self._all = _Share(of_all, "", "")
        self._of_each = of_each
        self._peers: dict[str, _Share] = {}
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waits: set[asyncio.Timeout] = set()
        # Not the event loop's own threads, which anybody in this process may keep busy.
        self.inflaters = ThreadPoolExecutor(_INFLATERS, thread_name_prefix="agentpond-inflate")

    def hold(self, peer: str, identity: Identity | None = None) -> "Hold":
        """Take one more of a peer in hand, until the ``with`` block it opens ends.

        Raises:
            Retryable: there are as many as may be (``busy``), or no more are taken (``stopping``).

        """
        if self._closed:
            raise _stopping()
        self._all.see_one_more()
        name = network_of(peer)
        share = self._peers.get(name) or _Share(self._of_each, "_per_peer", f" of {name}")
        share.see_one_more()
        return Hold((self._all, share), peer, identity, lambda: self._note(name, share))

    def _note(self, peer: str, share: _Share) -> None:
        """Know the peers that have something in hand, and no others."""
        if share.requests:
            self._peers[peer] = share
        else:
            self._peers.pop(peer, None)

    def keep(self, task: "asyncio.Task[Any]") -> None:
        """Know a task until it is done, so that stopping can wait for it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def patience(self, until_s: float) -> AsyncIterator[None]:
        """Wait in the block for what a sender has still to send, until the loop's clock says so.

        Raises:
            Retryable: the receiver is stopping, and will not see the rest.
            TimeoutError: the time is over.

        """
        if self._closed:
            raise _stopping()
        try:
            async with asyncio.timeout_at(until_s) as wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError as error:
            if self._closed:
                raise _stopping() from error
            raise

    def close(self) -> None:
        """Take no more, and wait but a moment for senders."""
        self._closed = True
        for wait in self._waits:
            until_s = asyncio.get_running_loop().time() + _LAST_BYTES_S
            if not wait.expired() and until_s < (wait.when() or until_s):
                wait.reschedule(until_s)

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
    """One request in hand: the bytes it takes up, and who sent it."""

    def __init__(
        self,
        shares: tuple[_Share, _Share],
        peer: str,
        identity: Identity | None,
        noted: Callable[[], None],
    ) -> None:
        """Take up nothing yet; ``noted`` is called when that changes."""
        self._shares = shares
        self._noted = noted
        self._bytes = 0
        self.peer = peer
        self.identity = identity

    def see_room(self, nbytes: int) -> None:
        """Raise Retryable if so many bytes would not fit now; takes up none of them.

        For a length that is only claimed: who claims much and sends nothing must not keep
        out those who send.
        """
        for share in self._shares:
            share.see_room(nbytes - self._bytes)

    def resize(self, nbytes: int) -> None:
        """Take up this many bytes from now on; raises Retryable if there is no room."""
        self.see_room(nbytes)
        self._change(0, nbytes - self._bytes)
        self._bytes = nbytes

    def __enter__(self) -> Self:
        """Count the request."""
        self._change(1, 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give back the request and its bytes."""
        self._change(-1, -self._bytes)

    def _change(self, requests: int, more_bytes: int) -> None:
        for share in self._shares:
            share.change(requests, more_bytes)
        self._noted()
