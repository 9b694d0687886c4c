"""Give the tests of config a registry of small components."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from pydantic import BaseModel, ByteSize, ConfigDict, Field

from agentpond.config.check import Plan, check
from agentpond.config.load import parse
from agentpond.pipeline.core.component import Factory, Kind, Settings
from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.core.registry import Registry

STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Door(BaseModel):
    """One port."""

    model_config = STRICT

    endpoint: str = "127.0.0.1:4317"
    """Where to listen."""
    max_requests: int = Field(default=3, ge=1, alias="most")
    """How many at once."""
    max_request_bytes: ByteSize = ByteSize(1024)
    """The largest request."""


class Doors(BaseModel):
    """All ports."""

    model_config = STRICT

    grpc: Door | None = None
    """The gRPC port."""
    http: Door | None = None
    """The HTTP port."""


class OtlpConfig(BaseModel):
    """Take OTLP."""

    model_config = STRICT

    protocols: Doors = Doors(grpc=Door(), http=Door(endpoint="127.0.0.1:4318"))
    """The ports to open."""


class RedactConfig(BaseModel):
    """Mask secrets."""

    model_config = STRICT

    mode: Literal["fast", "safe"] = "safe"
    """How thorough."""
    words: tuple[str, ...] = ()
    """What to mask as well."""
    limit: int | str = 1
    """A number, or `all`."""
    pattern: str = ""
    """An option with the name of a keyword of JSON schema."""


class StoreConfig(BaseModel):
    """Keep rows."""

    model_config = STRICT

    path: str
    """The file."""
    keep: bool = True
    """Whether."""
    wait: timedelta = timedelta()
    """How long."""


def _nothing(config: object, settings: Settings) -> None:
    del config, settings


@pytest.fixture
def registry() -> Registry:
    return Registry(
        [
            Factory(Kind.RECEIVER, "otlp", OtlpConfig, _nothing),
            Factory(Kind.PROCESSOR, "redact", RedactConfig, _nothing),
            Factory(Kind.EXPORTER, "store", StoreConfig, _nothing),
        ]
    )


@pytest.fixture
def check_text(registry: Registry) -> Callable[[str], Plan]:
    """Check a text without any environment."""

    def run(text: str) -> Plan:
        return check(parse(text, "a.yaml", {}), registry)

    return run


@pytest.fixture
def problems(check_text: Callable[[str], Plan]) -> Callable[[str], list[str]]:
    """Give all problems of a text, one line each; none if it can be used."""

    def run(text: str) -> list[str]:
        try:
            check_text(text)
        except ConfigError as error:
            return str(error).splitlines()
        return []

    return run
