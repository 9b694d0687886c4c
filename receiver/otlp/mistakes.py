"""Log what senders do wrong, once for each peer and kind of mistake.

An exporter that is set up wrong repeats itself every few seconds. The first time tells all
there is to mend; the counters tell how often it came since.
"""

import logging
from collections import OrderedDict

# Enough for a company's machines; who has been silent for longest is told of anew.
_REMEMBERED = 4096

# Nobody did anything wrong: networks break.
_NO_MISTAKES = frozenset({"client_gone"})


class Mistakes:
    """Remembers what has been told of whom."""

    def __init__(self, logger: logging.Logger, remembered: int = _REMEMBERED) -> None:
        """Remember so many pairs of peer and reason at most."""
        self._logger = logger
        self._remembered = remembered
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def tell(self, peer: str, reason: str, words: str) -> None:
        """Log the words as a warning, unless this peer's mistake was logged before."""
        if reason in _NO_MISTAKES:
            return
        key = (peer, reason)
        if key in self._told:
            self._told.move_to_end(key)
            return
        self._told[key] = None
        if len(self._told) > self._remembered:
            self._told.popitem(last=False)
        self._logger.warning("%s from %s (told once): %s", reason, peer, _on_one_line(words))


def _on_one_line(words: str) -> str:
    """Keep what a sender wrote from looking like lines of our log (CWE-117)."""
    return "".join(char if char.isprintable() else " " for char in words)
