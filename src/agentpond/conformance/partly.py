"""Judge partial successes: their counts, their words, and warnings. No sockets, no state."""

from .model import PASS, Answer, HttpAnswer, Judge, Shot, Silence, Verdict, fail, skip
from .reading import Unreadable, is_success, rejected, response_of

_OK = 200
_LEAST_WORDS = 3


def exactly(count: int) -> Judge:
    """Expect, if anything was rejected, that so many are told."""

    def judge(shot: Shot, answer: Answer) -> Verdict:
        told = _partial(shot, answer)
        if isinstance(told, Verdict):
            return told
        return PASS if told[0] == count else fail(f"should be {count} rejected, not {told[0]}")

    return judge


def rejects(count: int) -> Judge:
    """Expect that so many items are rejected and the others are taken."""

    def judge(shot: Shot, answer: Answer) -> Verdict:
        if not is_success(answer):
            return fail(f"should take the good items and reject {count} alone")
        told = rejected_count(shot, answer)
        return PASS if told == count else fail(f"should reject {count}, not {told}")

    return judge


def partly_ok(shot: Shot, answer: Answer) -> Verdict:
    """Expect 200, not any other success, where part was accepted."""
    told = _partial(shot, answer)
    if isinstance(told, Verdict):
        return told
    return PASS if not isinstance(answer, HttpAnswer) or answer.status == _OK else fail("not 200")


def explained(shot: Shot, answer: Answer) -> Verdict:
    """Expect words where something was rejected."""
    told = _partial(shot, answer)
    if isinstance(told, Verdict):
        return told
    return PASS if len(told[1].split()) >= _LEAST_WORDS else fail("should say why in words")


def warning(shot: Shot, answer: Answer) -> Verdict:
    """Expect of a warning that it rejects nothing and says something."""
    if not is_success(answer) or isinstance(answer, Silence):
        return skip("was not taken")
    try:
        response = response_of(shot, answer)
    except Unreadable as error:
        return fail(f"should be an Export response, and is {error}")
    if not response.HasField("partial_success"):
        return skip("gives no warning, and need not (MAY)")
    count, message = rejected(shot, response)
    if count:
        return skip("is no warning: something was rejected")
    return PASS if message else fail("should have a message: it has neither count nor words")


def rejected_count(shot: Shot, answer: Answer) -> int:
    """Count what a success says was rejected; none where it cannot be read (see rule 5)."""
    if isinstance(answer, Silence):
        return 0
    try:
        return rejected(shot, response_of(shot, answer))[0]
    except Unreadable:
        return 0


def _partial(shot: Shot, answer: Answer) -> tuple[int, str] | Verdict:
    """Give count and message where something was rejected, else why there is nothing to say."""
    if not is_success(answer) or isinstance(answer, Silence):
        return skip("was refused whole, or not answered")
    try:
        count, message = rejected(shot, response_of(shot, answer))
    except Unreadable as error:
        return fail(f"should be an Export response, and is {error}")
    return (count, message) if count else skip("nothing was rejected")
