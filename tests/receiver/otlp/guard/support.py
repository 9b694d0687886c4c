"""Give tests of the guard a clock that stands still, and files that change at once."""

import logging
from dataclasses import dataclass
from pathlib import Path

LOGGER = logging.getLogger("agentpond.test.guard")


@dataclass(slots=True)
class Clock:
    """A monotonic clock that goes when it is told to."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float = 1.0) -> None:
        self.now_s += seconds


def put(path: Path, content: str | bytes) -> Path:
    """Put a file in place by renaming, readable by its owner alone."""
    made = path.with_name(f"{path.name}.new")
    made.write_bytes(content if isinstance(content, bytes) else content.encode())
    made.chmod(0o600)
    return made.replace(path)
