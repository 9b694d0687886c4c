"""Advice is adopted over HTTP, in stores that keep that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from agentpond.pipeline.core.advice import Adoption
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.engine.telemetry import TelemetrySite, View

NO_REQUEST = "adopt: the body is not a request."


@dataclass
class Adviser:
    """A store that notes what it was told, or refuses."""

    refusal: Exception | None = None
    told: list[Any] = field(default_factory=list)

    def adopt(self, advice_id: str, at_us: int | None = None) -> Adoption:
        self.told.append(("adopt", advice_id, at_us))
        if self.refusal:
            raise self.refusal
        return Adoption(advice_id, at_us or 7, 5)

    def forget(self, advice_id: str) -> Adoption:
        self.told.append(("forget", advice_id))
        return Adoption(advice_id, None, 5)


@asynccontextmanager
async def site(**stores: Any) -> AsyncIterator[TelemetrySite]:
    site = TelemetrySite("127.0.0.1", 0)
    await site.start(View(Counters(), list, stores))
    try:
        yield site
    finally:
        await site.stop()


async def ask(site: TelemetrySite, body: str, token: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {site.token if token is None else token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{site.url}/adopt", data=body) as response,
    ):
        return response.status, await response.json()


async def test_what_became_of_it_is_answered() -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        status, told = await ask(there, '{"advice_id": "a", "at_us": 9}')

    assert (status, told) == (200, {"advice_id": "a", "adopted_at_us": 9, "was_us": 5})
    assert store.told == [("adopt", "a", 9)]


async def test_without_a_time_the_store_takes_its_own() -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        await ask(there, '{"advice_id": "a"}')

    assert store.told == [("adopt", "a", None)]


async def test_it_can_be_taken_back() -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        status, told = await ask(there, '{"advice_id": "a", "undo": true}')

    assert (status, told) == (200, {"advice_id": "a", "adopted_at_us": None, "was_us": 5})
    assert store.told == [("forget", "a")]


async def test_a_stranger_is_refused() -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        status, told = await ask(there, '{"advice_id": "a"}', "wrong")

    assert (status, store.told) == (401, [])
    assert told["error"].startswith("adopt: send the token of the .service.json file")


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"advice_id": 1}',
        '{"advice_id": "a", "at_us": "now"}',
        '{"advice_id": "a", "at_us": true}',
        '{"advice_id": "a", "undo": 1}',
    ],
)
async def test_a_body_that_is_no_request_is_told_how_one_looks(body: str) -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        status, told = await ask(there, body)

    assert (status, store.told) == (400, [])
    assert told["error"].startswith(NO_REQUEST)


@pytest.mark.parametrize("at_us", [10**18, 10**19, -(10**17)])
async def test_a_time_in_no_year_of_the_calendar_is_refused(at_us: int) -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        answer = await ask(there, json.dumps({"advice_id": "a", "at_us": at_us}))

    told = f"adopt: {at_us} is in no year from 1 to 9999. Give Unix microseconds."
    assert answer == (400, {"error": told})
    assert store.told == []


@pytest.mark.parametrize("at_us", [-62_135_596_800_000_000, 253_402_300_799_999_999])
async def test_the_first_and_the_last_time_of_the_calendar_are_taken(at_us: int) -> None:
    store = Adviser()
    async with site(duckdb=store) as there:
        await ask(there, json.dumps({"advice_id": "a", "at_us": at_us}))

    assert store.told == [("adopt", "a", at_us)]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(Permanent("no", reason="unknown_advice"), 400), (Retryable("not now"), 503)],
)
async def test_the_words_of_the_store_are_passed_on(refusal: Exception, status: int) -> None:
    async with site(duckdb=Adviser(refusal)) as there:
        answer = await ask(there, '{"advice_id": "a"}')

    assert answer == (status, {"error": str(refusal)})


async def test_of_several_stores_one_is_named() -> None:
    stores = {"x": Adviser(), "y": Adviser(), "z": object()}
    async with site(**stores) as there:
        unnamed = await ask(there, json.dumps({"advice_id": "a"}))
        named = await ask(there, json.dumps({"advice_id": "a", "exporter": "y"}))

    assert unnamed == (400, {"error": "adopt: name the store as exporter. Known: x, y."})
    assert named[0] == 200


async def test_where_no_store_keeps_advice_that_is_said() -> None:
    async with site(duckdb=object()) as there:
        status, told = await ask(there, '{"advice_id": "a"}')

    assert status == 400
    assert told["error"].endswith("Known: none of the exporters keeps advice.")
