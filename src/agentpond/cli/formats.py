"""Name the ways in which `agentpond query` writes rows."""

from enum import StrEnum
from pathlib import Path


class Format(StrEnum):
    """How the rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def format_of(output: Path | None) -> Format:
    """Tell from a file's name how it is to be written; a table where that says nothing."""
    suffix = output.suffix.removeprefix(".").lower() if output else ""
    return Format(suffix) if suffix in set(Format) else Format.TABLE
