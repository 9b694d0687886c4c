"""Start our own program as a person would."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentpond import build

from ..golden.captures import captures
from .found_files import run_here

Values = dict[str, Any]


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """Configure a service on any free ports, with all it keeps in a directory of its own."""
    return {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": "127.0.0.1:0"},
                    "http": {"endpoint": "127.0.0.1:0"},
                }
            }
        },
        "exporters": {"duckdb": {"path": str(tmp_path / "a.duckdb")}},
        "service": {
            "state_directory": str(tmp_path / "state"),
            "telemetry": {"endpoint": "127.0.0.1:0"},
            "pipelines": {"agents": {"receivers": ["otlp"], "exporters": ["duckdb"]}},
        },
    }


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[[Values], str]:
    def write(values: Values) -> str:
        path = tmp_path / "agentpond.yaml"
        path.write_text(json.dumps(values, indent=1))  # JSON is YAML.
        return str(path)

    return write


@pytest.fixture
def agentpond(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line to its end, in an empty directory."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agentpond", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


@pytest.fixture
def inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line to its end as `agentpond` does, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = run_here(*arguments)
        return subprocess.CompletedProcess(arguments, done.code, done.out, done.errors)

    return run


@contextmanager
def running(config: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "agentpond", "serve", "--config", config]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **{**piped, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def serve() -> Callable[..., Any]:
    """Start a service; it is killed at the end of the block, if it still runs."""
    return running


def read_welcome(process: "subprocess.Popen[str]") -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    while not any("log_user_prompt" in line for line in lines[-1:]):
        line = process.stdout.readline()
        if not line:
            break
        lines.append(line.rstrip("\n"))
    return lines


@pytest.fixture
def welcome() -> Callable[["subprocess.Popen[str]"], list[str]]:
    """Read what a service says when it listens."""
    return read_welcome


SESSION_PROCESSORS = ["ledger", "tool_calls", "turns", "sessions"]


@pytest.fixture
def with_sessions(values: Values) -> Values:
    """Add the processors that make tables of sessions, each with its defaults."""
    processors = ["cost", *SESSION_PROCESSORS]
    values["processors"] = dict.fromkeys(processors)
    values["service"]["pipelines"]["agents"]["processors"] = processors
    return values


@pytest.fixture
def fill(values: Values) -> Callable[..., None]:
    """Fill the store with what captures sent; nothing is made of it yet."""

    def run(*names: str) -> None:
        plain = {"receivers": ["otlp"], "exporters": ["duckdb"]}
        service = {**values["service"], "telemetry": None, "pipelines": {"agents": plain}}
        asyncio.run(_fill({**values, "processors": {}, "service": service}, names))

    return run


async def _fill(values: Values, names: Sequence[str]) -> None:
    async with build(values) as service:
        for capture in captures(*names):
            for request in capture.requests():
                await service.accept(request)
        await service.drain()
