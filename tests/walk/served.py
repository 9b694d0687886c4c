"""Run `agentpond serve` as a person would, in a process of its own that can be killed."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
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
    """A running service; its data stays in ``home`` when it ends.

    ``config`` names other doors or pipelines; it has a receiver ``otlp`` and a telemetry endpoint.
    ``wrapper`` is a command that runs the one behind it; ``variables`` are of its environment.
    """

    def __init__(
        self,
        home: Path,
        config: str | None = None,
        *,
        wrapper: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        path = home / "agentpond.yaml"
        path.write_text(config or CONFIG.format(home=home))
        self._errors = (home / "errors.txt").open("ab")
        self._process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "agentpond", "serve", "--config", str(path)],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=os.environ | dict(variables or {}),
        )
        self.addresses = self._read_addresses()
        self.grpc, self.http = self.addresses["otlp grpc"], self.addresses["otlp http"]
        self.telemetry = self.addresses["telemetry"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _read_addresses(self) -> dict[str, str]:
        """Read where it listens, by receiver and protocol: ``otlp grpc``."""
        told: dict[str, str] = {}
        assert self._process.stdout is not None
        for line in self._process.stdout:
            words = line.split()
            if line.startswith("  otlp"):
                told[f"{words[0]} {words[1]}"] = words[2]
            elif words[:1] == ["metrics,"]:
                return {**told, "telemetry": words[-1]}
        raise AssertionError((self.home / "errors.txt").read_text())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

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
        told = [line.rpartition(" ") for line in lines if re.match(rf"{metric}[{{ ]", line)]
        return {labels.removeprefix(metric): float(value) for labels, _, value in told}

    def troubles(self) -> list[str]:
        """Ask `/readyz` what keeps it from being ready."""
        try:
            answer = urllib.request.urlopen(f"{self.telemetry}/readyz")  # noqa: S310 - loopback
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            told: list[str] = json.load(answer)["reasons"]
        return told


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Query the file of a service that has ended."""
    with duckdb.connect(str(home / "agentpond.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()
