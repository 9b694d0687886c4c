"""Hash columns: 128 bits a row, the same for the same values on any machine and in any batch.

Python may not walk rows, and Arrow has no hash function, so strings are read eight bytes at a
time for all rows at once. Numbers are mixed by the finaliser of splitmix64 (Steele, Lea, Flood:
"Fast splittable pseudorandom number generators", 2014).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

Lanes = npt.NDArray[np.uint64]
"""Two 64-bit hashes a row, of shape (2, rows)."""

_SEEDS = np.array([[0x9E3779B97F4A7C15], [0xC2B2AE3D27D4EB4F]], dtype=np.uint64)
_NULL = np.array([[0x165667B19E3779F9], [0x27D4EB2F165667C5]], dtype=np.uint64)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(8)] + [(1 << 64) - 1], dtype=np.uint64)

# Above this a string is hashed alone: few are so long, and word by word they would take long.
_LONG = 256


def mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scatter the bits of 64-bit numbers."""
    mixed = (numbers ^ (numbers >> _SHIFTS[0])) * _FACTORS[0]
    mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _FACTORS[1]
    scattered: npt.NDArray[np.uint64] = mixed ^ (mixed >> _SHIFTS[2])
    return scattered


def hash_numbers(column: pa.Array) -> Lanes:
    """Hash a column of 64-bit numbers, booleans or times by their bits."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if pa.types.is_floating(column.type):
        # There are many NaNs, and JSON can tell but one.
        column = pc.if_else(pc.is_nan(column), pa.scalar(float("nan"), column.type), column)
    lanes: Lanes = mix(_bits(column) + _SEEDS)
    return _with_nulls(lanes, column)


def hash_text(column: pa.Array) -> Lanes:
    """Hash a column of strings by their UTF-8 bytes."""
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)
    offsets = offsets[column.offset : column.offset + len(column) + 1].astype(np.int64)
    starts, sizes = offsets[:-1], np.diff(offsets)
    words = _words(column)
    lanes: Lanes = mix(sizes.astype(np.uint64) + _SEEDS)
    rows = np.flatnonzero((sizes > 0) & (sizes <= _LONG))
    at = 0
    while len(rows):
        rest = np.minimum(sizes[rows] - at, 8)
        word = words[starts[rows] + at] & _MASKS[rest]
        lanes[:, rows] = mix((lanes[:, rows] ^ word) + _SEEDS)
        at += 8
        rows = rows[sizes[rows] > at]
    _hash_long(lanes, column, np.flatnonzero(sizes > _LONG))
    return _with_nulls(lanes, column)


def hash_repeating(column: pa.Array) -> Lanes:
    """Hash a column of strings that mostly repeat: each different one once."""
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return hash_text(encoded.dictionary)[:, encoded.indices.to_numpy()]


def combine(columns: Sequence[Lanes]) -> Lanes:
    """Make one hash of several, by their order."""
    lanes = np.zeros_like(columns[0]) + _SEEDS
    for column in columns:
        lanes = mix((lanes ^ column) + _SEEDS)
    return lanes


def add_up(lanes: Lanes, owner: npt.NDArray[np.int64], owners: int) -> Lanes:
    """Make one hash for each owner of the hashes of what it owns, whatever their order.

    ``owner`` is ascending.
    """
    sums = np.zeros((2, len(owner) + 1), dtype=np.uint64)
    np.cumsum(lanes, axis=1, out=sums[:, 1:])
    ends = np.zeros(owners + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=owners), out=ends[1:])
    return mix(sums[:, ends[1:]] - sums[:, ends[:-1]] + _SEEDS)


def to_uuids(lanes: Lanes) -> pa.Array:
    """Write hashes as 16-byte ids."""
    raw = np.ascontiguousarray(lanes.T.astype(">u8"))
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), lanes.shape[1], [None, pa.py_buffer(raw)]
    )


def _bits(column: pa.Array) -> npt.NDArray[np.uint64]:
    width = np.dtype(column.type.to_pandas_dtype()).itemsize
    raw = np.frombuffer(column.buffers()[1], dtype=f"<u{width}")
    return raw[column.offset : column.offset + len(column)].astype(np.uint64)


def _words(column: pa.Array) -> npt.NDArray[np.uint64]:
    """Show the eight bytes that begin at each byte of a column's data."""
    data = column.buffers()[2]
    raw = np.zeros((data.size if data else 0) + 8, dtype=np.uint8)
    if data:
        raw[:-8] = np.frombuffer(data, dtype=np.uint8)
    return np.ndarray(len(raw) - 7, dtype="<u8", buffer=raw.data, strides=(1,))


def _hash_long(lanes: Lanes, column: pa.Array, rows: npt.NDArray[np.int64]) -> None:
    for row, text in zip(rows, column.take(pa.array(rows)).to_pylist(), strict=True):
        digest = xxhash.xxh3_128_intdigest(text.encode())
        lanes[:, row] = (digest >> 64, digest & 0xFFFF_FFFF_FFFF_FFFF)


def _with_nulls(lanes: Lanes, column: pa.Array) -> Lanes:
    if column.null_count:
        told = column.is_valid().to_numpy(zero_copy_only=False)
        lanes = np.where(told, lanes, _NULL)
    return lanes
