"""Combine what is sent with how: signals, transports and compressions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..model import Act, Case, Check, Compression, Shot, Signal, Transport, Wanted, send
from ..writing import written

BOTH = tuple(Compression)
PLAIN = (Compression.NONE,)


@dataclass(frozen=True, slots=True)
class Way:
    """How a request is sent, and when its telemetry says it happened."""

    signal: Signal
    transport: Transport
    compression: Compression
    at_ns: int

    @property
    def http(self) -> bool:
        """Whether it goes over HTTP."""
        return self.transport is not Transport.GRPC

    def message(self, words: str, make: Callable[[Signal, int], Any], **more: Any) -> Shot:
        """Send a protobuf message, which is made when it is needed."""
        body = partial(_written, make, self)
        return self.raw(words, body, **more)

    def raw(self, words: str, body: Callable[[], bytes], **more: Any) -> Shot:
        """Send bytes."""
        return Shot(words, self.signal, self.transport, self.compression, body, **more)


def ways(
    transport: Transport, wanted: Wanted, compressions: tuple[Compression, ...] = PLAIN
) -> Iterator[Way]:
    """Yield each signal with each compression."""
    for signal in wanted.signals:
        for compression in compressions:
            yield Way(signal, transport, compression, wanted.at_ns)


def case(
    shot: Shot, *checks: Check, act: Act = send, alone: bool = False, patience: float = 1.0
) -> Case:
    """Put a shot and its checks together."""
    return Case(shot, checks, act, alone, patience)


def heads(**headers: str | None) -> Mapping[str, str | None]:
    """Name headers as Python names: ``content_type`` is ``Content-Type``."""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


def _written(make: Callable[[Signal, int], Any], way: Way) -> bytes:
    return written(make(way.signal, way.at_ns), way.transport)
