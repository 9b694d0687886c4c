"""Receive OTLP over gRPC and HTTP."""
