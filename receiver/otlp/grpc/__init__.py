"""Serve OTLP over gRPC, and answer in words what is spoken to its port by mistake."""

from .config import GrpcConfig
from .peers import peer_of
from .rim import GrpcRim
from .server import GrpcServer

__all__ = ["GrpcConfig", "GrpcRim", "GrpcServer", "peer_of"]
