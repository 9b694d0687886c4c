"""Let advice be adopted over HTTP, in the stores that keep that.

``POST /adopt`` takes ``{"advice_id": ..., "at_us": ..., "undo": ...}``, and may name the store as
``exporter``; without a time it is from now on. It answers an ``Adoption`` as JSON.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from ..core.advice import Adoption, Adviser, refuse_no_time
from ..core.errors import Permanent, Retryable
from .refusals import refuse_for, refuse_stranger


class AdoptSite:
    """The route of the stores that keep which advice was adopted."""

    def __init__(self, stores: Mapping[str, object], token: str) -> None:
        """Note whom to ask, and what a request must carry."""
        self._advisers = {each: it for each, it in stores.items() if isinstance(it, Adviser)}
        self._token = token

    def add_to(self, application: web.Application) -> None:
        """Add the route."""
        application.router.add_post("/adopt", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        refusal = refuse_stranger(request, self._token)
        if refusal is not None:
            return refusal
        try:
            asked = _asked(await request.read())
            adviser = self._adviser(asked.get("exporter"))
            adoption = await asyncio.to_thread(_done, adviser, asked)
        except (Permanent, Retryable) as error:
            return refuse_for(error)
        return web.json_response(asdict(adoption))

    def _adviser(self, name: object) -> Adviser:
        if name is None and len(self._advisers) == 1:
            return next(iter(self._advisers.values()))
        if isinstance(name, str) and name in self._advisers:
            return self._advisers[name]
        known = ", ".join(sorted(self._advisers)) or "none of the exporters keeps advice"
        raise Permanent(f"adopt: name the store as exporter. Known: {known}.", reason="bad_request")


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        asked = None
    if isinstance(asked, dict) and isinstance(asked.get("advice_id"), str):
        at_us, undo = asked.get("at_us"), asked.get("undo", False)
        # To Python True is an int too.
        if isinstance(undo, bool) and (at_us is None or type(at_us) is int):
            refuse_no_time(at_us)
            return asked
    raise Permanent(
        'adopt: the body is not a request. Send JSON such as {"advice_id": "1f3a5c7e9b0d"}, with '
        '"at_us" in Unix microseconds or "undo": true where that is meant.',
        reason="bad_request",
    )


def _done(adviser: Adviser, asked: Mapping[str, Any]) -> Adoption:
    if asked.get("undo"):
        return adviser.forget(asked["advice_id"])
    return adviser.adopt(asked["advice_id"], asked.get("at_us"))
