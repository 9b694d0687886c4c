"""Turn paths into whether their files are others than they were before."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHECK_EVERY_S = 1.0

_Stamp = tuple[int, int, int] | None
"""When a file was written, its size in bytes and its inode; None if there is none."""


class Watch:
    """Looks at files when it is asked, but at most once a second.

    A file that is put in place by renaming, as certbot and Kubernetes do it, has another inode;
    one written over has another time or size.
    """

    def __init__(
        self, paths: Sequence[Path], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Know nothing of the files yet."""
        self._paths = tuple(paths)
        self._clock_s = clock_s
        self._stamps: tuple[_Stamp, ...] | None = None
        self._next_s = float("-inf")

    def changed(self) -> bool:
        """Tell whether the files may be others than when this last said yes."""
        now_s = self._clock_s()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + CHECK_EVERY_S
        # Taken before anybody reads: what is written meanwhile is seen the next time.
        stamps = tuple(_stamp(path) for path in self._paths)
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        return True

    def again(self) -> None:
        """Say yes the next time too: what was found could not be used."""
        self._stamps = None


class Trouble:
    """Logs what is wrong with files once, not with every look at them."""

    def __init__(self, logger: logging.Logger) -> None:
        """Have told nothing."""
        self._logger = logger
        self._told: set[str] = set()

    def tell(self, words: str) -> None:
        """Log the words, unless they were logged since it was over last."""
        if words not in self._told:
            self._told.add(words)
            self._logger.error("%s", words)

    def over(self) -> None:
        """Be ready to tell the same again."""
        self._told.clear()


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
