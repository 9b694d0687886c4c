"""Say what a user can set about when a session-scope processor runs."""

import hashlib
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ..core.sessions import Cadence
from ..durations import Duration

_MOMENT = timedelta(0)


class SessionConfig(BaseModel):
    """When to run; the options that all session-scope processors have."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    every: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(seconds=5)
    """At most so long from the beginning of one run to that of the next, while there is work; one
    that took little is followed sooner, after five times what it took."""

    settle: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(seconds=2)
    """How long a session must be quiet before it is processed; none waits longer than thrice
    that."""

    @property
    def cadence(self) -> Cadence:
        """The same in seconds."""
        return Cadence(self.every.total_seconds(), self.settle.total_seconds())


class FindingConfig(SessionConfig):
    """When to run; of processors that find out something from the tables of others.

    They begin when those whose tables people watch are through: run at the same moment, they
    would make a session's own row come a second later.
    """

    every: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(seconds=15)
    """At most so long from the beginning of one run to that of the next, while there is work; one
    that took little is followed sooner, after five times what it took."""

    settle: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(seconds=5)
    """How long a session must be quiet before it is processed; none waits longer than thrice
    that."""


def version_of(code: int, config: SessionConfig, *more: str) -> str:
    """Name a processor's version: its code's, and a digest of the options that shape its rows.

    ``every`` and ``settle`` shape none. ``more`` is whatever else rows depend on, such as the
    text of a price file.
    """
    told: dict[str, Any] = config.model_dump(mode="json", exclude_defaults=True)
    shaping = {name: told[name] for name in sorted(told) if name not in {"every", "settle"}}
    if not shaping and not more:
        return str(code)
    digest = hashlib.blake2b(repr((shaping, more)).encode(), digest_size=4).hexdigest()
    return f"{code}+{digest}"
