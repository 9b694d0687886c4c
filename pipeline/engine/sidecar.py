"""Leave a note beside a store's file, so that other programs find the service that has it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.errors import Retryable
from .cursors import write_durably


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Where to ask, and the token that a query needs."""

    pid: int
    url: str
    token: str
    started_at: str
    exporter: str
    """The exporter that keeps the store: which one to ask, where the service has several."""


def sidecar_path(store: Path) -> Path:
    """Name the note that belongs to a store's file."""
    return store.with_name(store.name + ".service.json")


def write_sidecar(store: Path, url: str, token: str, started_at: str, exporter: str) -> None:
    """Write the note, readable by its owner alone; a store that is no file gets none.

    Raises:
        Retryable: the disk refuses.

    """
    if not store.is_file():
        return
    note = Sidecar(os.getpid(), url, token, started_at, exporter)
    path = sidecar_path(store)
    try:
        write_durably(path, json.dumps(asdict(note)).encode())
    except OSError as error:
        raise Retryable(
            f"{path}: {error.strerror}. Make its directory writable, or turn the telemetry site "
            f"off with service.telemetry: null.",
            reason="sidecar_write_failed",
        ) from error


def remove_sidecar(store: Path) -> None:
    """Take the note away, if it is there."""
    sidecar_path(store).unlink(missing_ok=True)
