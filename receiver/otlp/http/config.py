"""Turn what a user writes under ``protocols.http`` into limits and addresses."""

import re
from typing import Any

from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from ..endpoint import Endpoint
from ..guard.origins import CorsConfig
from ..guard.tls import TlsConfig

# The Collector's names (confighttp) for what we call otherwise, and whether it is a duration.
_COLLECTOR_NAMES = {
    "max_request_body_size": ("max_request_bytes", False),
    "read_timeout": ("read_timeout_s", True),
    "read_header_timeout": ("header_timeout_s", True),
    "idle_timeout": ("idle_timeout_s", True),
}

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class HttpConfig(BaseModel):
    """OTLP/HTTP: where to listen and how much to take."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    endpoint: Endpoint = "127.0.0.1:4318"
    """Where to listen, as host:port; port 0 takes any that is free."""
    max_request_bytes: ByteSize = Field(default=ByteSize(64 * 1024**2), gt=0)
    """The largest body taken, also after inflating."""
    read_timeout_s: float = Field(default=60.0, gt=0)
    """Seconds a client may take to send its body."""
    max_header_bytes: ByteSize = Field(default=ByteSize(16 * 1024), ge=1024, lt=2**31)
    """The largest head of a request: its first line and its headers."""
    header_timeout_s: float = Field(default=10.0, gt=0)
    """Seconds a client may take from connecting, or from a head's first byte, to the head's end."""
    idle_timeout_s: float = Field(default=90.0, gt=0)
    """Seconds without a request after which a connection is closed."""
    max_connections: int = Field(default=1000, gt=0)
    """Connections open at once; one more is told to try later."""
    max_connections_per_peer: int = Field(default=500, gt=0)
    """Connections of one address open at once."""
    accept_root: bool = True
    """Take `POST /` too, as the signal that its body holds: Codex posts to its endpoint as is."""
    tls: TlsConfig | None = None
    """Speak TLS, and only that; without it in the clear."""
    cors: CorsConfig | None = None
    """Web pages that may send; none unless they are named."""
    allowed_hosts: tuple[str, ...] = ()
    """Names this port is called by, beside addresses and `localhost`."""

    @model_validator(mode="before")
    @classmethod
    def _understand_collector(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        ours = {name: value for name, value in values.items() if name not in _COLLECTOR_NAMES}
        for theirs, (name, is_duration) in _COLLECTOR_NAMES.items():
            if theirs in values:
                value = values[theirs]
                ours[name] = _seconds(value) if is_duration else value
        return ours


def _seconds(value: object) -> object:
    """Read ``1m30s`` as Go writes it; what is something else is left to be judged."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(value))
    return value
