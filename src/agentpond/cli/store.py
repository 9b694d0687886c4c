"""Find the store that a configuration keeps."""

from pathlib import Path

from ..config.build import default_plan, plan, stores
from ..config.check import Plan
from ..pipeline.core.errors import ConfigError, Problem


def find_store(config: Path | None) -> Path:
    """Name the store that a configuration keeps. Raises ConfigError unless it keeps one."""
    return choose_store(planned(config), None)[1]


def planned(config: Path | None) -> Plan:
    """Make the plan of a file, or of the built-in default. Raises ConfigError."""
    return default_plan() if config is None else plan(config)


def choose_store(chosen: Plan, db: Path | None) -> tuple[str, Path]:
    """Name the exporter that keeps a plan's store, and the file; ``db`` is another one.

    Raises:
        ConfigError: it keeps none, or several, and ``db`` is the file of none of them.

    """
    known = stores(chosen)
    same = {each: path for each, path in known.items() if db and path.resolve() == db.resolve()}
    found = same or known
    if not found:
        add = "add the exporter `duckdb`."
        hint = add.capitalize() if db else f"Name the file with --db, or {add}"
        raise _cannot(chosen, "none of them can be queried.", hint)
    if len(found) > 1:
        named = ", ".join(str(path) for path in found.values())
        hint = f"Name one: --db {next(iter(found.values()))}"
        raise _cannot(chosen, f"several can be queried: {named}.", hint)
    each, path = next(iter(found.items()))
    return each, db or path


def _cannot(chosen: Plan, message: str, hint: str) -> ConfigError:
    return ConfigError(Problem("exporters", message, hint, chosen.document.file))
