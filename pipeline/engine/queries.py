"""Turn SQL into an answer in Arrow's stream format: a few at once, in threads of their own.

The event loop's default threads stay free: a slow query must not hold up who receives.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import pyarrow as pa

from ..core.component import Query, Readable
from ..core.errors import Permanent, Retryable

# A store may not hear the first time: DuckDB forgets it when the next statement begins.
_INTERRUPT_AGAIN_S = 0.1

# What does not listen (one call of a function that makes a huge value) is left behind.
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What queries may take, all of them and each."""

    at_once: int = 2
    """Queries that run, and answers that are held, at the same time; others wait."""
    timeout_s: float = 300.0
    """Seconds for a query to run, and again for its answer to be sent."""
    answer_bytes: int = 256 << 20
    """Bytes of one answer."""


class Queries:
    """Run queries until they end, are too slow, or nobody waits for them any more."""

    def __init__(self, limits: Limits) -> None:
        """Run none yet."""
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.at_once, thread_name_prefix="agentpond-query")
        self._turns = asyncio.Semaphore(limits.at_once)
        self._running: dict[asyncio.Future[memoryview], _Work] = {}
        self._stopped = False

    @asynccontextmanager
    async def answer(self, store: Readable, sql: str) -> AsyncIterator[memoryview]:
        """Give a query's answer, which takes up a turn until the block ends.

        If the caller is cancelled the query is interrupted.

        Raises:
            Permanent: the store refuses the query, it took too long or its answer is too large.
            Retryable: the store cannot answer now.

        """
        async with self._turns:
            yield await self._ask(store, sql)

    async def stop(self) -> None:
        """Interrupt what runs, and take no more. Safe twice."""
        self._stopped = True
        running = dict(self._running)
        for ended, work in running.items():
            self._interrupt(ended, work)
        if running:
            await asyncio.wait(running, timeout=_STOP_S)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, store: Readable, sql: str) -> memoryview:
        if self._stopped:
            raise Retryable("query: the service is stopping. Ask again.", reason="stopping")
        work = _Work(store, sql, self._limits.answer_bytes)
        ended = asyncio.get_running_loop().run_in_executor(self._threads, work.answer)
        self._running[ended] = work
        ended.add_done_callback(self._running.pop)
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                return await asyncio.shield(ended)
        except TimeoutError as error:
            raise _too_slow(self._limits.timeout_s) from error
        finally:
            self._interrupt(ended, work)

    def _interrupt(self, ended: "asyncio.Future[memoryview]", work: "_Work") -> None:
        if not ended.done():
            work.give_up()
            again = asyncio.get_running_loop().call_later
            again(_INTERRUPT_AGAIN_S, self._interrupt, ended, work)


class _Work:
    """One query: a thread answers it, the event loop may give it up."""

    def __init__(self, store: Readable, sql: str, limit_bytes: int) -> None:
        self._store = store
        self._sql = sql
        self._limit_bytes = limit_bytes
        self._query: Query | None = None
        self._given_up = False

    def answer(self) -> memoryview:
        # Nobody waits for what was given up before its turn in the threads came.
        self._go_on()
        with closing(self._store.open_query(self._sql)) as query:
            # In this order, and in give_up() in the other: one of the two always sees it.
            self._query = query
            self._go_on()
            return _written(query.run(), self._limit_bytes)

    def give_up(self) -> None:
        self._given_up = True
        if self._query is not None:
            self._query.interrupt()

    def _go_on(self) -> None:
        if self._given_up:
            raise Retryable("query: it was given up. Ask again.", reason="interrupted")


def _written(rows: pa.RecordBatchReader, limit_bytes: int) -> memoryview:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        for batch in rows:
            if sink.tell() + batch.nbytes > limit_bytes:
                raise _too_large(limit_bytes)
            stream.write_batch(batch)
    return sink.getbuffer()


def _too_large(limit_bytes: int) -> Permanent:
    return Permanent(
        f"query: the answer is over {limit_bytes} bytes. Add LIMIT, name fewer columns, or sum up.",
        reason="answer_too_large",
    )


def _too_slow(timeout_s: float) -> Permanent:
    return Permanent(
        f"query: no answer within {timeout_s:g} s. Narrow it with WHERE, for one by received_at.",
        reason="query_too_slow",
    )
