"""Read what stands in texts, a column at a time."""

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

_SLOT = re.compile(r"\{(\w+)\}")

_LETTERS = {'\\"': '"', "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\/": "/"}

_CONTROLS = (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


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


def worded(sentence: str, columns: Mapping[str, pa.Array]) -> pa.StringArray:
    """Put columns into a sentence: `{name}` is that column's text in each row.

    NULL where one of them is not told. The columns are as long as one another.
    """
    # Texts and names of columns in turn, as split gives them.
    parts = _SLOT.split(sentence)
    told = [
        columns[part].cast(pa.string()) if place % 2 else pa.scalar(part)
        for place, part in enumerate(parts)
    ]
    return pc.binary_join_element_wise(*told, "", null_handling="emit_null")


def dollars(amounts: pa.DoubleArray) -> pa.StringArray:
    """Write money: `$12.34`, and what is less than ten cents with four digits."""
    cents = amounts.cast(pa.decimal128(38, 2), safe=False).cast(pa.string())
    small = amounts.cast(pa.decimal128(38, 4), safe=False).cast(pa.string())
    return pc.binary_join_element_wise("$", pc.if_else(pc.less(amounts, 0.1), small, cents), "")


def json_objects(columns: Mapping[str, pa.Array]) -> pa.StringArray:
    """Write one JSON object a row; numbers and truth values as they are, NULL as null."""
    members = [
        pc.binary_join_element_wise(f'"{name}": ', _json_values(column), "")
        for name, column in columns.items()
    ]
    joined = pc.binary_join_element_wise(*members, ", ")
    return pc.binary_join_element_wise("{", joined, "}", "")


def _json_values(column: pa.Array) -> pa.StringArray:
    if pa.types.is_string(column.type):
        text = column
        for letter, escaped in (("\\", "\\\\"), ('"', '\\"'), *_CONTROLS):
            text = pc.replace_substring(text, letter, escaped)
        text = pc.replace_substring_regex(text, r"[\x00-\x1f]", " ")
        told = pc.binary_join_element_wise('"', text, '"', "")
    else:
        told = column.cast(pa.string())
    return pc.coalesce(told, pa.scalar("null"))
