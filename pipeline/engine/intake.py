"""Turn single requests into durable groups: whoever comes while one is written joins the next.

No timer stands on the way to the answer: a request alone is written at once, and the busier
the disk, the larger the groups. When the pipelines are behind, what is not needed yet is not
decoded yet: the next group waits for one of them to get on.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ..core.component import Codec, Decoded, Taken
from ..core.errors import Permanent, Retryable
from ..core.later import SENDER_RETRY_S
from ..core.signal import Accepted, Request
from .backlog import Backlog, Group, group
from .contract import Log, too_large
from .frame import Entry, frame_bytes
from .watch import call_threadsafe

logger = logging.getLogger("agentpond.intake")

Answer = Accepted | Retryable | Permanent

# Larger ones gain nothing (decode costs 1.4 ms a call and 5 us a record) and hold memory.
_GROUP_BYTES = 4 << 20
WAITING_BYTES = 64 << 20

# Whoever was refused is back by then, if he comes back.
_REFUSAL_LASTS_S = 2 * SENDER_RETRY_S

# Long enough that a bug hit by every request does not become a storm of them.
_AFTER_BUG_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    request: Request
    future: asyncio.Future[Accepted]
    nbytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    """What the codec made of one receiver's requests; ``numbers`` are their places in a group."""

    numbers: list[int]
    verdicts: Sequence[Taken | Permanent]
    decoded: Decoded


