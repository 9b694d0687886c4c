"""Run the program to be measured as a process of its own, and read what it uses."""

import re
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from urllib.error import URLError

import psutil

_CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc_port}", answer_other_protocols: {front}}}
      http: {{endpoint: "127.0.0.1:{http_port}"}}
processors: {{redact: {{}}, noise: {{}}, cost: {{}}}}
exporters:
  duckdb: {{path: "{directory}/bench.duckdb"}}
service:
  state_directory: "{directory}/state"
  log: {{fsync: {fsync}}}
  telemetry: {{endpoint: "127.0.0.1:{site_port}"}}
  pipelines:
    agents: {{receivers: [otlp], processors: [redact, noise, cost], exporters: [duckdb]}}
"""
_LOG_RECORDS = re.compile(r"^agentpond_log_records\{.*\} (\S+)$", re.MULTILINE)
_STEP_S = 0.05
_START_S = 30.0
_STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running program with its ports; ``site_port`` is 0 where it has no /metrics of ours."""

    process: psutil.Process
    grpc_port: int
    http_port: int
    site_port: int = 0

    @property
    def cpu_s(self) -> float:
        """CPU seconds it has used since its start, in all threads."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    @property
    def rss_bytes(self) -> int:
        """Bytes of memory that are resident now."""
        return int(self.process.memory_info().rss)

    @property
    def most_rss_bytes(self) -> int:
        """The most bytes that ever were resident; 0 where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
        return int(told[1]) * 1024 if told else 0

    def port(self, protocol: str) -> int:
        """Give the port for ``grpc``, ``http`` or ``http-json``."""
        return self.grpc_port if protocol == "grpc" else self.http_port

    def undelivered(self) -> int:
        """Count the records that are acknowledged and not yet in the store."""
        return round(sum(float(number) for number in _LOG_RECORDS.findall(self.metrics())))

    def metrics(self) -> str:
        """Read /metrics."""
        url = f"http://127.0.0.1:{self.site_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    def drain(self) -> None:
        """Wait until all that is acknowledged is delivered."""
        while self.site_port and self.undelivered():
            time.sleep(_STEP_S)


@contextmanager
def agentpond(directory: Path, *, fsync: str = "group", front: bool = True) -> Iterator[Server]:
    """Run ``agentpond serve`` on the default pipeline; stop it, drained, at the end.

    Without ``front`` gRPC has its port alone.
    """
    grpc_port, http_port, site_port = free_port(), free_port(), free_port()
    config = directory / "bench.yaml"
    config.write_text(
        _CONFIG.format(
            grpc_port=grpc_port,
            http_port=http_port,
            site_port=site_port,
            directory=directory,
            fsync=fsync,
            front=str(front).lower(),
        )
    )
    line = [sys.executable, "-m", "agentpond", "serve", "--config", str(config)]
    with running(line, site_port) as process:
        server = Server(process, grpc_port, http_port, site_port)
        _wait_ready(server)
        yield server


@contextmanager
def running(line: list[str], port: int) -> Iterator[psutil.Process]:
    """Run a program from the moment it listens on a port; ask it to stop at the end."""
    process = Popen(line, stdout=DEVNULL)
    try:
        wait_listening(process, port)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(_STOP_S)


def wait_listening(process: "Popen[bytes]", port: int) -> None:
    """Return when a process listens on a port. Raises RuntimeError if it ends instead."""
    deadline_s = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_STEP_S)
    raise RuntimeError(f"{process.args!r} does not listen on port {port}; see what it said above.")


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_ready(server: Server) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{server.site_port}/readyz", timeout=5).close()
        except URLError:
            time.sleep(_STEP_S)
        else:
            return
    raise RuntimeError("agentpond does not get ready; see what it said above.")
