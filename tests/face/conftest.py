"""Give the tests of the face a configuration that opens no port, and requests to send."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentpond import Encoding, Request, Service, Signal

Configure = Callable[..., dict[str, Any]]
MakeRequest = Callable[..., Request]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Make a configuration of one pipeline, with the processors given."""

    def make(*processors: str, name: str = "pond") -> dict[str, Any]:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        return {
            "receivers": {"otlp": {"protocols": {}}},
            "processors": dict.fromkeys(processors),
            "exporters": {"duckdb": {"path": str(home / "a.duckdb")}},
            "service": {
                "state_directory": str(home),
                "telemetry": None,
                "pipelines": {
                    "agents": {
                        "receivers": ["otlp"],
                        "processors": list(processors),
                        "exporters": ["duckdb"],
                    }
                },
            },
        }

    return make


def body(*prompts: str) -> bytes:
    """Write an OTLP request with one Claude Code prompt for each text."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    service_name = resource.resource.attributes.add(key="service.name")
    service_name.value.string_value = "claude-code"
    scope = resource.scope_logs.add()
    scope.scope.name = "com.anthropic.claude_code.events"
    for number, prompt in enumerate(prompts, start=1):
        record = scope.log_records.add(time_unix_nano=1_700_000_000_000_000_000 + number)
        told = {"event.name": "user_prompt", "session.id": "s1", "prompt": prompt}
        for key, value in told.items():
            record.attributes.add(key=key).value.string_value = value
        record.attributes.add(key="event.sequence").value.int_value = number
    return request.SerializeToString()


@pytest.fixture
def make_body() -> Callable[..., bytes]:
    return body


@pytest.fixture
def make_request() -> MakeRequest:
    """Make a request of prompts, as the receiver `otlp` would hand it on."""

    def make(*prompts: str) -> Request:
        return Request(Signal.LOGS, Encoding.PROTOBUF, body(*prompts), 1, "otlp")

    return make


@pytest.fixture
def prompts() -> Callable[[Service], list[str]]:
    """Read from a service's store the prompts it holds, in order."""

    def read(service: Service) -> list[str]:
        store: Any = service.exporters["duckdb"]
        rows = store.query("SELECT content FROM events ORDER BY content")
        values: list[str] = rows["content"].to_pylist()
        return values

    return read
