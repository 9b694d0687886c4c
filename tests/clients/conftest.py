"""Offer the commands that start the real clients."""

from collections.abc import Callable, Sequence

import pytest

from .clients import PYTHON, node
from .packages import installed


@pytest.fixture
def command() -> Callable[[str], Sequence[str]]:
    """Give the command of a client: ``python``, or a folder of Node.js packages."""
    return lambda name: PYTHON if name == "python" else node(installed(name))
