"""Make errors whose truth is known: each is of a template, with values of many styles in it."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .values import SLOTS

TEMPLATES = tuple(Path(__file__).with_name("templates.txt").read_text("utf-8").splitlines())
"""What errors are made of, one template a line: `{path}` and the like are slots of ``SLOTS``."""

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Generated:
    """Errors, and for each the number of the template that it was made of."""

    messages: tuple[str, ...]
    truth: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far clusters are the true ones, over all pairs of two errors."""

    precision: float
    recall: float


def generated(
    count: int = 20_000, templates: int = 200, seed: int = 0, made_of: tuple[str, ...] = TEMPLATES
) -> Generated:
    """Make errors of so many templates, in turns; the same seed gives the same."""
    r = random.Random(seed)  # noqa: S311  (no secret)
    chosen = r.sample(range(len(made_of)), min(templates, len(made_of)))
    truth = [chosen[place % len(chosen)] for place in range(count)]
    r.shuffle(truth)
    return Generated(tuple(filled(made_of[each], r) for each in truth), tuple(truth))


def filled(template: str, r: random.Random) -> str:
    """Put a value into each slot of a template; `{{` and `}}` are braces."""
    plain = template.replace("{{", "\0").replace("}}", "\1")
    text = _SLOT.sub(lambda slot: SLOTS[slot[1]](r), plain)
    return text.replace("\0", "{").replace("\1", "}")


_AROUND = (
    'Traceback (most recent call last):\n  File "app/main.py", line 8, in main\n    run()\n{}\n',
    "Exit code 1\n{}",
    "\x1b[31m{}\x1b[0m\n",
    "<tool_use_error>{}</tool_use_error>",
)
"""What a shell, a language or an agent puts around an error."""


def wrapped(messages: tuple[str, ...]) -> tuple[str, ...]:
    """Put something around one message in five: most have several lines then."""
    return tuple(
        _AROUND[place // 5 % len(_AROUND)].format(text) if place % 5 == 0 else text
        for place, text in enumerate(messages)
    )


def agreement(truth: tuple[int, ...], found: tuple[str, ...]) -> Agreement:
    """Compare clusters with the true ones; errors of one cluster have one name in ``found``."""
    true, given = _coded(truth), _coded(found)
    both = _coded(tuple(zip(true.tolist(), given.tolist(), strict=True)))
    together = _pairs(both)
    return Agreement(together / _pairs(given), together / _pairs(true))


def _coded(names: tuple[object, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    codes: dict[object, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names])


def _pairs(codes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    sizes = np.bincount(codes).astype(float)
    return float((sizes * (sizes - 1) / 2).sum())
