"""Turn bytes into damaged bytes, without knowing what they mean.

Nothing here or in the other mutators keeps state: the same dice give the same damage, so that a
seed and a number name an input for good.
"""

import random
from collections.abc import Sequence

_TELLING = (b"\0", b"\x7f", b"\x80", b"\xff", b"\0" * 4, b"\xff" * 4, b"\xff" * 8, b"\x80" * 10)


def damaged(body: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Damage a body in one to four places; ``others`` are there to be spliced in."""
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        body = dice.choice(_DAMAGES)(body, others, dice)
    return body


def in_place(body: bytes, dice: random.Random) -> bytes:
    """Damage bytes as a disk does: none of those behind the damage moves."""
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        body = dice.choice((_flip, _overwrite, _cut, _zero, _more))(body, (), dice)
    return body


def _place(body: bytes, dice: random.Random) -> int:
    return dice.randrange(len(body) + 1)


def _stretch(body: bytes, dice: random.Random) -> tuple[int, int]:
    start = _place(body, dice)
    return start, min(len(body), start + dice.choice((1, 1, 2, 4, 8, dice.randrange(1, 200))))


def _flip(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    if not body:
        return body
    at = dice.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << dice.randrange(8)]) + body[at + 1 :]


def _overwrite(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    patch = dice.choice((*_TELLING, dice.randbytes(dice.randrange(1, 9))))
    at = _place(body, dice)
    return body[:at] + patch[: len(body) - at] + body[at + len(patch) :]


def _insert(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    at = _place(body, dice)
    return body[:at] + dice.choice((*_TELLING, dice.randbytes(dice.randrange(1, 9)))) + body[at:]


def _cut(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    return body[: _place(body, dice)]


def _delete(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    start, end = _stretch(body, dice)
    return body[:start] + body[end:]


def _repeat(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    start, end = _stretch(body, dice)
    return body[:end] + body[start:end] * dice.choice((1, 1, 2, 30)) + body[end:]


def _splice(body: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    other = dice.choice(others) if others else body
    return body[: _place(body, dice)] + other[_place(other, dice) :]


def _graft(body: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    other = dice.choice(others) if others else body
    start, end = _stretch(other, dice)
    at = _place(body, dice)
    return body[:at] + other[start:end] + body[at:]


def _zero(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    start, end = _stretch(body, dice)
    return body[:start] + b"\0" * (end - start) + body[end:]


def _more(body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    return body + dice.randbytes(dice.randrange(1, 100))


def _anything(_body: bytes, _others: Sequence[bytes], dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(120))


_DAMAGES = (
    *(_flip, _overwrite, _insert, _delete, _repeat, _splice, _graft) * 3,
    *(_cut, _zero, _more, _anything),
)
