"""Remember how far each exporter is that does not commit the position itself."""

import json
import os
from pathlib import Path
from urllib.parse import quote

from ..core.errors import Permanent, Retryable


class Cursors:
    """One small JSON file for each pipeline and exporter; replaced whole, never torn."""

    def __init__(self, directory: Path) -> None:
        """Note the directory; it is made when the first cursor is put."""
        self._directory = directory

    def get(self, pipeline: str, exporter: str, log_id: str) -> int | None:
        """Give the position; None if this exporter never saw this log.

        Raises:
            Permanent: the file is there and is not a cursor.

        """
        path = self._path(pipeline, exporter)
        try:
            told = json.loads(path.read_bytes())
            return int(told["position"]) if told["log_id"] == log_id else None
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise Permanent(
                f"cursor {path}: not a cursor of this program. Remove the file to have "
                f"exporter {exporter} begin again at the start of the log.",
                reason="bad_cursor",
            ) from error

    def put(self, pipeline: str, exporter: str, log_id: str, position: int) -> None:
        """Make a position durable. Raises Retryable if the disk refuses."""
        path = self._path(pipeline, exporter)
        text = json.dumps({"log_id": log_id, "position": position})
        try:
            write_durably(path, text.encode())
        except OSError as error:
            raise Retryable(
                f"cursor {path}: {error.strerror}. Check the disk's space and health.",
                reason="cursor_write_failed",
            ) from error

    def _path(self, pipeline: str, exporter: str) -> Path:
        # quote() leaves no "+" of its own, so two pairs never share a name.
        name = f"{quote(pipeline, safe='')}+{quote(exporter, safe='')}.json"
        return self._directory / name


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Put a whole file in its place, readable by its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(path.name + ".new")
    with open(new, "wb", opener=_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    fd = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
