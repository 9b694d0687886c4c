"""Turn an answer's bytes into the message they should hold, strictly, and into words."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pool, json_format, text_format
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from google.rpc import error_details_pb2, status_pb2

from .model import Answer, GrpcAnswer, HttpAnswer, Shot, Silence, Transport
from .telemetry import REJECTED, RESPONSES
from .writing import objects

_SHOWN_CHARS = 400
_GZIP_WBITS = 31
# Four times what a response may hold.
_MOST_BYTES = 16 * 1024**2
DETAILS_TRAILER = "grpc-status-details-bin"


class Unreadable(Exception):
    """A body does not hold what it should; says why."""


def response_of(shot: Shot, answer: HttpAnswer | GrpcAnswer) -> Any:
    """Give the Export response of a success. Raises Unreadable."""
    make = RESPONSES[shot.signal]
    if isinstance(answer, GrpcAnswer):
        return _from_protobuf(make, answer.body or b"")
    return _read(make, _inflated(answer), shot.transport)


def status_of(shot: Shot, answer: HttpAnswer | GrpcAnswer) -> Any:
    """Give the google.rpc.Status of a refusal. Raises Unreadable.

    gRPC carries it in a trailer; where there is none, the status line says as much.
    """
    if isinstance(answer, GrpcAnswer):
        details = answer.trailer(DETAILS_TRAILER)
        if details is None:
            return status_pb2.Status(message=answer.message)
        return _from_protobuf(status_pb2.Status, details)
    return _read(status_pb2.Status, _inflated(answer), shot.transport)


def detail(status: Any, kind: Any) -> Any | None:
    """Give the first detail of a kind, or None."""
    for packed in status.details:
        found = kind()
        try:
            if packed.Unpack(found):
                return found
        except DecodeError as error:
            raise Unreadable(f"has a detail that is no {found.DESCRIPTOR.name}") from error
    return None


def retry_delay_s(shot: Shot, answer: GrpcAnswer) -> float | None:
    """Give the seconds that RetryInfo asks for, or None. Raises Unreadable."""
    info = detail(status_of(shot, answer), error_details_pb2.RetryInfo)
    return info.retry_delay.ToNanoseconds() / 1e9 if info is not None else None


def rejected(shot: Shot, response: Any) -> tuple[int, str]:
    """Give how many items a response says were rejected, and its message."""
    partial = response.partial_success
    return int(getattr(partial, REJECTED[shot.signal])), str(partial.error_message)


def words(shot: Shot, answer: Answer) -> str:
    """Say what came back: status, headers that matter, and the body decoded."""
    if isinstance(answer, Silence):
        return answer.why
    if isinstance(answer, GrpcAnswer):
        status = " ".join(part for part in (answer.code, _quoted(answer.message)) if part)
        return f"{status}; {_body_words(shot, answer)}"
    named = ("Content-Type", "Content-Encoding", "Retry-After", "Allow", "WWW-Authenticate")
    told = [(name, answer.header(name)) for name in named]
    heads = "".join(f", {name}: {value}" for name, value in told if value is not None)
    return f"{answer.status}{heads}; {_body_words(shot, answer)}"


def _body_words(shot: Shot, answer: HttpAnswer | GrpcAnswer) -> str:
    succeeded = is_success(answer)
    if isinstance(answer, HttpAnswer) and not answer.body:
        return "0 bytes"
    try:
        message = (response_of if succeeded else status_of)(shot, answer)
    except Unreadable as error:
        body = answer.body or b""
        return f"{len(body)} bytes, {error}: {_quoted(body.decode('utf-8', 'backslashreplace'))}"
    return f"{message.DESCRIPTOR.name} {{{_short(_text(message))}}}"


def _text(message: Any) -> str:
    try:
        return text_format.MessageToString(message, as_one_line=True, as_utf8=True)
    except DecodeError:
        # A detail says it is of a kind whose bytes it does not hold.
        return f'message: "{message.message}" and details that cannot be read'


def is_success(answer: Answer) -> bool:
    """Tell whether the request was taken, whole or in part."""
    if isinstance(answer, HttpAnswer):
        return 200 <= answer.status < 300  # noqa: PLR2004 - HTTP's successes
    return isinstance(answer, GrpcAnswer) and answer.code == "OK"


def media_type(answer: HttpAnswer) -> str:
    """Give the Content-Type without parameters."""
    return (answer.header("Content-Type") or "").partition(";")[0].strip().lower()


def _inflated(answer: HttpAnswer) -> bytes:
    encoding = (answer.header("Content-Encoding") or "identity").lower()
    if encoding == "identity":
        return answer.body
    if encoding != "gzip":
        raise Unreadable(f"compressed as {encoding}, which nobody asked for")
    inflater = zlib.decompressobj(_GZIP_WBITS)
    try:
        body = inflater.decompress(answer.body, _MOST_BYTES)
    except zlib.error as error:
        raise Unreadable(f"not the gzip it says it is ({error})") from error
    if not inflater.eof:
        raise Unreadable("not whole gzip, or more than anybody would read")
    return body


def _read(make: Callable[[], Any], body: bytes, transport: Transport) -> Any:
    if transport is Transport.JSON:
        return _from_json(make, body)
    return _from_protobuf(make, body)


def _from_protobuf(make: Callable[[], Any], body: bytes) -> Any:
    message = make()
    name = message.DESCRIPTOR.name
    try:
        message.MergeFromString(body)
    except DecodeError as error:
        raise Unreadable(f"not a protobuf {name}") from error
    if len(UnknownFieldSet(message)):
        raise Unreadable(f"not a protobuf {name}: it has fields that {name} does not have")
    return message


def _from_json(make: Callable[[], Any], body: bytes) -> Any:
    message = make()
    name = message.DESCRIPTOR.name
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not a JSON {name}") from error
    if not isinstance(told, dict):
        raise Unreadable(f"not a JSON {name}: it is no object")
    snakes = [key for owner in objects(told) for key in owner if "_" in key]
    if snakes:
        raise Unreadable(f"not a JSON {name}: keys are lowerCamelCase, not {snakes[0]}")
    try:
        json_format.ParseDict(_without_strangers(told), message)
    except (json_format.ParseError, AttributeError, KeyError) as error:
        # The latter two come of an `@type` that is no text, or that names Any itself.
        raise Unreadable(f"not a JSON {name} ({error})") from error
    return message


def _without_strangers(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out details of kinds that are not known here: JSON cannot be read without knowing."""
    details = told.get("details")
    if not isinstance(details, list):
        return told
    return {**told, "details": [each for each in details if not _is_strange(each)]}


def _is_strange(detail: Any) -> bool:
    kind = detail.get("@type") if isinstance(detail, dict) else None
    if not isinstance(kind, str) or "/" not in kind:
        return False
    try:
        descriptor_pool.Default().FindMessageTypeByName(kind.rpartition("/")[2])
    except KeyError:
        return True
    return False


def _quoted(text: str) -> str:
    return f'"{_short(text)}"' if text else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}..."
