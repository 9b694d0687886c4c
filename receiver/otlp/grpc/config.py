"""Turn what a user writes under ``protocols.grpc`` into limits and addresses."""

from typing import Any, Self

from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from ..endpoint import Endpoint
from ..guard.tls import TlsConfig

_MEBIBYTE = 1024**2


class GrpcConfig(BaseModel):
    """OTLP/gRPC: where to listen and how much to take."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    endpoint: Endpoint = "127.0.0.1:4317"
    """Where to listen, as host:port; port 0 takes any that is free."""
    max_request_bytes: ByteSize = Field(default=ByteSize(64 * _MEBIBYTE), gt=0, lt=2**31)
    """The largest body taken, also after inflating."""
    read_timeout_s: float = Field(default=60.0, gt=0)
    """Seconds a client may take to send its message."""
    max_header_bytes: ByteSize = Field(default=ByteSize(16 * 1024), ge=4096, lt=2**31)
    """The largest metadata of a call; more is refused by gRPC itself."""
    header_timeout_s: float = Field(default=10.0, gt=0)
    """Seconds a client may take from connecting to its first bytes."""
    max_concurrent_streams: int = Field(default=100, gt=0, lt=2**31)
    """Calls at once on one connection; more of them wait at the client."""
    idle_timeout_s: float = Field(default=900.0, gt=0)
    """Seconds without a call after which a connection is closed; clients open another."""
    max_connections: int = Field(default=1000, gt=0)
    """Connections open at once; one more is told to try later."""
    max_connections_per_peer: int = Field(default=500, gt=0)
    """Connections of one address open at once."""
    answer_other_protocols: bool = True
    """Answer what is not gRPC, and bound connections; if false, gRPC has the port for itself."""
    tls: TlsConfig | None = None
    """Speak TLS, and only that; without it in the clear."""

    @model_validator(mode="after")
    def _bound_connections_or_not(self) -> Self:
        bounds = {"max_connections", "max_connections_per_peer", "header_timeout_s"}
        idle = sorted(bounds & self.model_fields_set)
        if idle and not self.answer_other_protocols:
            msg = (
                f"{', '.join(idle)}: gRPC itself does not bound connections. Leave it out, or "
                f"leave out `answer_other_protocols: false`."
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="before")
    @classmethod
    def _understand_collector(cls, values: Any) -> Any:
        if isinstance(values, dict) and "max_recv_msg_size_mib" in values:
            ours = {**values, "max_request_bytes": f"{values['max_recv_msg_size_mib']}MiB"}
            del ours["max_recv_msg_size_mib"]
            return ours
        return values
