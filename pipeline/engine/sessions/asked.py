"""Turn what is asked of session-scope processors, and what is answered, into lines and back."""

from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar, cast

import msgspec

from ...core.errors import Permanent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """Sessions to process now."""

    processor: str | None = None
    """Only this one; else all, those first whose rows others read."""
    session_id: str | None = None
    everything: bool = False
    """Also the sessions that a processor is up to date with."""

    def to_json(self) -> str:
        """Write it as one line."""
        return _line(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it. Raises Permanent if it is something else."""
        return _read_asked(text, cls, "process")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a processor has come with what it was asked for."""

    processor: str
    done: int
    """Sessions it ran on, of ``of``, with those it failed on; where costs are made, rows so far."""
    of: int
    rows: int
    """Rows it made, whether they are others than before or not."""
    failed: int
    """Sessions it failed on; the store's processor_state has the errors."""

    def to_json(self) -> str:
        """Write it as one line."""
        return _line(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it. Raises Permanent if it is something else."""
        return _read(text, cls, "process: the answer")


@dataclass(frozen=True, slots=True)
class RepriceAsked:
    """Costs to make again, from tokens that are stored."""

    since_us: int | None = None
    """Of calls since then (Unix microseconds); else of all."""
    prices: str | None = None
    """The text of a price file, as pipeline.pricing.own reads it; else the ledger's own."""

    def to_json(self) -> str:
        """Write it as one line."""
        return _line(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it. Raises Permanent if it is something else."""
        return _read_asked(text, cls, "reprice")


@dataclass(frozen=True, slots=True)
class Repriced:
    """What new prices changed, for one provider and model."""

    provider: str | None
    model: str | None
    calls: int
    changed: int
    before_usd: float | None
    after_usd: float | None
    unpriced_before: int
    unpriced_after: int

    def to_json(self) -> str:
        """Write it as one line."""
        return _line(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it. Raises Permanent if it is something else."""
        return _read(text, cls, "reprice: the answer")


Told = Progress | Repriced
"""What is told of a request while it runs."""


def repricing_line(text: str | bytes) -> Told:
    """Read a line of an answer to reprice. Raises Permanent if it is none."""
    told = _read(text, dict[str, object], "reprice: the answer")
    return Progress.from_json(text) if "processor" in told else Repriced.from_json(text)


def _line(value: "Asked | RepriceAsked | Told") -> str:
    return msgspec.json.encode(value).decode()


def _read_asked(text: str | bytes, kind: type[T], what: str) -> T:
    """Read a request; one that was not understood whole would do something else."""
    # The site reads `exporter` before it knows whose request it is.
    known = [*(field.name for field in fields(cast("type[Any]", kind))), "exporter"]
    unknown = _read(text, dict[str, object], what).keys() - known
    if unknown:
        raise Permanent(
            f"{what}: unknown: {', '.join(sorted(unknown))}. Known: {', '.join(known)}.",
            reason="bad_request",
        )
    return _read(text, kind, what)


def _read(text: str | bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Permanent(
            f"{what}: not what is expected: {error}. Send JSON as the documentation has it.",
            reason="bad_request",
        ) from error
