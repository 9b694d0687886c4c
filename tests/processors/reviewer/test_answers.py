"""What a model wrote becomes a review, or nothing of it is taken."""

import json
from typing import Any

import pytest

from agentpond.pipeline.processors.reviewer.answers import Finding, Review, Unusable, review_in

from .given import FINDING, REVIEW

TURNS = (1, 2, 3)
READ = Review(
    "It mended the test, at a price.",
    (Finding("warning", "loops", "It ran the same test 4 times.", 2, "Ask for a plan first."),),
)


def changed(**members: Any) -> str:
    """Write a review whose finding differs in some members."""
    return json.dumps({**REVIEW, "findings": [{**FINDING, **members}]})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(REVIEW),
        f"\n  {json.dumps(REVIEW, indent=2)}\n",
        f"```json\n{json.dumps(REVIEW)}\n```",
        f"```\n{json.dumps(REVIEW, indent=1)}\n```\n",
        f"Here is the review:\n\n```json\n{json.dumps(REVIEW)}\n```\nAnything else?",
        f"<think>\nWhat to say? {{}}\n</think>\n\n{json.dumps(REVIEW)}",
        changed(confidence="high"),
    ],
)
def test_a_review_is_read_bare_or_in_a_fence(text: str) -> None:
    told = review_in(text, TURNS)

    assert told == READ


def test_a_review_without_findings_is_one() -> None:
    told = review_in('{"summary": "All went well.", "findings": []}', TURNS)

    assert told == Review("All went well.", ())


def test_turn_and_advice_may_be_left_out() -> None:
    finding = {"severity": "info", "category": "cost", "message": "Cheap."}

    told = review_in(json.dumps({"summary": "Fine.", "findings": [finding]}), TURNS)

    assert told == Review("Fine.", (Finding("info", "cost", "Cheap."),))


def test_a_text_becomes_one_line_that_can_be_shown() -> None:
    told = review_in(changed(message="a\n\tb\x1b[31m\u0000c", category="Too many Loops!"), TURNS)

    assert told == Review(
        READ.summary,
        (Finding("warning", "too_many_loops", "a b [31m c", 2, "Ask for a plan first."),),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "its answer is no JSON"),
        ("I cannot help with that.", "its answer is no JSON"),
        (json.dumps(REVIEW)[:-5], "its answer is no JSON"),
        (f"{json.dumps(REVIEW)} and more", "its answer is no JSON"),
        ("[]", "its answer is not what was asked for"),
        ('{"summary": "Fine."}', "missing required field `findings`"),
        ('{"summary": "", "findings": []}', "`$.summary`"),
        ('{"summary": "\\u0007", "findings": []}', "texts without words"),
        (changed(severity="fatal"), "`$.findings[0].severity`"),
        (changed(severity="Warning"), "`$.findings[0].severity`"),
        (changed(message="x" * 1001), "`$.findings[0].message`"),
        (changed(message=None), "`$.findings[0].message`"),
        (changed(turn="2"), "`$.findings[0].turn`"),
        (changed(turn=2.5), "`$.findings[0].turn`"),
        (changed(turn=9), "speaks of turn 9, which there was not"),
        (json.dumps({**REVIEW, "findings": [FINDING] * 11}), "length <= 10 - at `$.findings`"),
    ],
)
def test_what_is_not_what_was_asked_for_is_of_no_use(text: str, reason: str) -> None:
    told = review_in(text, TURNS)

    assert isinstance(told, Unusable)
    assert reason in told.reason
