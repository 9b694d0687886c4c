"""What a service answers to `process` comes line by line, and its words are passed on."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agentpond.cli.since import since_us
from agentpond.cli.worker import worker_on
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.engine.sessions.asked import Asked, Progress

LINES = [Progress("ledger", 0, 2, 0, 0), Progress("ledger", 2, 2, 7, 0)]


class Answering(BaseHTTPRequestHandler):
    """Answer like the service's own /process."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, lines = self._answer(told["processor"])
        self.send_response(status)
        self.end_headers()
        self.wfile.write("".join(f"{line}\n" for line in lines).encode())

    def _answer(self, processor: str) -> tuple[int, list[str]]:
        if processor == "busy":
            return 409, [json.dumps({"error": "processor busy: already running."})]
        lines = [each.to_json() for each in LINES]
        if processor == "breaks":
            return 200, [lines[0], json.dumps({"error": "the disk is full."})]
        return 200, lines if processor == "cut" else [*lines, json.dumps({"done": True})]

    def log_message(self, *words: object) -> None:
        del words


@contextmanager
def service(directory: Path) -> Iterator[str]:
    """Serve, leave a note beside a store, and give a configuration that names the store."""
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        note = {"pid": os.getpid(), "url": url, "token": "secret", "exporter": "duckdb"}
        (directory / "a.duckdb.service.json").write_text(json.dumps(note))
        try:
            yield str(directory / "a.duckdb")
        finally:
            server.shutdown()
            thread.join()


def answers(store: str, processor: str) -> list[Progress]:
    with worker_on(None, Path(store)) as worker:
        return list(worker.process(Asked(processor)))


def test_each_line_is_a_step(tmp_path: Path) -> None:
    with service(tmp_path) as store:
        told = answers(store, "ledger")

    assert told == LINES


def test_what_is_running_already_is_told_in_the_services_words(tmp_path: Path) -> None:
    with service(tmp_path) as store, pytest.raises(Permanent, match="busy: already running"):
        answers(store, "busy")


def test_an_answer_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    with service(tmp_path) as store, pytest.raises(Permanent, match="its answer breaks off"):
        answers(store, "cut")


def test_an_error_in_the_midst_is_an_error(tmp_path: Path) -> None:
    with service(tmp_path) as store, pytest.raises(Permanent, match="the disk is full"):
        answers(store, "breaks")


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2026-11-01", 1_793_491_200_000_000),
        ("2026-11-01T00:00:00+01:00", 1_793_487_600_000_000),
        ("7d", 2_000_000_000_000_000 - 604_800_000_000),
        ("1h30m", 2_000_000_000_000_000 - 5_400_000_000),
    ],
)
def test_since_takes_a_date_or_a_duration_back(text: str, us: int) -> None:
    told = since_us(text, 2_000_000_000_000_000)

    assert told == us


@pytest.mark.parametrize("text", ["", "soon", "11/01/2026", "7"])
def test_since_says_what_it_takes(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date such as 2026-11-01 or a duration"):
        since_us(text, 0)
