"""Receive OTLP over gRPC and HTTP."""

from .receiver import Config, OtlpReceiver, factory

__all__ = ["Config", "OtlpReceiver", "factory"]
