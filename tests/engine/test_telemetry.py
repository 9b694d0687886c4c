"""What the service tells of itself over HTTP."""

import asyncio
import io
import json
import os
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pytest

from agentpond.pipeline.core.counters import ACCEPTED, LOG_BYTES, Counters
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.engine.queries import Limits
from agentpond.pipeline.engine.sidecar import write_sidecar
from agentpond.pipeline.engine.telemetry import TelemetrySite, View


@dataclass(slots=True)
class Question:
    """A query whose rows the test knows: by its SQL it is told what to do."""

    sql: str
    began: threading.Semaphore
    deaf_to: int = 0
    """How many interruptions it does not hear."""
    interrupted: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def run(self) -> pa.RecordBatchReader:
        if self.sql == "later":
            raise Retryable("the store is busy")
        if self.sql == "slow":
            self.began.release()
            assert self.interrupted.wait(WAIT_S)
            raise Retryable("interrupted")
        if self.sql == "large":
            return pa.table({"text": ["x" * 1_000_000] * 32}).to_reader(max_chunksize=1)
        if self.sql != "SELECT 1":
            raise Permanent(f"Parser Error: {self.sql}", reason="bad_query")
        return pa.table({"one": [1]}).to_reader()

    def interrupt(self) -> None:
        if self.deaf_to:
            self.deaf_to -= 1
        else:
            self.interrupted.set()

    def close(self) -> None:
        self.closed.set()


class Readable:
    """A store that answers in the ways its questions know."""

    def __init__(self, path: Path, deaf_to: int = 0) -> None:
        self.path = path
        self.began = threading.Semaphore(0)
        self.questions: list[Question] = []
        self.deaf_to = deaf_to
        path.touch()

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def export(self, _delivery: Any) -> list[Any]:
        return []

    def query(self, sql: str, *, max_rows: int | None = None) -> pa.Table:
        assert max_rows is None
        return self.open_query(sql).run().read_all()

    def open_query(self, sql: str) -> Question:
        self.questions.append(Question(sql, self.began, self.deaf_to))
        return self.questions[-1]

    async def until_begun(self, queries: int) -> None:
        """Return when so many slow queries run."""
        for _ in range(queries):
            assert await asyncio.to_thread(self.began.acquire, timeout=WAIT_S)

    async def until_closed(self, query: int) -> None:
        """Return when a query has ended."""
        assert await asyncio.to_thread(self.questions[query].closed.wait, WAIT_S)


WAIT_S = 20.0


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

    assert set(told) == {"pid", "url", "token", "started_at", "exporter"}
    assert (told["pid"], told["url"], told["exporter"]) == (os.getpid(), site.url, "a")
    assert told["started_at"] == "2023-11-14T22:13:20+00:00"
    assert (mode, status) == (0o600, 200)
    assert not note.exists()


@asynccontextmanager
async def asked(store: Readable, **limits: Any) -> AsyncIterator[TelemetrySite]:
    """Run a site that asks one store within these limits."""
    site = TelemetrySite("127.0.0.1", 0, Limits(**limits))
    await site.start(View(Counters(), list, {"duckdb": store}))
    try:
        yield site
    finally:
        await site.stop()


