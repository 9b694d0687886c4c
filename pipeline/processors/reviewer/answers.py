"""Turn what a model wrote into a review, or say what is wrong with it.

Nothing of an answer is stored that is not what was asked for: a severity that there is not, a
turn that the session did not have or a text without end make all of it unusable.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
"""Models that think aloud do so in front of their answer."""
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(?P<told>.*?)\n?[ \t]*```", re.DOTALL)
_NO_WORD = re.compile(r"[^a-z0-9]+")

_MOST_REASON = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a model found in a session."""

    severity: Literal["info", "warning", "critical"]
    category: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    turn: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """The number of the turn it is about."""
    advice: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What a model makes of a session."""

    summary: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    findings: Annotated[tuple[Finding, ...], msgspec.Meta(max_length=10)]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an answer is of no use, in words."""

    reason: str


def review_in(text: str, turns: Collection[int]) -> Review | Unusable:
    """Read a review out of an answer, bare or in a fence; ``turns`` are the session's numbers."""
    bare = _THOUGHTS.sub("", text).strip()
    fenced = None if bare.startswith("{") else _FENCED.search(bare)
    try:
        told = msgspec.json.decode(fenced["told"] if fenced else bare, type=Review)
    except msgspec.ValidationError as error:
        return Unusable(
            f"its answer is not what was asked for ({_line(str(error))[:_MOST_REASON]})"
        )
    except msgspec.DecodeError:
        return Unusable("its answer is no JSON")
    strange = [each.turn for each in told.findings if each.turn and each.turn not in turns]
    if strange:
        return Unusable(f"its answer speaks of turn {strange[0]}, which there was not")
    return _plain(told)


def _plain(review: Review) -> Review | Unusable:
    """Give the same in texts that any store and terminal takes."""
    findings = tuple(
        Finding(
            each.severity,
            _NO_WORD.sub("_", each.category.lower()).strip("_") or "other",
            _line(each.message),
            each.turn,
            _line(each.advice or "") or None,
        )
        for each in review.findings
    )
    summary = _line(review.summary)
    if not summary or not all(each.message for each in findings):
        return Unusable("its answer has texts without words")
    return Review(summary, findings)


def _line(text: str) -> str:
    """Make one line of a text, of characters that can be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
