"""Break the laws on purpose, to see that the watch finds it."""

import os
import random
import signal
from collections.abc import Sequence

from .targets import Target


def misbehaving() -> dict[str, Target]:
    """Give targets by name that fail on every input that holds an ``x``."""
    laws = {"dies": _die, "hangs": _hang, "eats": _eat, "swells": _swell, "errs": _err}
    made = [Target(name, _corpus, _inputs, law) for name, law in laws.items()]
    return {target.name: target for target in made}


def _corpus() -> Sequence[bytes]:
    return [b"sound"]


def _inputs(_sound: Sequence[bytes], dice: random.Random) -> bytes:
    return bytes(dice.choices(b"abcdefghijklmnopqrstuvwyz", k=9)) + dice.choice((b"", b"x"))


def _die(body: bytes) -> None:
    if b"x" in body:
        os.kill(os.getpid(), signal.SIGSEGV)


def _hang(body: bytes) -> None:
    if b"x" in body:
        signal.pause()


def _eat(body: bytes) -> None:
    if b"x" in body:
        bytearray(1 << 33)


def _swell(body: bytes) -> None:
    if b"x" in body:
        bytearray(b"x") * (128 << 20)


def _err(body: bytes) -> None:
    if b"x" in body:
        raise KeyError(body)
