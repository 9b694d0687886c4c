"""Give benches a place for their files on a real disk, so that `fsync` costs what it costs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOME = Path(__file__).parent.parent / "build"


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a directory that is gone afterwards, in a folder that git ignores."""
    _HOME.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_HOME) as directory:
        yield Path(directory)
