"""Turn the lines that matter of errors into templates, and templates into fingerprints.

What differs from error to error is masked. A template is a function of its line alone, so it is
the same on any machine, in any order and whatever else is at hand.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from ..session.groups import Mask, mask_of
from .masks import KEPT, MASKS, Rule
from .shapes import ALIKE, replaced, shaped
from .sketch import texts_with

MAX_LENGTH = 300
"""Characters of a template that are kept."""

MASKS_VERSION = 1
"""Goes up when masks change, so that fingerprints made before are known by it."""

_ROUNDS = 8
_OPEN, _CLOSE = 1, 2
_SPACES = Rule(r"[\s\x00-\x1f\x7f]+", " ", ("!", "  "))
# Bytes from `-` to `9`, and where they are put meanwhile so that no mask sees them: no text has
# control characters by then.
_FIRST, _LAST, _AWAY = 0x2D, 0x39, 0x20

_SILENT = (
    r"(?i)^(?:<tool_use_error>)?\W*(?:(?:(?:shell |bash |tool |the )?command|execution|process"
    "|call|request|tool(?: use| call| execution)?|operation|internal|unknown|unspecified"
    "|unexpected|an?|the|error|errors|failed|failure|fail|exception|fatal|exited|exit|terminated"
    "|ended|finished|returned|occurred|happened|with|was|has|to|run|execute|non-?zero|code"
    "|status|of|tool|something|went|wrong|unsuccessful(?:ly)?|not|successful|none|null|undefined"
    r"|n/a|sorry|-?\d{1,3}|0x[0-9a-f]+)[\s:.,!()-]*)*$"
)


def templates_of(lines: pa.StringArray) -> pa.StringArray:
    """Mask what differs from error to error; NULL stays NULL.

    A template of a template is itself.
    """
    distinct = lines.dictionary_encode()
    once = _masked(distinct.dictionary).dictionary_encode()
    return _settled(once.dictionary).take(once.indices).take(distinct.indices)


def fingerprints_of(templates: pa.StringArray) -> pa.StringArray:
    """Hash templates to 16 hexadecimal digits; NULL stays NULL.

    Templates that differ only in the kind of a mask, or in one and several, are one error: an id
    may happen to be a number.
    """
    distinct = alike(templates).dictionary_encode()
    texts = [str(text).encode() for text in distinct.dictionary]
    hashed = [xxhash.xxh3_64_hexdigest(text, MASKS_VERSION) for text in texts]
    return pa.array(hashed, pa.string()).take(distinct.indices)


def alike(templates: pa.StringArray) -> pa.StringArray:
    """Give what fingerprints are made of: the same text for templates of one error."""
    distinct = templates.dictionary_encode()
    return replaced(distinct.dictionary, ALIKE).take(distinct.indices)


def says_nothing(lines: pa.StringArray) -> pa.BooleanArray:
    """Mask lines that tell no more than that something failed; also NULL and empty ones."""
    return pc.fill_null(pc.match_substring_regex(lines, _SILENT), fill_value=True)


def _settled(templates: pa.StringArray) -> pa.StringArray:
    """Mask what is left until nothing changes, so that a template is its own template."""
    open_ = np.ones(len(templates), np.bool_)
    for _ in range(_ROUNDS):
        before = templates.filter(pa.array(open_))
        after = _masked(before)
        templates = pc.replace_with_mask(templates, pa.array(open_), after)
        open_[open_] = mask_of(pc.not_equal(before, after))
        if not open_.any():
            break
    return templates


def _masked(lines: pa.StringArray) -> pa.StringArray:
    texts = pc.utf8_trim_whitespace(lines)
    wide, *rows = texts_with(texts, [rule.where for rule in (_SPACES, *KEPT, *MASKS)])
    if wide.any():
        # What stands where is not known of these any more: all is looked for.
        texts, rows = _put(texts, _SPACES, wide), [mask | wide for mask in rows]
        texts = pc.utf8_trim_whitespace(texts)
    texts = _put_away(texts, rows[: len(KEPT)])
    for rule, mask in zip(MASKS, rows[len(KEPT) :], strict=True):
        texts = _put(texts, rule, _hinted(texts, rule, mask))
    distinct = texts.dictionary_encode()
    bare = shaped(distinct.dictionary)
    return _bounded(_moved(bare, -_AWAY)).take(distinct.indices)


def _put(texts: pa.StringArray, rule: Rule, rows: Mask) -> pa.StringArray:
    """Apply a rule to some of the texts."""
    if not rows.any():
        return texts
    mask = pa.array(rows)
    found = pc.replace_substring_regex(texts.filter(mask), rule.pattern, rule.replacement)
    return pc.replace_with_mask(texts, mask, found)


def _hinted(texts: pa.StringArray, rule: Rule, rows: Mask) -> Mask:
    if rule.hint is None or not rows.any():
        return rows
    hinted = rows.copy()
    hinted[rows] = mask_of(pc.match_substring_regex(texts.filter(pa.array(rows)), rule.hint))
    return hinted


def _put_away(texts: pa.StringArray, kept: list[Mask]) -> pa.StringArray:
    """Put away what masks would see and must not."""
    marked = np.zeros(len(texts), np.bool_)
    for rule, rows in zip(KEPT, kept, strict=True):
        hinted = _hinted(texts, rule, rows)
        texts = _put(texts, rule, hinted)
        marked |= hinted
    if not marked.any():
        return texts
    mask = pa.array(marked)
    away = _moved(texts.filter(mask), _AWAY)
    away = pc.replace_substring_regex(away, "[\1\2]", "")
    return pc.replace_with_mask(texts, mask, away)


def _moved(texts: pa.StringArray, by: int) -> pa.StringArray:
    """Move what stands between marks away, or (``by`` less than 0) all that was moved back."""
    validity, offsets, data = texts.buffers()
    if data is None:
        return texts
    octets = np.frombuffer(data, np.uint8).copy()
    if by > 0:
        inside = (
            np.cumsum((octets == _OPEN).astype(np.int8) - (octets == _CLOSE).astype(np.int8)) > 0
        )
        moved = inside & (octets >= _FIRST) & (octets <= _LAST)
    else:
        moved = (octets >= _FIRST + by) & (octets <= _LAST + by)
    octets[moved] = octets[moved].astype(int) - by
    buffers = [validity, offsets, pa.py_buffer(octets)]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers, offset=texts.offset)


def _bounded(templates: pa.StringArray) -> pa.StringArray:
    long = pc.fill_null(pc.greater(pc.utf8_length(templates), MAX_LENGTH), fill_value=False)
    if not long.true_count:
        return templates
    cut = pc.utf8_slice_codeunits(templates.filter(long), 0, MAX_LENGTH)
    # No half of a mask.
    whole = pc.replace_substring_regex(cut, r"(?:<[a-z]*)?\s*$", "")
    return pc.replace_with_mask(templates, long, whole)
