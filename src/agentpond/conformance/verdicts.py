"""Judge answers: each function here is one expectation, or makes one. No sockets, no state."""

import re
from collections.abc import Collection
from dataclasses import replace
from email.utils import parsedate_to_datetime

from google.rpc import error_details_pb2

from .lines_http import CONTENT_TYPES
from .model import (
    PASS,
    Answer,
    GrpcAnswer,
    HttpAnswer,
    Judge,
    Shot,
    Silence,
    Transport,
    Verdict,
    fail,
    skip,
)
from .partly import rejected_count, warning
from .reading import (
    Unreadable,
    detail,
    is_success,
    media_type,
    rejected,
    response_of,
    retry_delay_s,
    status_of,
)

RETRYABLE_CODES = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
RESPONSE_LIMIT_BYTES = 4 * 1024**2
# Longer than the official exporters go on trying (Python 64 s, the Collector 300 s), so
# whoever is asked to wait longer drops the data.
LONGEST_DELAY_S = 300.0
_ERROR = 400
_OK = 200


def taken(shot: Shot, answer: Answer) -> Verdict:
    """Expect success with nothing rejected."""
    if not is_success(answer):
        return fail("should be taken")
    count = rejected_count(shot, answer)
    return PASS if not count else fail(f"should be taken whole: {count} rejected")


def refused(shot: Shot, answer: Answer) -> Verdict:
    """Expect anything but success, as long as it is an answer."""
    if isinstance(answer, Silence):
        return fail("should be refused with an answer")
    return fail(f"should be refused: {shot.words}") if is_success(answer) else PASS


def refused_or_rejected(shot: Shot, answer: Answer) -> Verdict:
    """Expect a refusal as bad data, or at least one item rejected."""
    if is_success(answer):
        return PASS if rejected_count(shot, answer) else fail("should be refused or rejected")
    return bad_data(shot, answer)


def bad_data(shot: Shot, answer: Answer) -> Verdict:
    """Expect 400 or INVALID_ARGUMENT."""
    return statuses(400)(shot, answer) if _http(answer) else codes("INVALID_ARGUMENT")(shot, answer)


def statuses(*wanted: int) -> Judge:
    """Expect one of some HTTP statuses."""

    def judge(_: Shot, answer: Answer) -> Verdict:
        got = isinstance(answer, HttpAnswer) and answer.status in wanted
        return PASS if got else fail(f"should be {' or '.join(map(str, wanted))}")

    return judge


def codes(*wanted: str) -> Judge:
    """Expect one of some gRPC codes."""

    def judge(_: Shot, answer: Answer) -> Verdict:
        got = isinstance(answer, GrpcAnswer) and answer.code in wanted
        return PASS if got else fail(f"should be {' or '.join(wanted)}")

    return judge


def not_statuses(*unwanted: int) -> Judge:
    """Expect any HTTP status but some."""

    def judge(_: Shot, answer: Answer) -> Verdict:
        if isinstance(answer, HttpAnswer) and answer.status not in unwanted:
            return PASS
        return fail(f"should not be {' or '.join(map(str, unwanted))}")

    return judge


def not_codes(unwanted: Collection[str]) -> Judge:
    """Expect any gRPC code but some."""

    def judge(_: Shot, answer: Answer) -> Verdict:
        if isinstance(answer, GrpcAnswer) and answer.code not in unwanted:
            return PASS
        return fail(f"should not be {' or '.join(sorted(unwanted))}")

    return judge


def over_limit(shot: Shot, answer: Answer) -> Verdict:
    """Expect 413, or RESOURCE_EXHAUSTED that clients will not retry."""
    if _http(answer):
        return statuses(413)(shot, answer)
    verdict = codes("RESOURCE_EXHAUSTED")(shot, answer)
    if verdict is PASS and isinstance(answer, GrpcAnswer) and _delay_s(shot, answer) is not None:
        return fail("should be without RetryInfo: with it clients send the same again for ever")
    return verdict


def if_taken(shot: Shot, answer: Answer) -> Verdict:
    """Expect success where the rule only allows it."""
    verdict = taken(shot, answer)
    return verdict if verdict is PASS else skip("is not taken, and need not be (MAY)")


