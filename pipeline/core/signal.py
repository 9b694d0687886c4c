"""Say what a sender sends: one request of one signal in one encoding."""

from dataclasses import dataclass
from enum import StrEnum


class Signal(StrEnum):
    """What a request holds; OpenTelemetry's word."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class Encoding(StrEnum):
    """How a request's body is written."""

    PROTOBUF = "protobuf"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a sender is, known from its token and not from what it says of itself.

    The fields are columns of ``events``, and win over what the records claim; an empty one
    says nothing.
    """

    user_id: str = ""
    user_email: str = ""
    organization_id: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One OTLP request as the log keeps it.

    ``body`` is the message as it came, after inflating; ``received_at_ns`` is Unix time in
    nanoseconds; ``receiver`` is the id of the component that took it; ``identity`` is None
    where senders are not asked who they are.
    """

    signal: Signal
    encoding: Encoding
    body: bytes
    received_at_ns: int
    receiver: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a request that is durable.

    ``records`` were taken. ``rejected`` were refused one by one for good, and ``message`` says
    why and what to do; the sender gets both as OTLP's partial success.
    """

    position: int
    records: int
    rejected: int = 0
    message: str = ""
