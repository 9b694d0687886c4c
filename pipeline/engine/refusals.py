"""Refuse what the service's own site is asked: in JSON, with the reason in words."""

import hmac

from aiohttp import web

from ..core.errors import Permanent, Retryable


def refuse(status: int, error: str) -> web.Response:
    """Answer with a status and a sentence."""
    return web.json_response({"error": error}, status=status)


def refuse_for(error: Retryable | Permanent) -> web.Response:
    """Answer with an error of ours."""
    if isinstance(error, Retryable):
        return refuse(503, str(error))
    return refuse(409 if error.reason == "already_running" else 400, str(error))


def refuse_stranger(request: web.Request, token: str) -> web.Response | None:
    """Refuse a request without the site's token; None if it has it."""
    # aiohttp keeps bytes that are not UTF-8 as surrogates.
    told = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    if hmac.compare_digest(told, f"Bearer {token}".encode()):
        return None
    what = request.path.removeprefix("/")
    return refuse(401, f"{what}: send the token of the .service.json file as bearer token.")
