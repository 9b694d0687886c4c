"""Find the texts that are worth a pattern: those in which letters of the right kinds stand.

A pattern (RE2) costs 2 ns a letter, a look at what kinds of letters stand where a hundredth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Mask

# No text has this byte: it is never part of UTF-8.
_GAP = b"\xff"
_UPPER, _LOWER, _DIGITS = bytes(range(0x41, 0x5B)), bytes(range(0x61, 0x7B)), b"0123456789"

KINDS = {
    "9": _DIGITS,
    "A": _UPPER,
    "a": _LOWER,
    "w": _UPPER + _LOWER + b"_",
    "/": b"/\\",
    # Of those outside ASCII the bytes they begin with.
    "'": b"'\"`\xe2\xe3\xc2",
    ".": b".",
    ":": b":",
    "@": b"@",
    " ": b" ",
    "^": b" \t()[]{}=:,;~<>|/+" + _GAP,  # what may stand around an amount
    "u": b"dhmnsuwkKMGTPBbpeE%\xc2\xce",  # what a unit begins with
    "-": b"-/",
    "&": _UPPER + _LOWER + b"_-#=@",  # what makes an id of a number
    "!": bytes(range(0x20)) + b"\x7f",  # control characters
}
"""Kinds of letters, by the letter that stands for them in a sequence."""

Kinds = dict[str, Mask]
Numbers = npt.NDArray[np.int64]
Where = tuple[str, ...]
"""Sequences of kinds of letters, any of which is looked for; at most 16 letters each."""

# So many at once stay near the processor.
_TEXTS = 2048
_PADDING = _GAP * 16


@dataclass(frozen=True, slots=True)
class _Plane:
    """Kinds of letters, and a table that gives for each byte which of the odd ones it is of."""

    odd: str
    bits: bytes
    ranges: str


def texts_with(texts: pa.StringArray, sought: Sequence[Where]) -> list[Mask]:
    """Mask the texts with one of the sequences, for each of what is sought; no text is NULL."""
    different = list(dict.fromkeys(sought))
    rows = np.zeros((len(texts), len(different)), np.bool_)
    plane = _plane("".join(sorted(set("".join(chain.from_iterable(sought))))))
    for first in range(0, len(texts), _TEXTS):
        some = texts.slice(first, _TEXTS)
        kinds, starts = _sketch(some, plane)
        for eight in range(0, len(different), 8):
            found = _packed([_any(where, kinds) for where in different[eight : eight + 8]])
            bits = np.bitwise_or.reduceat(found, starts)[:, np.newaxis]
            part = rows[first : first + len(some), eight : eight + 8]
            part[:] = bits >> np.arange(part.shape[1]) & 1
    return [rows[:, different.index(where)] for where in sought]


def _plane(kinds: str) -> _Plane:
    """Make the table of the kinds that are no range of bytes."""
    odd = "".join(kind for kind in kinds if not _is_range(kind))
    bits = bytearray(256)
    for bit, kind in enumerate(odd):
        for byte in KINDS[kind]:
            bits[byte] |= 1 << bit
    ranges = "".join(kind for kind in kinds if _is_range(kind))
    return _Plane(odd, bytes(bits), ranges)


def _is_range(kind: str) -> bool:
    of = KINDS[kind]
    return of == bytes(range(of[0], of[-1] + 1))


def _sketch(texts: pa.StringArray, plane: _Plane) -> tuple[Kinds, Numbers]:
    """Tell where letters of each kind stand in texts, and where each text begins."""
    one = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts.cast(pa.binary()))
    octets = pc.binary_join(one, _GAP)[0].as_buffer().to_pybytes() + _PADDING
    kinds: Kinds = {}
    # `translate` is the fastest table there is in Python.
    bits = np.frombuffer(octets.translate(plane.bits) if plane.odd else b"", np.uint8)
    kinds |= {kind: (bits & np.uint8(1 << bit)) != 0 for bit, kind in enumerate(plane.odd)}
    letters = np.frombuffer(octets, np.uint8)
    for kind in plane.ranges:
        of = KINDS[kind]
        kinds[kind] = letters - np.uint8(of[0]) < np.uint8(len(of))
    sizes = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    return kinds, np.cumsum(sizes) - sizes


def _packed(masks: Sequence[Mask]) -> npt.NDArray[np.uint8]:
    """Put at most eight masks into the bits of bytes."""
    packed = masks[0].view(np.uint8).copy()
    for bit, mask in enumerate(masks[1:], 1):
        packed |= mask.view(np.uint8) << np.uint8(bit)
    return packed


def _any(where: Where, kinds: Kinds) -> Mask:
    found = _begins(where[0], kinds)
    for sequence in where[1:]:
        found = found | _begins(sequence, kinds)
    return found


def _begins(sequence: str, kinds: Kinds) -> Mask:
    found = kinds[sequence[0]]
    if len(sequence) > 1:
        found = found.copy()
    for place, kind in enumerate(sequence[1:], 1):
        found[:-place] &= kinds[kind][place:]
    return found
