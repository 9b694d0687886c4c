"""What the page of counters says of dead letters brings them back."""

import asyncio
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

import agentpond
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.engine.dead_letters import DeadLetters, Place, Refused
from agentpond.pipeline.engine.frame import Entry

from .support import blocks

SHOW, SEND, INSERT = [
    block.text for block in blocks("python") if block.place.startswith("docs/counters.md")
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def config(*processors: str) -> dict[str, Any]:
    pipeline = {"receivers": ["otlp"], "processors": list(processors), "exporters": ["duckdb"]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": dict.fromkeys(processors),
        "exporters": {"duckdb": {"path": "agentpond.duckdb"}},
        "service": {"telemetry": None, "pipelines": {"agents": pipeline}},
    }


def request() -> agentpond.Request:
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    record.event_name = "hello"
    body = message.SerializeToString()
    return agentpond.Request(agentpond.Signal.LOGS, agentpond.Encoding.PROTOBUF, body, 1, "otlp")


def run(program: str) -> None:
    exec(program, {"__name__": "__main__"})  # noqa: S102 - these are our own pages


def names(service: agentpond.Service) -> list[str]:
    store: Any = service.exporters["duckdb"]
    rows: pa.Table = store.query("SELECT event_name FROM events")
    found: list[str] = rows["event_name"].to_pylist()
    return found


def left() -> list[str]:
    return [path.name for path in Path(".agentpond/dead").iterdir()]


async def bury_rows() -> None:
    """Have a processor of ours fail at a request."""
    wrong = agentpond.function_processor("wrong", lambda rows: rows.drop_columns(["content"]))
    async with agentpond.build(config("wrong"), components=[wrong]) as service:
        await service.accept(request())
        await service.drain()


async def test_letters_are_shown_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    await bury_rows()

    run(SHOW)

    assert " events 1 bad_result the function of processor 'wrong' gave" in capsys.readouterr().out


async def test_rows_are_put_into_the_table() -> None:
    await bury_rows()

    run(INSERT)

    async with agentpond.build(config()) as service:
        assert names(service) == ["hello"]
    assert [name for name in left() if ".events." in name] == []


async def test_requests_are_sent_again() -> None:
    given = Refused(Entry(request(), 1), 0, Permanent("cannot be read.", reason="bug"))
    letters = DeadLetters(Path(".agentpond/dead"))
    letters.bury_requests(Place("agents", "codec", "log", 0, 1), [given])

    async with agentpond.build(config()) as service:
        receiver: Any = service.receivers["otlp"]
        program = SEND.replace("127.0.0.1:4318", receiver.endpoints["http"])
        await asyncio.to_thread(run, program)
        await service.drain()

        assert names(service) == ["hello"]
    assert left() == []
