"""Turn DuckDB's errors into the two that may cross an exporter's edge."""

import os
import re
from pathlib import Path

import duckdb

from ...pipeline.core.errors import Permanent, Retryable

_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_RETRY_DISK_S = 5.0

# A checkpoint that finds the disk full ends the database with a plain IOException, or with a
# TransactionException where it was part of a commit (DuckDB 2.0.0).
_GIVEN_UP = re.compile(r"has been invalidated|[Dd]etach and reattach")


def broke_database(error: duckdb.Error) -> bool:
    """Tell whether DuckDB will refuse everything until the file is opened again."""
    if isinstance(error, duckdb.FatalException | duckdb.InternalException):
        return True
    return _GIVEN_UP.search(str(error)) is not None


def export_fault(error: duckdb.Error, path: Path) -> Retryable | Permanent:
    """Say of a failed call whether the same one may succeed later."""
    text = f"{path}: {error}"
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "Raise the exporter's `memory_limit`, or send less at once."
        return Retryable(f"{text} {hint}", reason="out_of_memory")
    if isinstance(error, duckdb.InterruptException):
        return Retryable(f"{text} Nothing was stored.", reason="interrupted")
    # OutOfMemoryException is an OperationalError too, hence the order. Disk full, a file that
    # went away, a conflict between transactions:
    if isinstance(error, duckdb.OperationalError) or broke_database(error):
        hint = "Nothing was stored; see that the disk has room."
        return Retryable(f"{text} {hint}", retry_after_s=_RETRY_DISK_S, reason="disk")
    return Permanent(f"{text} These rows cannot be stored as they are.", reason="refused_rows")


def open_fault(error: duckdb.Error, path: Path) -> Permanent:
    """Say why a file cannot be opened, who holds it, and what to do instead."""
    text = str(error)
    if holder := _HOLDER.search(text):
        program, pid = _command(int(holder["pid"])) or holder["program"], int(holder["pid"])
        return _locked(path, f"process {pid} ({program})")
    if "Unique file handle conflict" in text:
        return _locked(path, f"this process ({os.getpid()}), in another exporter or service")
    if "lock" in text or "being used by another process" in text:
        return _locked(path, "another process")
    return Permanent(
        f"cannot open {path}: {text} Choose another `path`, or mend this file.",
        reason="cannot_open_database",
    )


def _locked(path: Path, holder: str) -> Permanent:
    msg = (
        f"{path} is held by {holder}, and DuckDB lets one process open a file. Ask the running "
        f"service with `agentpond query`, stop that process, or choose another `path`."
    )
    return Permanent(msg, reason="database_locked")


def _command(pid: int) -> str | None:
    """Read a process's command line where the system tells it (Linux)."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    return " ".join(raw.decode(errors="replace").split("\0")).strip()[:200] or None
