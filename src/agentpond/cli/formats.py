"""Name the ways in which `agentpond query` writes rows."""

from enum import StrEnum


class Format(StrEnum):
    """How the rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
