"""`agentpond serve` runs a service, says how to use it, and stops when told."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]
Values = dict[str, Any]
Welcome = Callable[[subprocess.Popen[str]], list[str]]
Write = Callable[[Values], str]

PROMPT = {
    "resourceLogs": [
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]
            },
            "scopeLogs": [
                {
                    "scope": {"name": "com.anthropic.claude_code.events"},
                    "logRecords": [
                        {
                            "timeUnixNano": "1700000000000000000",
                            "attributes": [
                                {"key": "event.name", "value": {"stringValue": "user_prompt"}},
                                {"key": "prompt", "value": {"stringValue": "hello"}},
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}
SQL = "SELECT content FROM events"


def send(lines: list[str]) -> int:
    """Send a prompt to where the lines say that Codex is to send its logs."""
    text = "\n".join(lines)
    found = re.search(r'^  exporter = .*endpoint = "(http://[^"]+/v1/logs)"', text, re.MULTILINE)
    assert found is not None, text
    request = urllib.request.Request(  # noqa: S310 - our own address
        found[1], json.dumps(PROMPT).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own address
        return int(answer.status)


def test_what_was_sent_can_be_queried_while_it_runs_and_after(
    serve: Any,
    welcome: Welcome,
    agentpond: Run,
    inside: Run,
    values: Values,
    write_config: Write,
) -> None:
    config = write_config(values)
    with serve(config) as process:
        status = send(welcome(process))
        during = agentpond("query", "SELECT 1 AS one", "--config", config, "--format", "json")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()

    after = inside("query", SQL, "--config", config, "--format", "json")

    assert status == 200
    assert json.loads(during.stdout) == [{"one": 1}]
    assert json.loads(after.stdout) == [{"content": "hello"}]
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_the_welcome_names_the_real_ports(
    serve: Any, welcome: Welcome, values: Values, write_config: Write
) -> None:
    with serve(write_config(values)) as process:
        lines = welcome(process)
        process.send_signal(signal.SIGINT)
        process.communicate()

    text = "\n".join(lines)
    grpc = re.search(r"^  otlp grpc +127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    http = re.search(r"^  otlp http +127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    assert grpc is not None
    assert http is not None
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{http[1]}" in text
    for name in ("logs", "traces", "metrics"):
        assert f"http://127.0.0.1:{http[1]}/v1/{name}" in text
    assert process.returncode == 0


def test_a_port_that_is_taken_is_told_with_its_holder(
    agentpond: Run, values: Values, write_config: Write
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        values["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{port}"

        done = agentpond("serve", "--config", write_config(values))

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert f"Port {port} is held by process {os.getpid()}" in done.stderr
    assert "change receivers.otlp.protocols.http.endpoint" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_ports_that_are_taken_are_told_at_once_and_no_file_is_made(
    agentpond: Run, values: Values, write_config: Write, tmp_path: Path
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
    ):
        ports = [first.getsockname()[1], second.getsockname()[1]]
        values["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{ports[0]}"
        values["service"]["telemetry"]["endpoint"] = f"127.0.0.1:{ports[1]}"

        done = agentpond("serve", "--config", write_config(values))

    assert [f"Port {port} is held by" in done.stderr for port in ports] == [True, True]
    assert [each.name for each in tmp_path.iterdir()] == ["agentpond.yaml"]


def test_a_store_that_is_taken_is_told_with_its_holder(
    serve: Any, welcome: Welcome, agentpond: Run, values: Values, write_config: Write
) -> None:
    with serve(write_config(values)) as process:
        welcome(process)
        values["service"]["state_directory"] += "-2"

        done = agentpond("serve", "--config", write_config(values))

        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert done.returncode == 1
    assert "a.duckdb" in done.stderr
    assert str(process.pid) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_that_cannot_be_used_is_told_before_anything_opens(
    inside: Run, values: Values, write_config: Write, tmp_path: Path
) -> None:
    values["exporters"]["duckdb"]["pathh"] = "x"

    done = inside("serve", "--config", write_config(values))

    assert done.returncode == 2
    assert "exporters.duckdb.pathh: unknown option. Did you mean `path`?" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["agentpond.yaml"]


def test_without_a_terminal_stderr_has_log_lines_alone(
    serve: Any, welcome: Welcome, values: Values, write_config: Write
) -> None:
    with serve(write_config(values)) as process:
        welcome(process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()

    strange = [line for line in errors.splitlines() if not re.match(r"\d{4}-\d\d-\d\d ", line)]
    assert strange == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_on_a_terminal_a_line_follows_the_records(
    serve: Any, welcome: Welcome, values: Values, write_config: Write
) -> None:
    terminal, theirs = pty.openpty()
    seen = b""
    with serve(write_config(values), stderr=theirs) as process:
        os.close(theirs)
        send(welcome(process))
        while b"accepted 1   stored 1   dropped 0" not in seen:
            seen += os.read(terminal, 4096)
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            try:
                os.read(terminal, 4096)
            except OSError:  # Linux: the other side has closed.
                process.wait()
    os.close(terminal)

    assert process.returncode == 0


def test_a_second_signal_ends_it_at_once(
    serve: Any, welcome: Welcome, values: Values, write_config: Write
) -> None:
    with serve(write_config(values)) as process:
        welcome(process)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        process.communicate()

    assert process.returncode in (0, -signal.SIGTERM)


def test_each_of_two_stores_is_asked_by_its_file_while_the_service_runs(
    serve: Any, welcome: Welcome, inside: Run, values: Values, write_config: Write
) -> None:
    calls = Path(values["exporters"]["duckdb"]["path"]).with_name("calls.duckdb")
    values["exporters"]["duckdb/calls"] = {"path": str(calls)}
    pipelines = values["service"]["pipelines"]
    pipelines["calls"] = {**pipelines["agents"], "exporters": ["duckdb/calls"]}
    with serve(write_config(values)) as process:
        send(welcome(process))

        asked = [
            inside("query", f"SELECT '{file}' AS file", "--db", file, "--format", "csv")
            for file in ("a.duckdb", "calls.duckdb", str(calls))
        ]

        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert [done.stdout for done in asked] == [
        "file\na.duckdb\n",
        "file\ncalls.duckdb\n",
        f"file\n{calls}\n",
    ]


def test_a_service_without_telemetry_is_not_to_be_asked_and_the_query_says_so(
    serve: Any, welcome: Welcome, inside: Run, values: Values, write_config: Write
) -> None:
    values["service"]["telemetry"] = None
    config = write_config(values)
    with serve(config) as process:
        welcome(process)

        done = inside("query", "SELECT 1", "--config", config)

        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert done.returncode == 1
    assert str(process.pid) in done.stderr
    assert "give it a service.telemetry (not null) and start it again; or stop it." in done.stderr
    assert "agentpond query" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_rows_on_a_terminal_stand_in_lines_of_their_own(
    serve: Any, values: Values, write_config: Write
) -> None:
    terminal, theirs = pty.openpty()
    values["exporters"] = {"console": {}}
    values["service"]["pipelines"]["agents"]["exporters"] = ["console"]
    seen = b""
    with serve(write_config(values), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        while b"records: accepted 0" not in seen:
            seen += os.read(terminal, 4096)
        send(seen.decode().splitlines())
        while not re.search(rb"accepted 1   stored 1", seen):
            seen += os.read(terminal, 4096)
        process.kill()
    os.close(terminal)

    # After a row comes the end of its line, and before it the line below was wiped out.
    assert re.search(rb"\x1b\[2K\S*agents \[0, \d+\): 1 events: 1 user_prompt *\r?\n", seen)
