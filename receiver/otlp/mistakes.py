"""Log what senders do wrong, once for each peer and wording.

An exporter that is set up wrong repeats itself every few seconds. The first time tells all
there is to mend; the counters tell how often it came since.
"""

import logging
from collections import OrderedDict

from .guard.network import network_of

# Enough for a company's machines; who has been silent for longest is told of anew.
_REMEMBERED_PEERS = 4096

# Who makes more different mistakes than this is trying, and is not to fill the log.
_TOLD_OF_ONE = 20

# Nobody did anything wrong: networks break.
_NO_MISTAKES = frozenset({"client_gone"})


class Mistakes:
    """Remembers what has been told of whom."""

    def __init__(self, logger: logging.Logger, remembered_peers: int = _REMEMBERED_PEERS) -> None:
        """Remember so many peers at most."""
        self._logger = logger
        self._remembered_peers = remembered_peers
        self._told: OrderedDict[str, set[str]] = OrderedDict()

    def tell(self, peer: str, reason: str, words: str) -> None:
        """Log the words as a warning, unless they, or too much else, were told of this peer."""
        if reason in _NO_MISTAKES:
            return
        name = network_of(peer)
        told = self._told.setdefault(name, set())
        self._told.move_to_end(name)
        if len(self._told) > self._remembered_peers:
            self._told.popitem(last=False)
        line = _on_one_line(words)
        if line in told or len(told) >= _TOLD_OF_ONE:
            return
        told.add(line)
        more = (
            " Further mistakes of this peer are only counted." if len(told) == _TOLD_OF_ONE else ""
        )
        self._logger.warning("%s from %s (told once): %s%s", reason, peer, line, more)


def _on_one_line(words: str) -> str:
    """Keep what a sender wrote from looking like lines of our log (CWE-117)."""
    return "".join(char if char.isprintable() else " " for char in words)
