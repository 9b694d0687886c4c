"""Find the store that a configuration keeps."""

from pathlib import Path

from ..config.build import default_plan, plan, stores
from ..pipeline.core.errors import ConfigError, Problem


def find_store(config: Path | None) -> Path:
    """Name the store that a configuration keeps. Raises ConfigError unless it keeps one."""
    chosen = default_plan() if config is None else plan(config)
    found = stores(chosen)
    if not found:
        file = str(config) if config else None
        hint = "Name the file with --db, or add the exporter `duckdb`."
        raise ConfigError(Problem("exporters", "none of them can be queried.", hint, file))
    if len(found) > 1:
        file = str(config) if config else None
        named = ", ".join(str(path) for path in found)
        hint = f"Name one: --db {found[0]}"
        raise ConfigError(Problem("exporters", f"several can be queried: {named}.", hint, file))
    return found[0]
