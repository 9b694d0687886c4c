"""Write binary columns in base64, all values in one call; read base64 as ProtoJSON has it."""

import binascii

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .scatter import scatter

_STANDARD = str.maketrans("-_", "+/")


def bytes_of_base64(text: str) -> bytes:
    """Read base64 in the standard or the URL-safe alphabet, with padding or without.

    Raises:
        ValueError: it is no base64.

    """
    characters = text.removesuffix("=").removesuffix("=") if len(text) % 4 == 0 else text
    standard = characters.translate(_STANDARD).encode()
    return binascii.a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)


def base64_of_bytes(values: pa.Array) -> pa.Array:
    """Write each value in standard base64 with padding.

    Every value is padded with zero bytes to whole groups of three, so that all of them can be
    encoded end to end; the characters that stand for padding then become ``=``.
    """
    rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False)).astype(np.int64)
    told = values.drop_null()
    sizes = pc.binary_length(told).to_numpy(zero_copy_only=False).astype(np.int64)
    padding = -sizes % 3
    padded = pc.binary_join_element_wise(told, pa.array(_zeros(padding), pa.binary()), b"")
    raw = memoryview(padded.buffers()[2])[: int((sizes + padding).sum())]
    text = binascii.b2a_base64(raw, newline=False)
    ends = np.cumsum((sizes + padding) // 3 * 4)
    characters = np.frombuffer(text, dtype=np.uint8).copy()
    characters[ends[padding >= 1] - 1] = ord("=")
    characters[ends[padding == 2] - 2] = ord("=")  # noqa: PLR2004 - two bytes are missing
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    encoded = pa.StringArray.from_buffers(
        len(told), pa.py_buffer(offsets), pa.py_buffer(characters)
    )
    return scatter(encoded, rows, len(values))


def _zeros(counts: np.ndarray) -> np.ndarray:
    zeros: np.ndarray = np.array([b"", b"\0", b"\0\0"], dtype=object)[counts]
    return zeros
