"""Name what a configuration file may say: its four sections, with types and defaults."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    model_validator,
)

from ..pipeline.durations import Duration

SIZES: Mapping[str, int] = {
    "GiB": 1024**3,
    "MiB": 1024**2,
    "GB": 1000**3,
    "MB": 1000**2,
    "KiB": 1024,
    "KB": 1000,
}

_ENDPOINT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^\[\]:]*)):(?P<port>\d{1,5})")


def size_text(size: int) -> str:
    """Write a number of bytes as it would stand in a file: ``64MiB``."""
    for unit, length in SIZES.items():
        if size and size % length == 0:
            return f"{size // length}{unit}"
    return str(int(size))


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Split ``host:port`` or ``[::1]:port``. Raises ValueError if it is neither."""
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None or int(match["port"]) > 65535:  # noqa: PLR2004 - a port has 16 bits
        msg = f"expected an address and a port such as `127.0.0.1:4317`, got '{endpoint}'."
        raise ValueError(msg)
    return match["v6"] or match["host"], int(match["port"])


def _check_endpoint(endpoint: str) -> str:
    split_endpoint(endpoint)
    return endpoint


Endpoint = Annotated[str, AfterValidator(_check_endpoint)]

GIBIBYTE = ByteSize(1024**3)
STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LogConfig(BaseModel):
    """Where requests wait between the acknowledgement and the exporters."""

    model_config = STRICT

    kind: Literal["file", "memory"] = "file"
    """`file` survives a crash; `memory` does not, and writes nothing to disk."""
    directory: Path | None = None
    """Where the files of the log go; `log` in the state directory if not set."""
    max_bytes: ByteSize = GIBIBYTE
    """How much may wait; beyond it senders are told to try again later."""
    segment_bytes: ByteSize = ByteSize(64 * 1024**2)
    """How large one file of the log grows before the next one is begun."""
    fsync: Literal["group", "none"] = "group"
    """`group` acknowledges after fsync; `none` trusts the operating system."""


class MemoryLimiterConfig(BaseModel):
    """How much memory the process may take before senders are told to come again later.

    The names are those of the Collector's `memory_limiter`.
    """

    model_config = STRICT

    # The Collector's README says 1s, but its look stops the program; ours takes 50 us.
    check_interval: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(milliseconds=200)
    """How often the memory is looked at."""
    limit_mib: int = Field(default=0, ge=0)
    """The memory the process is not to pass; with 0, `limit_percentage` says it."""
    spike_limit_mib: int = Field(default=0, ge=0)
    """How far below the limit requests are refused; with 0, a fifth of the limit."""
    limit_percentage: int = Field(default=80, gt=0, le=100)
    """The limit in percent of the container's memory, or of the machine's."""
    spike_limit_percentage: int = Field(default=0, ge=0, lt=100)
    """As `spike_limit_mib`, in percent of the same memory."""
    # The Collector's 10s is when the official exporters give up; it takes us 80 ms.
    min_gc_interval_when_soft_limited: Duration = timedelta(seconds=2)
    """How long to wait before memory is given back again while requests are refused."""
    min_gc_interval_when_hard_limited: Duration = timedelta(seconds=1)
    """The same beyond the limit itself."""

    @model_validator(mode="after")
    def _refuse_below_the_limit(self) -> Self:
        for spike, limit in (
            ("spike_limit_mib", "limit_mib"),
            ("spike_limit_percentage", "limit_percentage"),
        ):
            room, most = getattr(self, spike), getattr(self, limit)
            if most and room >= most:
                msg = (
                    f"{spike} ({room}) is not less than {limit} ({most}): every request would "
                    f"be refused. Lower the one or raise the other."
                )
                raise ValueError(msg)
        return self


class TelemetryConfig(BaseModel):
    """Where the service tells of itself: /metrics, /healthz, /readyz and /query."""

    model_config = STRICT

    endpoint: Endpoint = "127.0.0.1:8888"
    """Address and port to listen on; port 0 takes any free one."""


class PipelineConfig(BaseModel):
    """What one pipeline is made of: ids of components that are defined above."""

    model_config = STRICT

    receivers: tuple[str, ...] = ()
    """Whose requests it takes."""
    processors: tuple[str, ...] = ()
    """What its rows go through, in this order."""
    exporters: tuple[str, ...] = ()
    """Where its rows are delivered."""


class ServiceConfig(BaseModel):
    """How the parts are put together and run."""

    model_config = STRICT

    pipelines: dict[str, PipelineConfig] = Field(default_factory=dict)
    """Pipelines by id; `traces`, `metrics` and `logs` (or `logs/2`) take only that signal."""
    log: LogConfig = LogConfig()
    """Where requests wait between the acknowledgement and the exporters."""
    memory_limiter: MemoryLimiterConfig | None = MemoryLimiterConfig()
    """How much memory the process may take; with null there is no limit."""
    telemetry: TelemetryConfig | None = TelemetryConfig()
    """Where the service tells of itself; with null `agentpond query` cannot ask it."""
    state_directory: Path = Path(".agentpond")
    """Where the service keeps the log, cursors and dead letters."""
    drain_deadline: Duration = timedelta(seconds=30)
    """How long a stop waits for the pipelines; what is left stays in the log."""

    @property
    def log_directory(self) -> Path:
        """Say where the log's files go."""
        return (self.log.directory or self.state_directory / "log").expanduser()


class Config(BaseModel):
    """A whole configuration: components by id, and how the service puts them together.

    The value of a component is its options, or None for all defaults; ids are ``type`` or
    ``type/name``. ``agentpond.build`` checks options against the components themselves.
    """

    model_config = STRICT

    receivers: dict[str, Any] = Field(default_factory=dict)
    """The doors: components that take requests from agents."""
    processors: dict[str, Any] = Field(default_factory=dict)
    """What rows go through on their way."""
    exporters: dict[str, Any] = Field(default_factory=dict)
    """Where rows are delivered."""
    service: ServiceConfig = ServiceConfig()
    """How the parts are put together and run."""
