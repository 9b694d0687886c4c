"""Let processors be run and costs be made again over HTTP, telling how far that is.

``POST /process`` and ``POST /reprice`` take what `sessions.asked` writes, and may name the store
as ``exporter``. They answer a line of JSON for each step; the last line is ``{"done": true}``, or
``{"error": ...}`` with what ended it midway. An answer without either was cut off.
"""

import json
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import aclosing
from functools import partial

from aiohttp import web

from ..core.errors import Permanent, Retryable
from .refusals import refuse_for, refuse_stranger
from .sessions.asked import Asked, RepriceAsked, Told
from .sessions.engine import SessionEngine
from .sessions.engines import engine_of
from .sessions.streaming import stream

NDJSON = "application/x-ndjson"

_Ask = Callable[[SessionEngine, bytes], Generator[Told, None, None]]


class ProcessSite:
    """The routes of the engines."""

    def __init__(self, engines: Mapping[str, SessionEngine], token: str) -> None:
        """Note whom to ask, and what a request must carry."""
        self._engines = engines
        self._token = token

    def add_to(self, application: web.Application) -> None:
        """Add the routes."""
        application.router.add_post("/process", partial(self._answer, ask=_process))
        application.router.add_post("/reprice", partial(self._answer, ask=_reprice))

    async def _answer(self, request: web.Request, ask: _Ask) -> web.StreamResponse:
        refusal = refuse_stranger(request, self._token)
        if refusal is not None:
            return refusal
        body = await request.read()
        try:
            engine = engine_of(self._engines, _store(body))
            # What is wrong with the request is told at the first step.
            async with aclosing(stream(partial(ask, engine, body))) as told:
                first = await anext(told, None)
                return await _send(request, first, told)
        except (Permanent, Retryable) as error:
            return refuse_for(error)


async def _send(
    request: web.Request, first: Told | None, told: AsyncIterator[Told]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    await response.prepare(request)
    try:
        if first is not None:
            await _write(response, first.to_json())
        async for each in told:
            await _write(response, each.to_json())
        await _write(response, json.dumps({"done": True}))
    except (Permanent, Retryable) as error:
        await _write(response, json.dumps({"error": str(error)}))
    return response


async def _write(response: web.StreamResponse, line: str) -> None:
    await response.write(line.encode() + b"\n")


def _process(engine: SessionEngine, body: bytes) -> Generator[Told, None, None]:
    return engine.process(Asked.from_json(body))


def _reprice(engine: SessionEngine, body: bytes) -> Generator[Told, None, None]:
    return engine.reprice(RepriceAsked.from_json(body))


def _store(body: bytes) -> object:
    try:
        asked = json.loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Permanent("the body is not a request. Send a JSON object.", reason="bad_request")
    return asked.get("exporter")