class Intake:
    """Decodes, appends and answers, one group at a time in a thread of its own."""

    def __init__(
        self,
        log: Log,
        codec: Codec,
        backlog: Backlog,
        *,
        group_bytes: int = _GROUP_BYTES,
        waiting_bytes: int = WAITING_BYTES,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts.

        A group is closed when it reaches ``group_bytes``; requests are refused while those in
        hand reach ``waiting_bytes``.
        """
        self._log = log
        self._codec = codec
        self._backlog = backlog
        # A group that is longer than the log would never be taken, though its parts would.
        self._group_bytes = min(group_bytes, log.capacity_bytes)
        self._max_waiting_bytes = waiting_bytes
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._suspects: deque[_Waiting] = deque()
        self._nbytes = 0
        self._accepted_records = 0
        self._clock_s = clock_s
        self._told = False
        self._refusal = ""
        self._refused_at_s = 0.0
        self._worker: ThreadPoolExecutor | None = None
        self._open = False
        self._working = False
        self._idle: list[asyncio.Future[None]] = []

    @property
    def accepted_records(self) -> int:
        """Records appended to the log since the start."""
        return self._accepted_records

    @property
    def is_idle(self) -> bool:
        """Whether no request waits or is being written."""
        with self._lock:
            return not self._working

    @property
    def trouble(self) -> str:
        """What the log said to those it refused a moment ago; empty if it takes requests."""
        is_past = self._clock_s() - self._refused_at_s > _REFUSAL_LASTS_S
        return "" if is_past else self._refusal

    def start(self) -> None:
        """Open for requests."""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="agentpond-intake")
        self._open = True

    async def accept(self, request: Request) -> Accepted:
        """Return when the request is durable.

        Raises:
            Retryable: ``busy``, ``stopping``, ``not_started``, or what the log said.
            Permanent: the body does not decode, or never fits the log (``too_large``).

        """
        nbytes = frame_bytes(request)
        if nbytes > self._log.capacity_bytes:
            raise too_large(nbytes, self._log.capacity_bytes)
        waiting = _Waiting(request, asyncio.get_running_loop().create_future(), nbytes)
        with self._lock:
            self._admit(waiting)
            begin, self._working = not self._working, True
        if begin:
            self._next()
        return await waiting.future

    async def close(self) -> None:
        """Refuse new requests and finish those in hand. Safe without start, and twice."""
        idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._open = False
            if self._working:
                self._idle.append(idle)
            else:
                idle.set_result(None)
        await idle
        if self._worker is not None:
            self._worker.shutdown()

    def _admit(self, waiting: _Waiting) -> None:
        if not self._open:
            begun = self._worker is not None
            raise Retryable(
                "the service is stopping. Try again in a while."
                if begun
                else "the service has not started yet. Try again in a while.",
                reason="stopping" if begun else "not_started",
            )
        if self._nbytes and self._nbytes + waiting.nbytes > self._max_waiting_bytes:
            raise Retryable(
                f"busy: {self._nbytes} bytes of requests wait to be written, the limit is "
                f"{self._max_waiting_bytes}. Try again in a while.",
                reason="busy",
            )
        self._waiting.append(waiting)
        self._nbytes += waiting.nbytes

    def _next(self) -> None:
        """Set to work on all that waits; when nothing does, tell who waits for that."""
        with self._lock:
            self._working = bool(self._suspects or self._waiting)
            idle = [] if self._working else self._idle
            self._idle = [] if idle else self._idle
            begin = self._working
        for future in idle:
            call_threadsafe(future.get_loop(), partial(_finish, future))
        if begin and self._worker is not None:
            chosen: list[_Waiting] = []
            done = self._worker.submit(self._turn, chosen)
            done.add_done_callback(partial(self._settle, chosen))

    def _turn(self, chosen: list[_Waiting]) -> list[Answer]:
        """Choose a group as late as can be, so that it is large, and commit it."""
        self._backlog.wait_for_room()
        with self._lock:
            chosen += self._choose()
        return self._commit([waiting.request for waiting in chosen])

    def _choose(self) -> list[_Waiting]:
        if self._suspects:
            return [self._suspects.popleft()]
        chosen: list[_Waiting] = []
        nbytes = 0
        while self._waiting:
            nbytes += self._waiting[0].nbytes
            if chosen and nbytes > self._group_bytes:
                break
            chosen.append(self._waiting.popleft())
        return chosen

    def _settle(self, chosen: list[_Waiting], done: Future[list[Answer]]) -> None:
        """Answer a group, or, if a bug broke it, try its requests one by one."""
        bug = done.exception()
        if bug is not None and len(chosen) > 1:
            with self._lock:
                self._suspects.extend(chosen)
        else:
            self._answer(chosen, done.result() if bug is None else [_broken(bug)])
        self._next()

    def _answer(self, chosen: list[_Waiting], answers: Sequence[Answer]) -> None:
        with self._lock:
            self._nbytes -= sum(waiting.nbytes for waiting in chosen)
        loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Accepted], Answer]]] = {}
        for waiting, answer in zip(chosen, answers, strict=True):
            pairs = loops.setdefault(waiting.future.get_loop(), [])
            pairs.append((waiting.future, answer))
        for loop, pairs in loops.items():
            call_threadsafe(loop, partial(_resolve, pairs))

    def _commit(self, requests: list[Request]) -> list[Answer]:
        """Decode, append and offer a group; give the answer to each request, in order."""
        try:
            # Before decoding, so that a full log costs nothing.
            self._log.require_room(sum(frame_bytes(request) for request in requests))
        except Retryable as error:
            self._note_refusal(error)
            return [error] * len(requests)
        parts = [self._decode(requests, numbers) for numbers in _by_receiver(requests)]
        answers: dict[int, Answer] = {}
        entries: list[Entry] = []
        owners: list[tuple[int, Taken]] = []
        for part in parts:
            for number, verdict in zip(part.numbers, part.verdicts, strict=True):
                if isinstance(verdict, Permanent):
                    answers[number] = verdict
                else:
                    owners.append((number, verdict))
                    entries.append(Entry(requests[number], verdict.records))
        try:
            positions = self._log.append(entries) if entries else []
        except Retryable as error:
            self._note_refusal(error)
            answers.update({number: error for number, _ in owners})
        else:
            if entries:
                self._note_success()
            self._backlog.offer(_groups(parts, entries, positions))
            self._accepted_records += sum(entry.records for entry in entries)
            for (number, taken), position in zip(owners, positions, strict=True):
                answers[number] = _accepted(taken, position)
        return [answers[number] for number in range(len(requests))]

    def _note_refusal(self, error: Retryable) -> None:
        if not self._told:
            logger.warning("requests are refused: %s", error)
        self._told, self._refusal, self._refused_at_s = True, str(error), self._clock_s()

    def _note_success(self) -> None:
        # At the brink some are taken and some are refused: that is told once.
        if self._told and self._clock_s() - self._refused_at_s > _REFUSAL_LASTS_S:
            logger.info("requests are taken again.")
            self._told = False
        self._refusal = ""

    def _decode(self, requests: list[Request], numbers: list[int]) -> _Part:
        verdicts, decoded = self._codec.decode([requests[number] for number in numbers])
        return _Part(numbers, verdicts, decoded)


def _by_receiver(requests: Sequence[Request]) -> list[list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, request in enumerate(requests):
        numbers.setdefault(request.receiver, []).append(number)
    return list(numbers.values())


def _groups(
    parts: Sequence[_Part], entries: Sequence[Entry], positions: Sequence[int]
) -> list[Group]:
    groups = []
    at = 0
    for part in parts:
        end = at + sum(isinstance(verdict, Taken) for verdict in part.verdicts)
        if end > at:
            groups.append(group(entries[at:end], positions[at:end], part.decoded))
        at = end
    return groups


def _accepted(taken: Taken, position: int) -> Accepted:
    return Accepted(position, taken.records, taken.rejected, taken.message)


def _broken(bug: BaseException) -> Retryable:
    """Refuse so that no data is lost: a sender gives up what it is told never to send again."""
    if isinstance(bug, MemoryError):
        logger.error("intake: no memory to decode a request: %s", bug)
        return Retryable("busy: there is no memory to decode this request. Send again.")
    logger.error("intake: a request could not be taken because of a bug", exc_info=bug)
    return Retryable(
        f"this request cannot be taken because of a bug ({type(bug).__name__}: {bug}). "
        f"The service's log has the traceback; please report it, and send again.",
        retry_after_s=_AFTER_BUG_S,
        reason="bug",
    )


def _resolve(pairs: list[tuple[asyncio.Future[Accepted], Answer]]) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if isinstance(answer, Accepted):
            future.set_result(answer)
        else:
            future.set_exception(answer)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
