"""Make the tables of captured sessions in a running service, killed or not, and again."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..golden.captures import Capture, captures
from .served import Served, rows
from .test_replay import CLAUDE, printed_in, replay, used_in

CHOSEN = captures("*/*/grpc")
CLAUDE_CODE = [capture for capture in CLAUDE if capture in CHOSEN]

MADE = (
    *("api_calls", "tool_calls", "turns", "sessions"),
    *("error_clusters", "correlations", "insights", "agent_performance"),
)

CONFIG = """
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}
processors:
  {{redact: , noise: , cost: , ledger: , tool_calls: , turns: , sessions: , error_clusters: ,
   correlations: , insights: , agent_performance: }}
exporters:
  duckdb: {{path: {home}/agentpond.duckdb}}
service:
  state_directory: {home}/state
  log: {{directory: {home}/state/log}}
  telemetry: {{endpoint: "127.0.0.1:0"}}
  pipelines:
    agents:
      receivers: [otlp]
      processors:
        [redact, noise, cost, ledger, tool_calls, turns, sessions, error_clusters, correlations,
         insights, agent_performance]
      exporters: [duckdb]
"""


def process(home: Path, *options: str) -> str:
    """Run `agentpond process` as a person would."""
    line = [sys.executable, "-m", "agentpond", "process", "--config", str(home / "agentpond.yaml")]
    done = subprocess.run([*line, *options], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dump(home: Path) -> dict[str, list[Any]]:
    """Read all made tables as they stand, in the order of the file."""
    return {table: rows(home, f"FROM {table}") for table in MADE}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Replay into a service that makes the tables, then stop it."""
    home = tmp_path_factory.mktemp("made")
    with Served(home, CONFIG.format(home=home)) as service:
        asyncio.run(replay(service, CHOSEN))
        process(home)
        service.stop()
    # What arrived in the service's last moments is due.
    process(home)
    return home


@pytest.mark.parametrize("capture", CLAUDE_CODE, ids=lambda capture: capture.name)
def test_claude_codes_calls_are_those_the_program_printed(home: Path, capture: Capture) -> None:
    runs = capture.facts["runs"]

    stored = used_in(home, "api_calls", [run["session_id"] for run in runs])

    assert stored == printed_in(runs)


@pytest.mark.parametrize("capture", CLAUDE_CODE, ids=lambda capture: capture.name)
def test_claude_codes_cost_is_what_the_program_printed(home: Path, capture: Capture) -> None:
    sessions = {run["session_id"] for run in capture.facts["runs"]}
    named = ", ".join(f"'{session}'" for session in sessions)

    told = rows(
        home,
        f"SELECT sum(cost_usd), min(cost_coverage) FROM sessions WHERE session_id IN ({named})",
    )

    printed_usd = sum(run["total_cost_usd"] for run in capture.facts["runs"])
    assert told == [(pytest.approx(printed_usd, abs=1e-9), 1.0)]


def test_every_processor_is_up_to_date_with_every_session(home: Path) -> None:
    told = rows(home, "SELECT DISTINCT processor, status, error FROM processor_state ORDER BY ALL")

    assert told == [(name, "processed", None) for name in sorted(("ledger", *MADE[1:]))]


def test_making_everything_again_changes_no_byte_of_the_tables(home: Path) -> None:
    before = dump(home)

    process(home, "--all")

    assert dump(home) == before


def test_a_service_that_was_killed_makes_the_same_tables(home: Path, tmp_path: Path) -> None:
    half = len(CHOSEN) // 2
    with Served(tmp_path, CONFIG.format(home=tmp_path)) as service:
        asyncio.run(replay(service, CHOSEN[:half]))
        service.kill()
    with Served(tmp_path, CONFIG.format(home=tmp_path)) as service:
        asyncio.run(replay(service, CHOSEN[half:]))
        process(tmp_path)
        service.stop()

    process(tmp_path)

    ordered = {table: sorted(told, key=repr) for table, told in dump(tmp_path).items()}
    assert ordered == {table: sorted(told, key=repr) for table, told in dump(home).items()}
