"""Turn error messages into the line of each that matters: no traceback, no JSON, no colours."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Mask, mask_of
from .choosing import chosen

Work = Callable[[pa.StringArray], pa.StringArray]

MAX_LENGTH = 500
"""Characters of a line that are kept."""

# Colours, titles and whatever else terminals understand: ECMA-48.
_ESCAPES = (
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]"
    r"|[\x00-\x08\x0b\x0e-\x1f\x7f]"
)
# What most messages have not: several lines, colours, a tag, JSON.
_ODD = r"[\x00-\x1f\x7f]|^\s*<|>\s*$|\{\s*[\"']"
_BREAKS = r"\r\n?|\x0c"
_TAG = r"^\s*<(\w+_error|error)>\s*|\s*</(?:\w+_error|error)>\s*$"

_VALUE = r"(?:\"(?P<a>(?:[^\"\\]|\\.)*)\"|'(?P<b>(?:[^'\\]|\\.)*)')"
_KEY = r"[\"'](?:{})[\"']\s*:\s*"
_IN_ERROR = r"(?s)" + _KEY.format("error") + r"\{[^{}]*?" + _KEY.format("message") + _VALUE
_ANY_MESSAGE = r"(?s)" + _KEY.format("message") + _VALUE
_OTHERS = "error|detail|error_message|error_description|errorMessage|reason|title|msg|description"
_ANY_OTHER = r"(?s)" + _KEY.format(_OTHERS) + _VALUE
_SAID = (_IN_ERROR, _ANY_MESSAGE, _ANY_OTHER)
_BODY = r"(?s)^([^{\n]{0,120}?)\s*[\[{]?\{.*$"
_DEPTH = 3
_UNESCAPED = (('\\"', '"'), ("\\'", "'"), ("\\n", " "), ("\\r", " "), ("\\t", " "), ("\\/", "/"))


def lines_of(messages: pa.StringArray) -> pa.StringArray:
    """Give the line that matters of each message; NULL stays NULL.

    It is trimmed, has no colours, and is of at most MAX_LENGTH characters.
    """
    distinct = messages.dictionary_encode()
    texts = distinct.dictionary
    odd = mask_of(pc.match_substring_regex(texts, _ODD))
    if odd.any():
        texts = _put(texts, odd, _read(_some(texts, odd)))
    return _bounded(pc.utf8_trim_whitespace(texts)).take(distinct.indices)


def _read(texts: pa.StringArray) -> pa.StringArray:
    """Give the line that matters of texts with several lines, colours, tags or JSON."""
    texts = pc.replace_substring_regex(texts, _ESCAPES, "")
    texts = pc.replace_substring_regex(texts, _TAG, "")
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, _BREAKS, "\n"))
    for _ in range(_DEPTH):
        # JSON over several lines is one thing; JSON in one of several lines is looked at then.
        texts = _each(texts, pc.match_substring_regex(texts, r"^\[?\s*\{"), _said)
        texts = _each(texts, pc.match_substring(texts, "\n"), chosen)
        texts = _each(texts, pc.match_substring_regex(texts, r"\{\s*[\"']"), _said)
    return _each(texts, pc.match_substring(texts, "\n"), chosen)


def _said(texts: pa.StringArray) -> pa.StringArray:
    """Put in the place of JSON what its error says, if it says something."""
    told = pc.coalesce(*(_captured(texts, pattern) for pattern in _SAID))
    before = pc.replace_substring_regex(texts, _BODY, r"\1")
    # Where no body begins in the first line nothing was replaced.
    found = pc.and_(pc.is_valid(told), pc.match_substring_regex(texts, _BODY))
    joined = pc.utf8_trim_whitespace(pc.binary_join_element_wise(before, told, " "))
    return pc.if_else(found, joined, texts)


def _captured(texts: pa.StringArray, pattern: str) -> pa.StringArray:
    parts = pc.extract_regex(texts, pattern)
    told = pc.max_element_wise(*(pc.struct_field(parts, name) for name in ("a", "b")))
    if pc.match_substring(told, "\\").true_count:
        told = pc.replace_substring(told, "\\\\", "\0")
        for escaped, letter in _UNESCAPED:
            told = pc.replace_substring(told, escaped, letter)
        told = pc.replace_substring(told, "\0", "\\")
    return told


def _each(texts: pa.StringArray, mask: pa.BooleanArray, work: Work) -> pa.StringArray:
    rows = mask_of(mask)
    return _put(texts, rows, work(_some(texts, rows))) if rows.any() else texts


def _some(texts: pa.StringArray, rows: Mask) -> pa.StringArray:
    return texts.filter(pa.array(rows))


def _put(texts: pa.StringArray, rows: Mask, some: pa.StringArray) -> pa.StringArray:
    return pc.replace_with_mask(texts, pa.array(rows), some)


def _bounded(lines: pa.StringArray) -> pa.StringArray:
    long = pc.greater(pc.binary_length(lines), MAX_LENGTH)
    if not long.true_count:
        return lines
    cut = pc.utf8_slice_codeunits(lines.filter(long), 0, MAX_LENGTH)
    return pc.replace_with_mask(lines, long, pc.utf8_trim_whitespace(cut))
