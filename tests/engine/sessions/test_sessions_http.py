"""Processors run, and costs made again, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.errors import Retryable
from agentpond.pipeline.engine.sessions.asked import Asked, RepriceAsked
from agentpond.pipeline.engine.sessions.engine import SessionEngine
from agentpond.pipeline.engine.telemetry import TelemetrySite, View

WAIT_S = 20.0


@asynccontextmanager
async def site(**engines: SessionEngine) -> AsyncIterator[TelemetrySite]:
    site = TelemetrySite("127.0.0.1", 0)
    await site.start(View(Counters(), list, {}, engines))
    try:
        yield site
    finally:
        await site.stop()


async def ask(
    site: TelemetrySite, path: str, body: str, token: str | None = None
) -> tuple[int, list[Any]]:
    headers = {"Authorization": f"Bearer {site.token if token is None else token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(site.url + path, data=body) as response,
    ):
        return response.status, [json.loads(line) async for line in response.content]


async def test_a_request_is_answered_line_by_line(shop: Any) -> None:
    shop.add("a", "a", "b")
    async with site(duckdb=shop.engine(one=shop.counting())) as there:
        status, lines = await ask(there, "/process", Asked().to_json())

    assert status == 200
    assert lines == [
        {"processor": "one", "done": 0, "of": 2, "rows": 0, "failed": 0},
        {"processor": "one", "done": 2, "of": 2, "rows": 2, "failed": 0},
        {"done": True},
    ]


async def test_a_store_can_be_named(shop: Any) -> None:
    engines = {"x": shop.engine(of_x=shop.counting()), "y": shop.engine(of_y=shop.counting())}
    async with site(**engines) as there:
        unnamed = await ask(there, "/process", "{}")
        _, lines = await ask(there, "/process", '{"exporter": "y"}')

    assert unnamed == (400, [{"error": "process: name the store as exporter. Known: x, y."}])
    assert [line.get("processor") for line in lines] == ["of_y", None]


async def test_costs_are_made_again_over_http(shop: Any) -> None:
    async with site(duckdb=shop.engine(one=shop.counting())) as there:
        status, (told,) = await ask(there, "/reprice", RepriceAsked().to_json())

    assert status == 400
    assert told["error"].startswith("no processor makes api_calls.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[]", "the body is not a request. Send a JSON object."),
        ("{", "the body is not a request. Send a JSON object."),
        ('{"everything": 7}', "process: not what is expected: Expected `bool`"),
        ('{"processor": "two"}', "there is no session-scope processor two. Known: one."),
        ('{"session_id": "z"}', "the store knows no session z."),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(shop: Any, body: str, words: str) -> None:
    async with site(duckdb=shop.engine(one=shop.counting())) as there:
        status, (told,) = await ask(there, "/process", body)

    assert status == 400
    assert words in told["error"]


async def test_who_has_no_token_is_refused(shop: Any) -> None:
    async with site(duckdb=shop.engine(one=shop.counting())) as there:
        status, (told,) = await ask(there, "/process", "{}", token="guessed")  # noqa: S106

    assert status == 401
    assert told["error"].startswith("process: send the token")


async def test_a_second_request_is_a_conflict(shop: Any) -> None:
    engine = shop.engine(one=shop.counting())
    running = engine.process(Asked())
    next(running)
    async with site(duckdb=engine) as there:
        status, (told,) = await ask(there, "/process", "{}")

    assert status == 409
    assert "processor one: already running" in told["error"]


async def test_a_store_that_cannot_at_the_moment_is_told_before_anything_is_sent(
    shop: Any,
) -> None:
    def locked(_ask: Any) -> None:
        raise Retryable("locked", retry_after_s=0.0)

    shop.store.due = locked
    async with site(duckdb=shop.engine(one=shop.counting())) as there:
        answer = await ask(there, "/process", "{}")

    assert answer == (503, [{"error": "locked"}])


async def test_what_fails_midway_is_told_in_the_last_line(shop: Any) -> None:
    def locked(*_args: Any) -> None:
        raise Retryable("locked", retry_after_s=0.0)

    shop.add("a")
    shop.store.replace = locked
    async with site(duckdb=shop.engine(one=shop.counting())) as there:
        status, lines = await ask(there, "/process", "{}")

    assert status == 200
    assert lines[1:] == [{"error": "locked"}]


async def test_a_client_that_leaves_gives_the_processor_free(shop: Any) -> None:
    gate = shop.gate()
    shop.add("a")
    engine = shop.engine(one=shop.counting(before=gate))
    async with site(duckdb=engine) as there:
        asking = asyncio.create_task(ask(there, "/process", "{}"))
        assert await asyncio.to_thread(gate.entered.wait, WAIT_S)
        asking.cancel()
        await asyncio.wait([asking])
        gate.opened.set()
        # It waits for the portion in hand, and then nobody else has the turn.
        left = await asyncio.to_thread(lambda: list(engine.settle()))

    assert left[-1].failed == 0
    assert shop.counted() == {"a": 1}


async def test_warnings_do_not_make_it_unready() -> None:
    site = TelemetrySite("127.0.0.1", 0)
    await site.start(View(Counters(), list, {}, {}, lambda: ["processor one: locked"]))

    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{site.url}/readyz") as response,
    ):
        told = response.status, await response.json()
    await site.stop()

    assert told == (
        200,
        {"status": "ready", "reasons": [], "warnings": ["processor one: locked"]},
    )
