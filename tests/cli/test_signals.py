"""Each signal asks for more haste than the one before."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from agentpond.cli.serving import _on_signals
from agentpond.pipeline.engine.service import Service

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="loops know no signals there")


@dataclass(frozen=True)
class Hurrying:
    """Stands for the service, of which only this is asked."""

    hurried: asyncio.Event = field(default_factory=asyncio.Event)

    def hurry(self) -> None:
        self.hurried.set()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


async def test_the_first_signal_stops_and_does_not_hurry() -> None:
    stopping, service = asyncio.Event(), Hurrying()
    _on_signals(stopping, cast("Service", service))

    os.kill(os.getpid(), signal.SIGTERM)
    await stopping.wait()

    assert not service.hurried.is_set()


async def test_the_second_signal_hurries_and_leaves_the_third_to_the_system() -> None:
    stopping, service = asyncio.Event(), Hurrying()
    _on_signals(stopping, cast("Service", service))
    os.kill(os.getpid(), signal.SIGTERM)
    await stopping.wait()

    os.kill(os.getpid(), signal.SIGINT)
    await service.hurried.wait()

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