def asks_who(shot: Shot, answer: Answer) -> Verdict:
    """Expect, of a receiver that asks for a token, that it says so in a way clients know."""
    if is_success(answer):
        return skip("asks for no token")
    if _http(answer):
        return statuses(401, 403)(shot, answer)
    return codes("UNAUTHENTICATED", "PERMISSION_DENIED")(shot, answer)


def unset(shot: Shot, answer: Answer) -> Verdict:
    """Expect partial_success to be unset in a full success; a warning is another matter."""
    if not is_success(answer) or isinstance(answer, Silence):
        return skip("was not taken: see rule 1")
    try:
        response = response_of(shot, answer)
    except Unreadable as error:
        return fail(f"should be an Export response, and is {error}")
    if not response.HasField("partial_success"):
        return PASS
    count, message = rejected(shot, response)
    if count:
        return fail("should have no partial_success: nothing is wrong with this request")
    return (
        skip("has a warning: see rule 9") if message else fail("should be unset, not all-default")
    )


def reads_as_unset(shot: Shot, answer: Answer) -> Verdict:
    """Expect a full success to say that nothing was rejected, set or unset."""
    verdict = unset(shot, answer)
    return PASS if "all-default" in verdict.why else verdict


def warned(shot: Shot, answer: Answer) -> Verdict:
    """Expect that data which is dropped unseen is told of: refused, or taken with a warning."""
    if not is_success(answer):
        return refused(shot, answer)
    verdict = warning(shot, answer)
    silent = "gives no warning" in verdict.why
    return fail("should warn: the sender cannot see that data is dropped") if silent else verdict


def on_purpose(_: Shot, answer: Answer) -> Verdict:
    """Expect an answer that somebody meant: no 5xx, no UNKNOWN, no INTERNAL."""
    if isinstance(answer, HttpAnswer):
        return PASS if answer.status < 500 else fail("should not be a 5xx")  # noqa: PLR2004
    if isinstance(answer, GrpcAnswer):
        bug = answer.code in {"UNKNOWN", "INTERNAL"}
        return fail("should not be UNKNOWN or INTERNAL") if bug else PASS
    return fail("should be answered")


def same_type(shot: Shot, answer: Answer) -> Verdict:
    """Expect the request's Content-Type."""
    if not isinstance(answer, HttpAnswer):
        return skip("there is no answer")
    wanted = CONTENT_TYPES[shot.transport]
    if media_type(answer) == wanted:
        return PASS
    return fail(f"should be Content-Type: {wanted}, not {answer.header('Content-Type') or 'none'}")


def same_type_if_taken(shot: Shot, answer: Answer) -> Verdict:
    """Expect the request's Content-Type of a success."""
    return same_type(shot, answer) if is_success(answer) else skip("was not taken")


def is_200(_: Shot, answer: Answer) -> Verdict:
    """Expect of a success that it is 200."""
    if not isinstance(answer, HttpAnswer) or not is_success(answer):
        return skip("was not taken: see rule 1")
    return PASS if answer.status == _OK else fail("should be 200")


def is_status(shot: Shot, answer: Answer) -> Verdict:
    """Expect a refusal's body to be a Status that describes the problem, in its encoding."""
    if not isinstance(answer, HttpAnswer):
        return fail("should be answered with a Status")
    if answer.status < _ERROR:
        return skip("was not refused")
    if not answer.body:
        return fail("should be a Status that describes the problem, and is empty")
    try:
        status = status_of(shot, answer)
    except Unreadable as error:
        return fail(f"should be a Status, and is {error}")
    if not status.message and not status.details:
        return fail("should describe the problem: neither message nor details")
    return same_type(shot, answer)


def is_any_status(shot: Shot, answer: Answer) -> Verdict:
    """Expect a Status in either encoding, where the request itself has none of the two."""
    if isinstance(answer, HttpAnswer) and media_type(answer) == CONTENT_TYPES[Transport.JSON]:
        return is_status(replace(shot, transport=Transport.JSON), answer)
    return is_status(replace(shot, transport=Transport.PROTOBUF), answer)


