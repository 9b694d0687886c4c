"""Hold plain values together with the places in the file they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..pipeline.core.errors import Problem

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column of a file, both counted from 1."""

    line: int
    column: int


def dotted(path: KeyPath) -> str:
    """Write a key path the way people say it: ``service.pipelines.agents.receivers[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Document:
    """Values as a program may use them, and where each key and each value stands.

    ``from_environment`` holds the paths of values that are not to be repeated in messages:
    they may be secrets. ``problems`` are those found on the way from text to values.
    """

    values: Any
    file: str | None = None
    keys: Mapping[KeyPath, Place] = field(default_factory=dict)
    places: Mapping[KeyPath, Place] = field(default_factory=dict)
    from_environment: frozenset[KeyPath] = frozenset()
    problems: tuple[Problem, ...] = ()

    def problem(
        self, path: KeyPath, message: str, hint: str = "", *, at_key: bool = False
    ) -> Problem:
        """Describe a mistake at a key path; what is not in the file is shown at its parent."""
        place = self.keys.get(path) if at_key else self.places.get(path)
        above = path
        while place is None and above:
            above = above[:-1]
            place = self.keys.get(above) or self.places.get(above)
        where = (place.line, place.column) if place else (None, None)
        return Problem(dotted(path), message, hint, self.file, *where)

    def mapping(self, *path: str) -> dict[Any, Any]:
        """Give the mapping at a path; empty if there is none."""
        value = self.values
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}
