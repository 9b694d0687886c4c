"""A query goes to the running service, else to the file."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyarrow as pa
import pytest

from agentpond.cli.asking import Running, ask, ask_store, find_running
from agentpond.pipeline.core.errors import Permanent

ROWS = pa.table({"one": [1]})
NOT_ASKED = pa.table({"from": ["file"]})


class Answering(BaseHTTPRequestHandler):
    """Answer like the service's own /query."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        allowed = self.headers["Authorization"] == "Bearer secret"
        status, answer = 400, json.dumps({"error": "Parser Error: no such word"}).encode()
        if allowed and self.path == "/query" and json.loads(body)["sql"] == "SELECT 1 AS one":
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, ROWS.schema) as stream:
                stream.write_table(ROWS)
            status, answer = 200, sink.getvalue().to_pybytes()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words: object) -> None:
        del words


@contextmanager
def service() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def note(store: Path, url: str, pid: int | None = None) -> None:
    told = {"pid": pid or os.getpid(), "url": url, "token": "secret"}
    store.with_name("a.duckdb.service.json").write_text(json.dumps(told))


def from_file(path: Path, sql: str) -> pa.Table:
    del path, sql
    return NOT_ASKED


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_running_service_answers(tmp_path: Path) -> None:
    store = tmp_path / "a.duckdb"

    with service() as url:
        note(store, url)
        rows = ask_store(store, "SELECT 1 AS one", from_file)

    assert rows.equals(ROWS)


def test_the_words_of_the_store_are_passed_on(tmp_path: Path) -> None:
    store = tmp_path / "a.duckdb"

    with service() as url:
        note(store, url)
        with pytest.raises(Permanent) as caught:
            ask_store(store, "SELEC", from_file)

    assert str(caught.value) == "Parser Error: no such word"


def test_without_a_service_the_file_is_read(tmp_path: Path) -> None:
    rows = ask_store(tmp_path / "a.duckdb", "SELECT 1 AS one", from_file)

    assert rows is NOT_ASKED


def test_a_note_of_a_process_that_has_ended_is_passed_over(tmp_path: Path) -> None:
    store = tmp_path / "a.duckdb"
    note(store, "http://127.0.0.1:1", ended_process())

    found = find_running(store)

    assert found is None


def test_where_nobody_listens_any_more_the_file_is_read(tmp_path: Path) -> None:
    store = tmp_path / "a.duckdb"
    with service() as url:
        note(store, url)

    rows = ask_store(store, "SELECT 1 AS one", from_file)

    assert rows is NOT_ASKED


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x", "url": "", "token": ""}'])
def test_a_note_that_is_broken_is_passed_over(tmp_path: Path, text: str) -> None:
    store = tmp_path / "a.duckdb"
    store.with_name("a.duckdb.service.json").write_text(text)

    found = find_running(store)

    assert found is None


def test_a_wrong_token_is_refused() -> None:
    with service() as url, pytest.raises(Permanent) as caught:
        ask(Running(1, url, "wrong"), "SELECT 1 AS one")

    assert caught.value.reason == "refused"
