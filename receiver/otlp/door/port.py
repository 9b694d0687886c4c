"""Say what all connections of a port have in common, whichever protocol is served there."""

import logging
from dataclasses import dataclass
from typing import Protocol

from pydantic import ByteSize

from .desk import Desk


class Limits(Protocol):
    """How much a port takes, and how long it waits; both protocols' configs are such."""

    @property
    def max_request_bytes(self) -> ByteSize:
        """The largest body that is read, if only to be thrown away."""

    @property
    def max_header_bytes(self) -> ByteSize:
        """The largest head of a request."""

    @property
    def header_timeout_s(self) -> float:
        """Seconds for a connection's first words."""

    @property
    def read_timeout_s(self) -> float:
        """Seconds for a body."""

    @property
    def idle_timeout_s(self) -> float:
        """Seconds that a connection may be silent."""

    @property
    def max_connections(self) -> int:
        """Connections open at once."""

    @property
    def max_connections_per_peer(self) -> int:
        """Connections of one address open at once."""


@dataclass(frozen=True, slots=True)
class Port:
    """Who answers mistakes, within which limits, and which log is told."""

    desk: Desk
    limits: Limits
    logger: logging.Logger
