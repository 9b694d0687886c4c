"""Hand what an iterator gives in a thread of its own to the event loop, item by item."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, closing
from enum import Enum
from functools import partial
from typing import TypeVar

from ...core.errors import Retryable
from ..watch import call_threadsafe
from .asked import Progress
from .insist import Fault, attempt

T = TypeVar("T")


class _End(Enum):
    END = "end"


async def stream(make: Callable[[], Generator[T, None, None]]) -> AsyncGenerator[T, None]:
    """Yield what an iterator gives, and raise what it raises.

    Its thread is a daemon: a processor that hangs must not keep the program from ending. If
    this is closed, the iterator is closed behind the item it is at.
    """
    loop = asyncio.get_running_loop()
    given: asyncio.Queue[T | Retryable | Fault | _End] = asyncio.Queue()
    given_up = threading.Event()

    def put(item: T | Retryable | Fault | _End) -> None:
        call_threadsafe(loop, partial(given.put_nowait, item))

    args = (make, put, given_up)
    threading.Thread(target=_run, args=args, name="agentpond-asked", daemon=True).start()
    try:
        while not isinstance(item := await given.get(), _End):
            if isinstance(item, Retryable):
                raise item
            if isinstance(item, Fault):
                raise item.error
            yield item
    finally:
        given_up.set()


async def last_of(told: AsyncIterator[Progress]) -> tuple[Progress, ...]:
    """Wait for the end; give the last that was told of each processor."""
    last: dict[str, Progress] = {}
    async for progress in told:
        last[progress.processor] = progress
    return tuple(last.values())


async def finished(make: Callable[[], Generator[Progress, None, None]]) -> tuple[Progress, ...]:
    """Run an iterator in a thread to its end; give the last that was told of each processor."""
    async with aclosing(stream(make)) as told:
        return await last_of(told)


def _run(
    make: Callable[[], Generator[T, None, None]],
    put: Callable[[T | Retryable | Fault | _End], None],
    given_up: threading.Event,
) -> None:
    items = attempt(make)
    if isinstance(items, Retryable | Fault):
        put(items)
        return
    with closing(items):
        while not given_up.is_set():
            item = attempt(lambda: next(items, _End.END))
            put(item)
            if isinstance(item, Retryable | Fault | _End):
                break
