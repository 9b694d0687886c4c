"""Read what stands in texts, a column at a time."""

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

_SLOT = re.compile(r"\{(\w+)\}")

_LETTERS = {'\\"': '"', "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\/": "/"}

_TEN_CENTS, _LEAST = 0.1, 0.0001

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
    """Write money: `$12.34`, and what is less than ten cents with four digits.

    What would be nothing with these is `<$0.0001`, and `>-$0.0001` below zero.
    """
    size = pc.abs(amounts)
    cents = size.cast(pa.decimal128(38, 2), safe=False).cast(pa.string())
    small = size.cast(pa.decimal128(38, 4), safe=False).cast(pa.string())
    # What is ten cents with four digits is ten cents.
    few = pc.and_(pc.greater(size, 0), pc.less(pc.round(size, 4), _TEN_CENTS))
    sign = pc.if_else(pc.less(amounts, 0), "-", "")
    told = pc.binary_join_element_wise(sign, "$", pc.if_else(few, small, cents), "")
    least = pc.if_else(pc.less(amounts, 0), f">-${_LEAST}", f"<${_LEAST}")
    return pc.if_else(pc.and_(few, pc.less(size, _LEAST)), least, told)


def counted(count: pa.Int64Array, one: str, many: str) -> pa.StringArray:
    """Write counts with what is counted: `1 call`, `3 calls`, `an unknown number of calls`."""
    what = pc.if_else(pc.equal(count, 1), pa.scalar(one), pa.scalar(many))
    told = pc.binary_join_element_wise(count.cast(pa.string()), what, " ")
    return pc.coalesce(told, pa.scalar(f"an unknown number of {many}"))


def json_objects(columns: Mapping[str, pa.Array]) -> pa.StringArray:
    """Write one JSON object a row; numbers and truth values as they are, NULL as null.

    A number that JSON has no word for, NaN or an infinite one, is null too.
    """
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
    elif pa.types.is_floating(column.type):
        finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        told = finite.cast(pa.string())
    else:
        told = column.cast(pa.string())
    return pc.coalesce(told, pa.scalar("null"))