async def test_a_query_is_interrupted_when_its_client_leaves(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    store = Readable(tmp_path / "a.duckdb")
    async with asked(store) as site:
        asking = asyncio.create_task(ask(http, site, {"sql": "slow"}))
        await store.until_begun(1)
        asking.cancel()
        await store.until_closed(0)

    assert store.questions[0].interrupted.is_set()


async def test_a_query_that_does_not_hear_at_once_is_told_again(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    store = Readable(tmp_path / "a.duckdb", deaf_to=2)
    async with asked(store, timeout_s=0.01) as site:
        status, _ = await ask(http, site, {"sql": "slow"})
        await store.until_closed(0)

    assert (status, store.questions[0].deaf_to) == (400, 0)


async def test_a_query_that_takes_too_long_is_told_so(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with asked(Readable(tmp_path / "a.duckdb"), timeout_s=0.01) as site:
        status, body = await ask(http, site, {"sql": "slow"})

    assert status == 400
    assert "no answer within 0.01 s" in json.loads(body)["error"]


async def test_an_answer_that_is_too_large_is_told_what_to_do(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with asked(Readable(tmp_path / "a.duckdb"), answer_bytes=2_000_000) as site:
        status, body = await ask(http, site, {"sql": "large"})

    assert status == 400
    assert "over 2000000 bytes. Add LIMIT" in json.loads(body)["error"]


async def test_a_large_answer_comes_whole(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    async with asked(Readable(tmp_path / "a.duckdb")) as site:
        status, body = await ask(http, site, {"sql": "large"})

    rows = pa.ipc.open_stream(body).read_all()
    assert (status, rows.num_rows) == (200, 32)
    assert rows["text"][31].as_py() == "x" * 1_000_000


async def test_an_answer_that_is_not_fetched_is_cut_off(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    store = Readable(tmp_path / "a.duckdb")
    async with asked(store, timeout_s=0.5, at_once=1) as site:
        with socket.create_connection(("127.0.0.1", site.port), timeout=WAIT_S) as slow:
            connection = HTTPConnection("127.0.0.1", site.port)
            connection.sock = slow
            headers = {"Authorization": f"Bearer {site.token}"}
            connection.request("POST", "/query", '{"sql": "large"}', headers)
            answer = await asyncio.to_thread(connection.getresponse)
            # Its turn comes when the other one's ends.
            status, _ = await ask(http, site, {"sql": "SELECT 1"})
            with pytest.raises((IncompleteRead, ConnectionError)):
                await asyncio.to_thread(answer.read)

    assert status == 200


async def test_queries_wait_for_their_turn(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    store = Readable(tmp_path / "a.duckdb")
    async with asked(store, at_once=2) as site:
        slow = [asyncio.create_task(ask(http, site, {"sql": "slow"})) for _ in range(3)]
        await store.until_begun(2)
        quick = asyncio.create_task(ask(http, site, {"sql": "SELECT 1"}))
        for each in slow:
            each.cancel()
        status, _ = await quick

    assert status == 200
    assert "SELECT 1" in [question.sql for question in store.questions]


async def test_stopping_interrupts_queries_and_says_so(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    store = Readable(tmp_path / "a.duckdb")
    async with asked(store) as site:
        asking = asyncio.create_task(ask(http, site, {"sql": "slow"}))
        await store.until_begun(1)
        await site.stop()
        status, body = await asking

    assert (status, json.loads(body)) == (503, {"error": "interrupted"})
    assert store.questions[0].closed.is_set()


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/query", 405, "POST"),
        ("POST", "/metrics", 405, "GET,HEAD"),
    ],
)
async def test_a_wrong_door_is_told_the_right_ones(
    http: aiohttp.ClientSession,
    site: TelemetrySite,
    method: str,
    path: str,
    status: int,
    allow: str | None,
) -> None:
    async with http.request(method, site.url + path) as response:
        told = (await response.json())["error"]

    assert (response.status, response.headers.get("Allow")) == (status, allow)
    assert "GET /metrics, /healthz or /readyz, or POST /query" in told


async def test_a_question_that_is_too_long_is_refused_in_json(
    http: aiohttp.ClientSession, site: TelemetrySite
) -> None:
    headers = {"Authorization": f"Bearer {site.token}"}
    question = io.BytesIO(b"x" * 2_000_000)
    async with http.post(f"{site.url}/query", data=question, headers=headers) as response:
        told = (await response.json())["error"]

    assert response.status == 413
    assert "exceeded" in told


async def test_a_token_that_is_no_text_is_refused(site: TelemetrySite) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        b"POST /query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n"
        b"Content-Length: 0\r\n\r\n"
    )

    line = await reader.readline()
    writer.close()

    assert line == b"HTTP/1.1 401 Unauthorized\r\n"


def test_a_note_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    store = tmp_path / "a.duckdb"
    store.touch()
    (tmp_path / "a.duckdb.service.json").mkdir()

    with pytest.raises(Retryable, match=r"service\.telemetry: null"):
        write_sidecar(store, "http://127.0.0.1:1", "token", "now", "duckdb")


def test_a_store_that_is_no_file_gets_no_note(tmp_path: Path) -> None:
    write_sidecar(tmp_path / ":memory:", "http://127.0.0.1:1", "token", "now", "duckdb")

    assert list(tmp_path.iterdir()) == []