def measured(shot: Shot, answer: Answer) -> Verdict:
    """Expect that a body without a length is refused: nobody would read it."""
    if is_success(answer):
        return skip("is taken for an empty request, which HTTP allows (RFC 9112, 6.3)")
    return statuses(411, 400)(shot, answer)


def says(pattern: str, what: str) -> Judge:
    """Expect that a refusal's message has a word in it."""

    def judge(shot: Shot, answer: Answer) -> Verdict:
        if not isinstance(answer, HttpAnswer) or answer.status < _ERROR:
            return skip("was not refused")
        try:
            message = str(status_of(shot, answer).message)
        except Unreadable:
            return fail(f"should {what}, in a Status")
        return PASS if re.search(pattern, message) else fail(f"should {what}")

    return judge


def bad_request_details(shot: Shot, answer: Answer) -> Verdict:
    """Expect a BadRequest in the details of a 400."""
    if not isinstance(answer, HttpAnswer) or answer.status != _ERROR:
        return skip("is no 400")
    try:
        found = detail(status_of(shot, answer), error_details_pb2.BadRequest)
    except Unreadable as error:
        return fail(f"should hold BadRequest, and is {error}")
    return PASS if found is not None else fail("should hold BadRequest in Status.details")


def header(name: str, pattern: str) -> Judge:
    """Expect a header that fits a pattern."""

    def judge(_: Shot, answer: Answer) -> Verdict:
        if not isinstance(answer, HttpAnswer):
            return fail("should be answered")
        fits = re.search(pattern, answer.header(name) or "")
        return PASS if fits else fail(f"should have {name}: {pattern}")

    return judge


def small(_: Shot, answer: Answer) -> Verdict:
    """Expect an answer, of at most 4 MiB."""
    if isinstance(answer, Silence):
        return fail("should be answered, with at most 4 MiB")
    told = answer.body or b"" if isinstance(answer, HttpAnswer | GrpcAnswer) else b""
    return PASS if len(told) <= RESPONSE_LIMIT_BYTES else fail("should be at most 4 MiB")


def gzip_if_any(shot: Shot, answer: Answer) -> Verdict:
    """Expect that a compressed response can be inflated, where it is one."""
    if not isinstance(answer, HttpAnswer) or not is_success(answer):
        return skip("was not taken: see rule 1")
    if "gzip" not in (answer.header("Content-Encoding") or ""):
        return skip("is not compressed, and need not be (MAY)")
    try:
        response_of(shot, answer)
    except Unreadable as error:
        return fail(f"should inflate to an Export response, and is {error}")
    return PASS


def delay(shot: Shot, answer: Answer) -> Verdict:
    """Expect of RetryInfo, which may be left out, a delay that is of use."""
    if not isinstance(answer, GrpcAnswer):
        return fail("should be UNAVAILABLE")
    try:
        delay_s = retry_delay_s(shot, answer)
    except Unreadable as error:
        return fail(f"should be a Status in grpc-status-details-bin, and is {error}")
    if delay_s is None:
        return skip("has no RetryInfo, and need not (MAY)")
    useful = 0 < delay_s <= LONGEST_DELAY_S
    return PASS if useful else fail(f"should ask for more than 0 and at most {LONGEST_DELAY_S:g} s")


def retry_after(_: Shot, answer: Answer) -> Verdict:
    """Expect of Retry-After, which may be left out, seconds or a date."""
    told = answer.header("Retry-After") if isinstance(answer, HttpAnswer) else None
    if told is None:
        return skip("has no Retry-After, and need not (MAY)")
    if re.fullmatch(r"\d+", told):
        return PASS
    try:
        parsedate_to_datetime(told)
    except ValueError:
        return fail("should be seconds or an HTTP date in Retry-After")
    return PASS


def _http(answer: Answer) -> bool:
    return isinstance(answer, HttpAnswer)


def _delay_s(shot: Shot, answer: GrpcAnswer) -> float | None:
    try:
        return retry_delay_s(shot, answer)
    except Unreadable:
        return None
