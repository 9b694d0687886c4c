"""Read what stands in texts, a column at a time."""

import pyarrow as pa
import pyarrow.compute as pc

_LETTERS = {'\\"': '"', "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\/": "/"}


def captured(texts: pa.Array, pattern: str) -> pa.StringArray:
    """Give what the group `told` of a pattern (RE2) matches; NULL where it does not."""
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), pa.string())
    return pc.struct_field(pc.extract_regex(texts, pattern), "told")


def string_member(objects: pa.Array, *keys: str) -> pa.StringArray:
    r"""Read the first member of JSON objects that has one of the keys and is a string.

    NULL where there is none. Escapes of one letter are undone; ``\uXXXX`` stays as it stands.
    """
    pattern = f'"(?:{"|".join(keys)})" ?: ?"(?P<told>(?:[^"\\\\]|\\\\.)*)"'
    text = captured(objects, pattern)
    if not pc.match_substring(text, "\\").true_count:
        return text
    text = pc.replace_substring(text, "\\\\", "\0")
    for escaped, letter in _LETTERS.items():
        text = pc.replace_substring(text, escaped, letter)
    return pc.replace_substring(text, "\0", "\\")
