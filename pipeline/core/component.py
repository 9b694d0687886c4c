"""Describe a component: what it must do, and how it is named, configured and built."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa

from .batch import Batch, Delivery, Dropped
from .counters import Counters
from .errors import Permanent
from .signal import Accepted, Request

Accept = Callable[[Request], Awaitable[Accepted]]
"""Take a request; return once it is durable. Raises Retryable or Permanent."""


class Kind(StrEnum):
    """What a component is; also the section of the configuration it stands in."""

    RECEIVER = "receivers"
    PROCESSOR = "processors"
    EXPORTER = "exporters"


def _as_it_comes() -> None:
    """Let every request in: nobody watches the memory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program gives a component, where its config is what the user set."""

    id: str
    logger: logging.Logger
    clock: Callable[[], int]
    """Unix time in nanoseconds."""
    state_directory: Path
    counters: Counters
    require_memory: Callable[[], None] = _as_it_comes
    """Ask before a body is read: raises Retryable while the service is short of memory."""


class Receiver(Protocol):
    """Takes requests from senders and answers them."""

    async def start(self, accept: Accept) -> None:
        """Open the doors; hand every request to ``accept`` and answer when it returns."""

    async def stop(self) -> None:
        """Refuse new requests, finish those in hand. Safe without start, and twice."""


@runtime_checkable
class Mountable(Protocol):
    """A receiver whose rims can live in a server of the host's own."""

    def http_app(self, accept: Accept) -> Any:
        """Give an ``aiohttp.web.Application`` to mount."""

    def add_to_grpc(self, server: Any, accept: Accept) -> None:
        """Add its services to a ``grpc.aio.Server`` that has not started yet."""


class Processor(Protocol):
    """Turns batches into batches: no clock, no I/O, no state from one call to the next."""

    @property
    def scope(self) -> Literal["batch", "session"]:
        """Whether it sees rows in flight or all events of the sessions that changed."""

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give what the batch becomes; rows left out are named in a ``Dropped``."""


class Exporter(Protocol):
    """Delivers rows. One instance serves all pipelines that name it, from their threads."""

    def start(self) -> None:
        """Open what is needed. Raises Retryable or Permanent."""

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Deliver; returning means delivered, but for the rows named as dropped.

        Raises:
            Retryable: the same delivery may be tried again.
            Permanent: it will never succeed.

        """

    def stop(self) -> None:
        """Close. Safe without start, and twice."""


@runtime_checkable
class Positioned(Protocol):
    """An exporter that commits the log position together with the rows."""

    def position(self, pipeline: str, log_id: str) -> int | None:
        """Give the end of the last delivery of this pipeline and log; None if there is none."""


class Query(Protocol):
    """A question to a store: one thread runs and closes it, any other may interrupt it."""

    def run(self) -> pa.RecordBatchReader:
        """Run it; rows are read as they are taken, and taking them raises what this raises.

        Raises:
            Permanent: the store refuses it, in the store's own words.
            Retryable: it was interrupted, or the store is not open.

        """

    def interrupt(self) -> None:
        """Have it end soon. Safe at any time; say it again if it does not end."""

    def close(self) -> None:
        """Let go of the store. Safe twice."""


@runtime_checkable
class Readable(Protocol):
    """An exporter that can also be read: a store."""

    def query(self, sql: str, *, max_rows: int | None = None) -> pa.Table:
        """Run a read-only query. Raises Permanent with the store's own words if it is refused."""

    def open_query(self, sql: str) -> Query:
        """Give a read-only query that has not run yet. Raises Retryable if not started."""

    @property
    def path(self) -> Path:
        """The file the store keeps."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A body that decoded: how many records it holds, and how many of them were refused."""

    records: int
    rejected: int = 0
    message: str = ""


class Codec(Protocol):
    """Turns request bodies into event batches, in two steps so that the first can answer.

    ``decode`` runs before the acknowledgement and judges each body; ``normalize`` runs in the
    pipeline on what one or more decode calls gave.
    """

    def decode(self, requests: Sequence[Request]) -> "tuple[Sequence[Taken | Permanent], Decoded]":
        """Judge each request, and decode all that were taken in as few calls as possible."""

    def normalize(self, placed: "Sequence[Placed]") -> list[Batch]:
        """Turn decoded requests into batches of the tables in ``schema``."""


class Decoded(Protocol):
    """What a codec made of the requests it took; only the codec looks inside."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory it holds."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Decoded requests with their places in the log, in the order they were taken."""

    decoded: Decoded
    positions: Sequence[int]
    received_at_ns: Sequence[int]


@dataclass(frozen=True, slots=True)
class Factory:
    """All there is to know of a component before it is built.

    ``config`` is a pydantic model; ``build`` makes the component from the user's config and
    the program's settings and opens nothing yet.
    """

    kind: Kind
    name: str
    config: type[Any]
    build: Callable[[Any, Settings], Any]

    @property
    def summary(self) -> str:
        """The first sentence of the config's docstring."""
        return (self.config.__doc__ or "").strip().split("\n", 1)[0]
