"""Find the addresses that a configuration listens on, and those that clash."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .document import KeyPath, dotted
from .model import split_endpoint
from .words import Finding, option_names

WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Door:
    """An address to listen on, and the key path that asks for it."""

    path: KeyPath
    endpoint: str


def doors_of(config: Any, at: KeyPath) -> Iterator[Door]:
    """Yield what a component's config calls ``endpoint``, however deep."""
    if not isinstance(config, BaseModel):
        return
    for name in option_names(type(config)):
        value = getattr(config, name, None)
        if name == "endpoint" and isinstance(value, str):
            yield Door((*at, name), value)
        yield from doors_of(value, (*at, name))


def clashes(doors: Iterable[Door]) -> Iterator[Finding]:
    """Find two doors on one port, and endpoints that are none."""
    taken: list[tuple[str, int, KeyPath]] = []
    for door in doors:
        try:
            host, port = split_endpoint(door.endpoint)
        except ValueError as error:
            yield Finding(door.path, str(error))
            continue
        for other_host, other_port, other in taken:
            if port and port == other_port and _overlap(host, other_host):
                hint = "Choose another port, or 0 for any free one."
                yield Finding(door.path, f"port {port} is also that of {dotted(other)}.", hint)
                break
        taken.append((host, port, door.path))


def _overlap(host: str, other: str) -> bool:
    return host == other or not WILDCARDS.isdisjoint((host, other))
