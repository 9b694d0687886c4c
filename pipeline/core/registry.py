"""Find components: the built-in ones and those that other packages bring."""

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points

from .component import Factory, Kind

ENTRY_POINT_GROUP = "agentpond.components"


class Registry:
    """Factories by kind and name; a later one of the same name replaces an earlier one."""

    def __init__(self, factories: Iterable[Factory]) -> None:
        """Take the factories in order."""
        self._factories = {(factory.kind, factory.name): factory for factory in factories}

    def __iter__(self) -> Iterator[Factory]:
        """Yield all factories, by kind and name."""
        yield from (self._factories[key] for key in sorted(self._factories))

    def find(self, kind: Kind, name: str) -> Factory | None:
        """Give the factory, or None if nobody brought it."""
        return self._factories.get((kind, name))

    def names(self, kind: Kind) -> list[str]:
        """Name all components of a kind."""
        return sorted(name for known, name in self._factories if known is kind)


def installed() -> list[Factory]:
    """Load what installed packages offer in the entry-point group ``agentpond.components``.

    An entry point names a ``Factory``, or a sequence of them.
    """
    found: list[Factory] = []
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        offered = entry_point.load()
        found.extend([offered] if isinstance(offered, Factory) else offered)
    return found
