"""Keep event batches in a DuckDB file, each record once, and answer read-only queries."""

from .config import Config
from .query import query_file
from .store import DuckDBExporter, factory

__all__ = ["Config", "DuckDBExporter", "factory", "query_file"]
