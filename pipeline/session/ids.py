"""Write ids that are bytes as texts, and make ids of texts."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

_HEX = np.frombuffer(bytes(range(256)).hex().encode(), dtype=np.uint16)

_PARTS = "^(.{8})(.{4})(.{4})(.{4})(.{12})$"


def hex_of(ids: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Write ids of a fixed size, such as event ids, as hexadecimal digits; NULL stays NULL."""
    size = ids.type.byte_width
    data = ids.buffers()[1]
    raw = np.frombuffer(data or b"", np.uint8, len(ids) * size, ids.offset * size if data else 0)
    text = np.ascontiguousarray(_HEX[raw])
    ends = np.arange(len(ids) + 1, dtype=np.int32) * (2 * size)
    written = pa.StringArray.from_buffers(len(ids), pa.py_buffer(ends), pa.py_buffer(text))
    return pc.if_else(ids.is_valid(), written, pa.scalar(None, pa.string()))


def uuid_of(ids: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Write ids of 16 bytes as DuckDB shows a UUID; NULL stays NULL."""
    return pc.replace_substring_regex(hex_of(ids), _PARTS, r"\1-\2-\3-\4-\5")


def hashes_of(texts: pa.StringArray) -> pa.StringArray:
    """Hash texts to 16 hexadecimal digits, the same on any machine; NULL stays NULL."""
    distinct = texts.dictionary_encode()
    hashed = [xxhash.xxh3_64_hexdigest(str(text).encode()) for text in distinct.dictionary]
    return pa.array(hashed, pa.string()).take(distinct.indices)
