"""Bound the connections that are open at once, in all and for each peer."""

from collections import Counter
from collections.abc import Callable

from ..guard.network import network_of
from . import words


class Seats:
    """Knows how many connections are open, and of whom."""

    def __init__(self, most: int, most_per_peer: int) -> None:
        """Begin with none."""
        self._most = most
        self._most_per_peer = most_per_peer
        self._open: Counter[str] = Counter()

    def take(self, peer: str) -> Callable[[], None]:
        """Take one; give what gives it back, once however often it is called.

        Raises:
            Retryable: there are as many as may be.

        """
        name = network_of(peer)
        if self._open.total() >= self._most:
            raise words.crowded(self._most, "max_connections")
        if self._open[name] >= self._most_per_peer:
            raise words.crowded(self._most_per_peer, "max_connections_per_peer")
        self._open[name] += 1
        seats = [name]

        def leave() -> None:
            if seats:
                self._leave(seats.pop())

        return leave

    def _leave(self, name: str) -> None:
        self._open[name] -= 1
        if not self._open[name]:
            del self._open[name]
