"""Say what is sent, what comes back, and how it is judged: the words of the whole suite."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Signal(StrEnum):
    """What a request holds; OpenTelemetry's word."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class Transport(StrEnum):
    """How a request travels and is written."""

    GRPC = "gRPC"
    PROTOBUF = "HTTP/protobuf"
    JSON = "HTTP/JSON"


class Compression(StrEnum):
    """How a body is compressed."""

    NONE = "none"
    GZIP = "gzip"


class Level(StrEnum):
    """How strongly a rule is put, in the words of RFC 2119 where it uses them."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    SAYS = "says"
    """The specification says so, without one of the words above."""
    PRACTICE = "practice"
    """Not in the specification; without it data is lost or nobody learns why."""


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True, slots=True)
class Shot:
    """One export request. ``body`` makes the bytes when they are needed: some are large."""

    words: str
    signal: Signal
    transport: Transport
    compression: Compression
    body: Callable[[], bytes]
    method: str = "POST"
    path: str | None = None
    """Instead of the signal's own path."""
    headers: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    """Headers to send instead of the usual ones; None leaves one out."""
    anonymous: bool = False
    """Leave out the headers that the user gave, which may hold a token."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP response; ``interim`` holds the 1xx statuses that came before it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    interim: tuple[int, ...] = ()

    def header(self, name: str) -> str | None:
        """Give a header's value, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class GrpcAnswer:
    """A gRPC status with its trailers; ``body`` is None unless the call succeeded."""

    code: str
    message: str
    trailers: tuple[tuple[str, bytes], ...] = ()
    body: bytes | None = None

    def trailer(self, name: str) -> bytes | None:
        """Give a trailer's value, or None."""
        return next((value for key, value in self.trailers if key == name), None)


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer that could be read, and why."""

    why: str


Answer = HttpAnswer | GrpcAnswer | Silence


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a check ended, and why unless it passed."""

    outcome: Outcome
    why: str = ""


PASS = Verdict(Outcome.PASS)


def fail(why: str) -> Verdict:
    """Say what should have come."""
    return Verdict(Outcome.FAIL, why)


def skip(why: str) -> Verdict:
    """Say why nothing can be said."""
    return Verdict(Outcome.NOT_APPLICABLE, why)


Judge = Callable[[Shot, Answer], Verdict]
Act = Callable[[Any, Shot], Awaitable[Answer]]
"""Send a shot over a line, in whatever way the case is about, and give what came of it."""


async def send(line: Any, shot: Shot) -> Answer:
    """Send a shot as any exporter would."""
    answer: Answer = await line.send(shot)
    return answer


@dataclass(frozen=True, slots=True)
class Check:
    """One rule that an answer is held against; ``level`` where it is not the rule's own."""

    rule: int
    judge: Judge
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A shot, the way it is sent, and what its answer is held against."""

    shot: Shot
    checks: tuple[Check, ...]
    act: Act = send
    alone: bool = False
    """Whether nothing else may be under way: it is large, or about many at once."""
    patience: float = 1.0
    """How many times the usual time it may take: it sends more than one request, or a lot."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one check of one case ended at one endpoint."""

    rule: int
    level: Level
    outcome: Outcome
    why: str
    endpoint: str = ""
    words: str = ""
    signal: str = ""
    transport: str = ""
    compression: str = ""
    sent: str = ""
    came: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for, as far as it decides which cases there are."""

    signals: tuple[Signal, ...] = tuple(Signal)
    rules: frozenset[int] = frozenset()
    """Only these; all of them where it is empty."""
    max_request_bytes: int = 64 * 1024**2
    at_ns: int = 1_700_000_000_000_000_000
    """The time that the telemetry tells."""
    busy: bool = False
    quick: bool = False
    token: bool = False
    """Whether the user gave headers, so that one can see what comes without them."""
