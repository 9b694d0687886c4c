"""Name errors: the line that matters, the template it is of, its fingerprint and its kind.

An error that says no more than that it failed is named by what failed: Claude Code tells of a
failing command only "Shell command failed", whatever the command put out.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..session.texts import captured, worded
from .categories import OTHER, categories_of
from .commands import run_tests
from .errors import Errors
from .messages import lines_of
from .templates import fingerprints_of, says_nothing, templates_of

_NONE = pa.scalar(None, pa.string())

_FAILED = "{program} failed"
_TESTS = "{program}: tests failed"
_PROGRAM_FAILED = r"^(?P<told>.+) failed$"

_SILENT = {
    "tool": "{tool_name} failed",
    "api": "API call failed",
    "hook": "hook {program} failed",
    "mcp": "MCP server did not connect",
    "compaction": "compaction failed",
}
"""What an error of a source is called that says nothing."""


@dataclass(frozen=True, slots=True)
class Names:
    """What errors are called, one of each for each error; never NULL."""

    line: pa.StringArray
    template: pa.StringArray
    fingerprint: pa.StringArray
    category: pa.StringArray
    silent: pa.BooleanArray
    """Where the error says no more than that it failed, or of what type it was."""


def names_of(errors: Errors) -> Names:
    """Name errors; what one is called depends on it alone."""
    distinct = errors.column("message").dictionary_encode()
    lines = lines_of(distinct.dictionary)
    line = lines.take(distinct.indices)
    silent = says_nothing(lines).take(distinct.indices)
    silent = pc.fill_null(silent, fill_value=True)
    own = _own_words(errors)
    template = pc.if_else(silent, own, templates_of(lines).take(distinct.indices))
    template = pc.coalesce(template, own)
    return Names(
        line=pc.coalesce(line, own),
        template=template,
        fingerprint=fingerprints_of(template),
        silent=pc.or_(silent, _only_typed(errors)),
        category=_categories(template),
    )


def _only_typed(errors: Errors) -> pa.BooleanArray:
    """Tell where a tool's error is told by its type alone: the words were left out."""
    words = errors.uses.column("error_message").take(errors.column("use"))
    return pc.and_(words.is_null(), pa.array(errors.of("tool")))


def _own_words(errors: Errors) -> pa.StringArray:
    """Name errors by what failed."""
    told = {name: errors.column(name) for name in ("tool_name", "program")}
    by_command = pc.if_else(_hides_tests(errors), worded(_TESTS, told), worded(_FAILED, told))
    words = pc.if_else(pa.array(errors.of("tool")), by_command, _NONE)
    for source, sentence in _SILENT.items():
        own = worded(sentence, told) if "{" in sentence else pa.scalar(sentence)
        words = pc.coalesce(words, pc.if_else(pa.array(errors.of(source)), own, _NONE))
    return pc.coalesce(words, errors.column("source"))


def _hides_tests(errors: Errors) -> pa.BooleanArray:
    """Tell where a command ran tests and its program alone does not say so."""
    tests = pa.array(run_tests(errors.uses.command)).take(errors.column("use"))
    told = pa.array(run_tests(errors.column("program")))
    return pc.and_not(pc.fill_null(tests, fill_value=False), told)


def _categories(templates: pa.StringArray) -> pa.StringArray:
    """Give the category of each template; a program that runs tests and failed is `test_failure`.

    It is made of the template alone: errors of one fingerprint are of one category.
    """
    distinct = templates.dictionary_encode()
    texts = distinct.dictionary
    kind = categories_of(texts)
    tests = pa.array(run_tests(captured(texts, _PROGRAM_FAILED)))
    failing = pc.and_(tests, pc.equal(kind, OTHER))
    return pc.if_else(failing, pa.scalar("test_failure"), kind).take(distinct.indices)
