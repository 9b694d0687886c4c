"""What the service tells of itself over HTTP."""

import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pytest

from agentpond.pipeline.core.counters import ACCEPTED, LOG_BYTES, Counters
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.engine.sidecar import write_sidecar
from agentpond.pipeline.engine.telemetry import TelemetrySite, View


class Readable:
    """A store that answers two questions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def export(self, _delivery: Any) -> list[Any]:
        return []

    def query(self, sql: str, *, max_rows: int | None = None) -> pa.Table:
        assert max_rows is None
        if sql == "later":
            raise Retryable("the store is busy")
        if sql != "SELECT 1":
            raise Permanent(f"Parser Error: {sql}", reason="bad_query")
        return pa.table({"one": [1]})


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[TelemetrySite]:
    counters = Counters()
    counters.add(ACCEPTED, 7, receiver="otlp", transport="grpc", signal="logs")
    counters.observe(LOG_BYTES, lambda: 42.0)
    site = TelemetrySite("127.0.0.1", 0)
    await site.start(View(counters, list, {"duckdb": Readable(tmp_path / "a.duckdb")}))
    yield site
    await site.stop()


async def ask(
    http: aiohttp.ClientSession, site: TelemetrySite, question: Any, token: str | None = None
) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {site.token if token is None else token}"}
    async with http.post(f"{site.url}/query", json=question, headers=headers) as response:
        return response.status, await response.read()


async def test_metrics_are_in_the_text_format(
    http: aiohttp.ClientSession, site: TelemetrySite
) -> None:
    async with http.get(f"{site.url}/metrics") as response:
        text = await response.text()

    told = 'accepted_records_total{receiver="otlp",signal="logs",transport="grpc"} 7.0'
    assert f"agentpond_receiver_{told}" in text
    assert "agentpond_log_bytes 42.0" in text
    assert "# HELP agentpond_dropped_records_total Records given up" in text
    assert response.content_type == "text/plain"


async def test_it_lives(http: aiohttp.ClientSession, site: TelemetrySite) -> None:
    async with http.get(f"{site.url}/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "alive"})


async def test_it_is_ready(http: aiohttp.ClientSession, site: TelemetrySite) -> None:
    async with http.get(f"{site.url}/readyz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ready", "reasons": []})


async def test_it_is_not_ready_and_says_why(http: aiohttp.ClientSession) -> None:
    site = TelemetrySite("127.0.0.1", 0)
    await site.start(View(Counters(), lambda: ["pipeline agents: stuck."], {}))

    async with http.get(f"{site.url}/readyz") as response:
        told = response.status, await response.json()
    await site.stop()

    assert told == (503, {"status": "not ready", "reasons": ["pipeline agents: stuck."]})


async def test_a_query_is_answered_in_arrow(
    http: aiohttp.ClientSession, site: TelemetrySite
) -> None:
    status, body = await ask(http, site, {"sql": "SELECT 1", "exporter": "duckdb"})

    assert status == 200
    assert pa.ipc.open_stream(body).read_all().to_pydict() == {"one": [1]}


async def test_a_query_without_the_token_is_refused(
    http: aiohttp.ClientSession, site: TelemetrySite
) -> None:
    status, body = await ask(http, site, {"sql": "SELECT 1"}, token="guessed")  # noqa: S106

    assert status == 401
    assert "token" in json.loads(body)["error"]


@pytest.mark.parametrize(
    ("question", "status", "told"),
    [
        ({"sql": "SELEC 1"}, 400, "Parser Error: SELEC 1"),
        ({"sql": "later"}, 503, "the store is busy"),
        ({"sql": 7}, 400, "the body is not a question"),
        ([], 400, "the body is not a question"),
        ({"sql": "SELECT 1", "exporter": "parquet"}, 400, "Known: duckdb"),
    ],
)
async def test_a_query_that_fails_says_why(
    http: aiohttp.ClientSession, site: TelemetrySite, question: Any, status: int, told: str
) -> None:
    answer = await ask(http, site, question)

    assert answer[0] == status
    assert told in json.loads(answer[1])["error"]


async def test_a_body_that_is_no_json_is_told(
    http: aiohttp.ClientSession, site: TelemetrySite
) -> None:
    headers = {"Authorization": f"Bearer {site.token}"}
    async with http.post(f"{site.url}/query", data=b"\xff{", headers=headers) as response:
        assert response.status == 400


async def test_without_a_store_a_query_says_so(http: aiohttp.ClientSession) -> None:
    site = TelemetrySite("127.0.0.1", 0)
    await site.start(View(Counters(), list, {}))

    status, body = await ask(http, site, {"sql": "SELECT 1"})
    await site.stop()

    assert status == 400
    assert "none of the exporters can be read" in json.loads(body)["error"]


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(Permanent, match=f"127.0.0.1:{port}.* service.telemetry.endpoint"):
            await TelemetrySite("127.0.0.1", port).start(View(Counters(), list, {}))


def test_a_site_on_all_addresses_is_reached_on_this_machine() -> None:
    assert TelemetrySite("0.0.0.0", 8888).url == "http://127.0.0.1:8888"  # noqa: S104
    assert TelemetrySite("::", 8888).url == "http://[::1]:8888"


async def test_other_programs_find_the_service_beside_the_store(
    kit: Any, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    site = TelemetrySite("127.0.0.1", 0)
    note = tmp_path / "agentpond.duckdb.service.json"
    store = Readable(tmp_path / "agentpond.duckdb")
    async with kit.service(kit.pipeline(store), telemetry=site) as service:
        told = json.loads(note.read_bytes())
        mode = note.stat().st_mode & 0o777
        status, _ = await ask(http, site, {"sql": "SELECT 1"}, token=told["token"])

        assert service.ready

    assert set(told) == {"pid", "url", "token", "started_at"}
    assert (told["pid"], told["url"]) == (os.getpid(), site.url)
    assert told["started_at"] == "2023-11-14T22:13:20+00:00"
    assert (mode, status) == (0o600, 200)
    assert not note.exists()


def test_a_note_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    store = tmp_path / "a.duckdb"
    store.touch()
    (tmp_path / "a.duckdb.service.json").mkdir()

    with pytest.raises(Retryable, match=r"service\.telemetry: null"):
        write_sidecar(store, "http://127.0.0.1:1", "token", "now")


def test_a_store_that_is_no_file_gets_no_note(tmp_path: Path) -> None:
    write_sidecar(tmp_path / ":memory:", "http://127.0.0.1:1", "token", "now")

    assert list(tmp_path.iterdir()) == []
