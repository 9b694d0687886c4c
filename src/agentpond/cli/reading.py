"""Ask a store for rows as plain values, and say in words where it has no tables for them."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exporters.duckdb.sql import literal
from ..pipeline.core.errors import Permanent
from .asking import ask_store
from .rows import objects
from .store import find_store

Row = dict[str, Any]

_TABLES = """
SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks one store: the service that has it, else its file. All raise Permanent or Retryable."""

    store: Path

    def rows(self, sql: str) -> list[Row]:
        """Run a query that only reads."""
        return objects(ask_store(self.store, sql))

    def require(self, *tables: str) -> None:
        """Refuse a store that an older agentpond left without these tables or views."""
        there = {row["table_name"] for row in self.rows(_TABLES)}
        missing = [f"`{table}`" for table in tables if table not in there]
        if missing:
            raise Permanent(
                f"{self.store} has no {' and no '.join(missing)}: an older agentpond wrote it. "
                f"`agentpond process` brings the tables; where a service has the file, stop it "
                f"and start it again with this agentpond.",
                reason="older_file",
            )

    def unmade(self, table: str) -> str:
        """Say that nothing makes a table here, where that is so; else nothing."""
        made_by = "SELECT processor FROM processors WHERE list_contains(tables, {})"
        if self.rows(made_by.format(literal(table))):
            return ""
        return (
            f"No processor has made `{table}` here yet: name `{table}` in the pipeline's "
            f"`processors`, and run `agentpond process`."
        )


def reader(config: Path | None, db: Path | None) -> Reader:
    """Give a reader of a configuration's store, or of a file. Raises ConfigError."""
    return Reader(db if db is not None else find_store(config))


def write_json(value: Any) -> None:
    """Write a value for other programs; where stdout is no UTF-8, in ASCII."""
    plain = not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf8")
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=plain) + "\n")
