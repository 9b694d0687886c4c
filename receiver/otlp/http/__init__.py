"""Serve OTLP over HTTP/1.1, and answer in words what is spoken to its port by mistake."""

from .app import HttpRim
from .config import HttpConfig
from .server import HttpServer

__all__ = ["HttpConfig", "HttpRim", "HttpServer"]
