"""Write ids that are bytes as the text that ids of made tables are."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_HEX = np.frombuffer(bytes(range(256)).hex().encode(), dtype=np.uint16)


def hex_of(ids: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Write ids of a fixed size, such as event ids, as hexadecimal digits; NULL stays NULL."""
    size = ids.type.byte_width
    data = ids.buffers()[1]
    raw = np.frombuffer(data or b"", np.uint8, len(ids) * size, ids.offset * size if data else 0)
    text = np.ascontiguousarray(_HEX[raw])
    ends = np.arange(len(ids) + 1, dtype=np.int32) * (2 * size)
    written = pa.StringArray.from_buffers(len(ids), pa.py_buffer(ends), pa.py_buffer(text))
    return pc.if_else(ids.is_valid(), written, pa.scalar(None, pa.string()))
