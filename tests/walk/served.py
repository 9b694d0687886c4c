"""Run `agentpond serve` as a person would, in a process of its own that can be killed."""

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

import duckdb

CONFIG = """
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}
processors: {{redact: , cost: }}
exporters:
  duckdb: {{path: {home}/agentpond.duckdb}}
service:
  state_directory: {home}/state
  log: {{directory: {home}/state/log}}
  telemetry: {{endpoint: "127.0.0.1:0"}}
  pipelines:
    agents: {{receivers: [otlp], processors: [redact, cost], exporters: [duckdb]}}
"""


class Served:
    """A running service; its data stays in ``home`` when it ends."""

    def __init__(self, home: Path) -> None:
        self.home = home
        config = home / "agentpond.yaml"
        config.write_text(CONFIG.format(home=home))
        self._errors = (home / "errors.txt").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agentpond", "serve", "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.grpc, self.http, self.telemetry = self._read_addresses()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _read_addresses(self) -> tuple[str, str, str]:
        told: dict[str, str] = {}
        assert self._process.stdout is not None
        for line in self._process.stdout:
            words = line.split()
            if words[:1] == ["otlp"]:
                told[words[1]] = words[2]
            elif words[:1] == ["metrics,"]:
                return told["grpc"], told["http"], words[-1]
        raise AssertionError((self.home / "errors.txt").read_text())

    def stop(self) -> None:
        """Have it deliver what it holds and end."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait()
        self._close()
        assert code == 0, (self.home / "errors.txt").read_text()

    def kill(self) -> None:
        """End it at once, as a power failure would, if it still runs."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def counted(self, metric: str) -> dict[str, float]:
        """Read a metric's values by their labels, as `/metrics` writes them."""
        with urllib.request.urlopen(f"{self.telemetry}/metrics") as answer:  # noqa: S310 - loopback
            lines = answer.read().decode().splitlines()
        told = [line.rpartition(" ") for line in lines if line.startswith(f"{metric}{{")]
        return {labels.removeprefix(metric): float(value) for labels, _, value in told}


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Query the file of a service that has ended."""
    with duckdb.connect(str(home / "agentpond.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()
