"""Find the addresses that a configuration listens on, those that clash and those taken."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ..receiver.otlp.endpoint import check_free
from .document import KeyPath, dotted
from .model import split_endpoint
from .words import Finding, option_names

WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Door:
    """An address to listen on, and the key path that asks for it."""

    path: KeyPath
    endpoint: str


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest request that a door takes, and the key path that says so."""

    path: KeyPath
    max_bytes: int


def doors_of(config: Any, at: KeyPath) -> Iterator[Door]:
    """Yield what a component's config calls ``endpoint``, however deep."""
    for path, value in _options_of(config, at):
        if path[-1] == "endpoint" and isinstance(value, str):
            yield Door(path, value)


def limits_of(config: Any, at: KeyPath) -> Iterator[Limit]:
    """Yield what a component's config calls ``max_request_bytes``, however deep."""
    for path, value in _options_of(config, at):
        if path[-1] == "max_request_bytes" and isinstance(value, int):
            yield Limit(path, value)


def _options_of(config: Any, at: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if not isinstance(config, BaseModel):
        return
    for name in option_names(type(config)):
        value = getattr(config, name, None)
        yield (*at, name), value
        yield from _options_of(value, (*at, name))


def taken(doors: Iterable[Door]) -> Iterator[tuple[Door, OSError]]:
    """Find the doors that cannot be opened now, each with the reason, by trying to bind."""
    for door in doors:
        host, port = split_endpoint(door.endpoint)
        if port == 0:
            continue
        try:
            check_free(host, port)
        except OSError as error:
            yield door, error


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
