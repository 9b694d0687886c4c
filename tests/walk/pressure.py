"""Put a service under pressure: an exporter that a test holds up, disks that a test fills."""

import asyncio
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import psutil

from .served import Served

WAIT_S = 60.0

GATED = '''
import fcntl
from pathlib import Path

from agentpond import Factory, Kind
from agentpond.exporters.duckdb import Config as DuckDBConfig
from agentpond.exporters.duckdb import DuckDBExporter


class Config(DuckDBConfig):
    """Keep rows in DuckDB, but wait before each delivery while somebody holds the gate."""

    gate: Path


class Gated(DuckDBExporter):
    def __init__(self, config, settings):
        super().__init__(config, settings)
        self._gate = config.gate

    def export(self, delivery):
        with self._gate.open("rb") as gate:
            fcntl.flock(gate, fcntl.LOCK_SH)
            return super().export(delivery)


factory = Factory(Kind.EXPORTER, "gated", Config, Gated)
'''

SERVICE = """
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}
exporters: {{{exporter}}}
service:
  state_directory: {home}/state
  log: {log}
  memory_limiter: {{limit_mib: {limit_mib}}}
  telemetry: {{endpoint: "127.0.0.1:0"}}
  pipelines:
    agents: {{receivers: [otlp], exporters: [{name}]}}
"""


def config(
    home: Path,
    exporter: str,
    *,
    log: str = "{max_bytes: 1GiB}",
    limit_mib: int = 4000,
) -> str:
    """Write a configuration of one pipeline that ends in ``exporter`` (`name: {options}`)."""
    name = exporter.partition(":")[0]
    return SERVICE.format(home=home, exporter=exporter, name=name, log=log, limit_mib=limit_mib)


class Gate:
    """Holds up the `gated` exporter as long as it is closed."""

    def __init__(self, home: Path) -> None:
        self._file = (home / "gate").open("wb")

    def close(self) -> None:
        """Let nothing through; what is on its way goes through first."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def open(self) -> None:
        """Let everything through."""
        fcntl.flock(self._file, fcntl.LOCK_UN)


class Gated(Served):
    """A service whose only exporter a test can hold up; it begins held up."""

    def __init__(self, home: Path, *, log_bytes: int = 1 << 20, limit_mib: int = 4000) -> None:
        self.gate = Gate(home)
        self.gate.close()
        exporter = f"gated: {{path: {home}/agentpond.duckdb, gate: {home}/gate}}"
        log = f"{{max_bytes: {log_bytes}}}"
        text = config(home, exporter, log=log, limit_mib=limit_mib)
        super().__init__(home, text, variables=install(home))

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.gate._file.close()


def install(home: Path) -> dict[str, str]:
    """Put the `gated` exporter where pip would; give the variables that show it to Python."""
    site = home / "site"
    information = site / "pond_gated-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "pond_gated.py").write_text(GATED)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pond-gated\nVersion: 1.0\n")
    entry = "[agentpond.components]\ngated = pond_gated:factory\n"
    (information / "entry_points.txt").write_text(entry)
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


class SmallDisk:
    """A file system of 24 MiB that only the service sees, in a mount namespace of its own."""

    def __init__(self, home: Path) -> None:
        self.path = home / "disk"
        self.path.mkdir()
        self._seen = self.path
        self._held = -1

    def serve(self, home: Path, text: str) -> Served:
        """Serve a configuration, with the disk at its place."""
        mount = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'
        service = Served(home, text, wrapper=[*unshare(), "sh", "-c", mount, str(self.path)])
        self._seen = Path(f"/proc/{service.pid}/root{self.path}")
        # The mount goes with its last process, but not while its directory is open.
        self._held = os.open(self._seen, os.O_PATH)
        return service

    def fill(self) -> None:
        """Leave no room."""
        with (self._seen / "ballast").open("wb", buffering=0) as ballast:
            room = os.statvfs(self._seen)
            os.posix_fallocate(ballast.fileno(), 0, room.f_bavail * room.f_frsize)

    def make_room(self) -> None:
        """Give back what ``fill`` took."""
        (self._seen / "ballast").unlink()

    def collect(self, to: Path) -> None:
        """Copy the store's file, when the service has ended."""
        shutil.copy(f"/proc/self/fd/{self._held}/agentpond.duckdb", to)
        os.close(self._held)


class Quota:
    """A limit on the size of files, which any user may set and lift while the service runs.

    It holds for all files of the process: a log in memory leaves it to the store alone.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "disk"
        self.path.mkdir()
        self._process = psutil.Process()

    def serve(self, home: Path, text: str) -> Served:
        """Serve a configuration."""
        service = Served(home, text)
        self._process = psutil.Process(service.pid)
        return service

    def fill(self) -> None:
        """Let no file grow."""
        self._process.rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))

    def make_room(self) -> None:
        """Let files grow again."""
        unlimited = (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY)
        self._process.rlimit(psutil.RLIMIT_FSIZE, unlimited)

    def collect(self, to: Path) -> None:
        """Copy the store's file, when the service has ended."""
        shutil.copy(self.path / "agentpond.duckdb", to)


Disk = SmallDisk | Quota


@cache
def unshare() -> tuple[str, ...]:
    """Give the command that has a program see mounts of its own; nothing if none may."""
    for command in (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount")):
        with suppress(FileNotFoundError):
            attempt = [*command, "mount", "-t", "tmpfs", "none", gettempdir()]
            if subprocess.run(attempt, capture_output=True, check=False).returncode == 0:
                return command
    return ()


def disks() -> list[type[Disk]]:
    """List the kinds of disks that can be filled here: a quota always can."""
    return [SmallDisk, Quota] if unshare() else [Quota]


async def until(ready: Callable[[], bool]) -> None:
    """Return once ``ready`` says yes, which asks the service over the network."""
    async with asyncio.timeout(WAIT_S):
        while not await asyncio.to_thread(ready):
            pass
