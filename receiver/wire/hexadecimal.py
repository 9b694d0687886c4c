"""Turn trace and span ids into lower-case hex, and NULL where they are not ids.

OTLP: an id of the wrong length or all zero is invalid (logs.proto, trace.proto).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PAIRS = np.frombuffer(bytes(range(256)).hex().encode(), dtype=np.uint16)


def hex_of_bytes(ids: pa.Array, size: int) -> pa.Array:
    """Write binary ids of ``size`` bytes as hex text; null for anything else."""
    valid = pc.equal(pc.binary_length(ids), size)
    fixed = pc.if_else(valid, ids, b"\0" * size).cast(pa.binary(size))
    raw = np.frombuffer(fixed.buffers()[1], dtype=np.uint8, count=len(fixed) * size)
    told: np.ndarray = np.asarray(raw.reshape(len(fixed), size).any(axis=1))
    return _fixed_text(_PAIRS[raw], 2 * size, told)


def hex_of_text(ids: pa.Array, size: int) -> pa.Array:
    """Lower-case hex ids of ``size`` bytes; null for anything else. Any letter case is hex."""
    shaped = pc.match_substring_regex(ids, f"^[0-9a-fA-F]{{{2 * size}}}$")
    zero = pc.equal(ids, "0" * (2 * size))
    return pc.if_else(pc.and_not(shaped, zero), pc.ascii_lower(ids), None)


def _fixed_text(text: np.ndarray, width: int, told: np.ndarray) -> pa.Array:
    offsets = np.arange(len(told) + 1, dtype=np.int32) * width
    array = pa.StringArray.from_buffers(
        len(told), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))
    )
    return array if told.all() else pc.if_else(pa.array(told), array, None)
