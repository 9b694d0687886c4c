"""Name what the watch asks of a judging process, and what it is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutants:
    """Judge the inputs ``first`` to ``first + count`` of a seed; each is answered."""

    target: str
    seed: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Input:
    """Judge one input."""

    target: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """A law that was broken: words that tell failures apart, and what is known of it."""

    kind: str
    story: str
