"""Turn mistakes into answers over HTTP/1, and count them."""

from collections.abc import Mapping

from aiohttp import web

from ....pipeline.core.errors import Retryable
from ....pipeline.core.signal import Encoding
from .. import admission, answers
from ..rim import Rim

_LENGTH_REQUIRED = 411

# Who comes through a socket that is a file has no address.
_UNIX = "unix"


class Desk:
    """Refuses what one port does not take."""

    def __init__(self, rim: Rim) -> None:
        """Count for the transport that ``rim`` counts for."""
        self._rim = rim

    def refuse(
        self,
        request: web.BaseRequest,
        error: answers.Refusal,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        """Count a refusal that needed no work, and answer it as the headers ask for.

        They are the request's own, unless it could not be read as one.
        """
        self._rim.refuse(error, peer_of(request))
        encoding = answer_encoding(headers or request.headers)
        limit_bytes = self._rim.max_response_bytes
        return response(request, answers.http_refusal(error, encoding, limit_bytes))

    def note(self, error: answers.Refusal, peer: str) -> None:
        """Count a refusal that is not answered as a request over HTTP/1."""
        self._rim.refuse(error, peer)

    def bug(self, error: BaseException) -> Retryable:
        """Log what nobody foresaw; see ``Rim.bug``."""
        return self._rim.bug(error)


def peer_of(request: web.BaseRequest) -> str:
    """Name the sender's address without its port."""
    return request.remote or _UNIX


def address_of(peername: object) -> str:
    """Take the port off a socket's address; a socket that is a file has none."""
    return str(peername[0]) if isinstance(peername, tuple) and peername else _UNIX


def answer_encoding(headers: Mapping[str, str]) -> Encoding:
    """Tell how an answer is to be written."""
    return admission.answer_encoding(headers.get("Content-Type"), headers.get("Accept"))


def response(request: web.BaseRequest, answer: answers.HttpAnswer) -> web.Response:
    """Give an answer the form aiohttp sends, and say whether the connection can go on."""
    made = web.Response(
        status=answer.status, reason=answer.reason, headers=answer.headers, body=answer.body
    )
    unread = not request.content.is_eof()
    # What was not read is unreadable, or waits to be sent for and may never come (RFC 9110,
    # 10.1.1); and without a length it would be taken for a next request.
    if (
        request.content.exception() is not None
        or (unread and "Expect" in request.headers)
        or answer.status == _LENGTH_REQUIRED
    ):
        made.force_close()
    return made
