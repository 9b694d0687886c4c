"""Write columns as JSON text, column by column."""

import pyarrow as pa
import pyarrow.compute as pc

from .node import Rows
from .scatter import offsets_of

_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CONTROL = {chr(code): f"\\u{code:04x}" for code in range(0x20) if chr(code) not in _SHORT}


def quote(strings: pa.Array) -> pa.Array:
    """Write strings as JSON strings."""
    if _any(strings, r'[\\"\x00-\x1f]'):
        for raw, escaped in _SHORT.items():
            strings = pc.replace_substring(strings, raw, escaped)
        if _any(strings, r"[\x00-\x1f]"):
            for raw, escaped in _CONTROL.items():
                strings = pc.replace_substring(strings, raw, escaped)
    return pc.binary_join_element_wise('"', strings, '"', "")


def string_member(objects: pa.Array, key: str) -> pa.Array:
    r"""Read a member of JSON objects that is a string; null for any other or none.

    Escapes of one letter are undone; ``\uXXXX``, which JSON writers keep for control
    characters, stays as it stands.
    """
    pattern = f'"{key}" ?: ?"(?P<told>(?:[^"\\\\]|\\\\.)*)"'
    text = pc.struct_field(pc.extract_regex(objects, pattern), "told")
    text = pc.replace_substring(text, "\\\\", "\0")
    for raw, escaped in _SHORT.items():
        text = pc.replace_substring(text, escaped, raw) if raw != "\\" else text
    return pc.replace_substring(text, "\0", "\\")


def number_text(doubles: pa.Array) -> pa.Array:
    """Write doubles as the shortest JSON numbers; those JSON lacks as proto3 names them."""
    text = doubles.cast(pa.string())
    if not pc.all(pc.is_finite(doubles)).as_py():
        infinite = pc.if_else(pc.greater(doubles, 0), '"Infinity"', '"-Infinity"')
        text = pc.if_else(pc.is_inf(doubles), infinite, text)
        text = pc.if_else(pc.is_nan(doubles), '"NaN"', text)
    return text


def join(members: pa.Array, owner: Rows, owners: int, opening: str, closing: str) -> pa.Array:
    """Join each owner's members (``owner`` ascending) with commas, between two brackets."""
    lists = pa.ListArray.from_arrays(pa.array(offsets_of(owner, owners)), members)
    return pc.binary_join_element_wise(opening, pc.binary_join(lists, ","), closing, "")


def _any(strings: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(strings, pattern)).as_py())
