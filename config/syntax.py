"""Turn the complaint of the YAML reader into words for the person who wrote the file."""

import re

from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.reader import ReaderError

from ..pipeline.core.errors import Problem
from .document import Place

_BARE_VARIABLE = re.compile(r"""(?<!["'\w])(?P<variable>\$\{[^}]*\})""")
_NO_SPACE = re.compile(r"\s*(?:- )?(?P<key>[A-Za-z_][\w/.-]*):(?P<value>[^\s/:][^#]*)")
_SECRET = re.compile(r"token|password|secret", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'")


def is_secret(text: str) -> bool:
    """Tell whether a text may name or hold a secret, which no message is to repeat."""
    return _SECRET.search(text) is not None


def place_of(mark: StreamMark) -> Place:
    """Give the place of a mark, which counts from 0."""
    return Place(mark.line + 1, mark.column + 1)


def explain(error: YAMLError, text: str, file: str | None) -> Problem:
    """Say in plain words why the text is not YAML, and where."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = f"a control character ({error.character!r}) cannot stand in YAML."
        return Problem("", message, "Remove it.", file, before.count("\n") + 1, column)
    if not isinstance(error, MarkedYAMLError):
        return Problem("", f"is not YAML: {error}.", "", file)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    for attempt in (_tab, _variable, _missing_space, _unclosed):
        found = attempt(error, text.splitlines(), line)
        if found is not None:
            at, message, hint = found
            return Problem("", message, hint, file, at.line, at.column)
    words = " ".join(part for part in (error.context, error.problem) if part)
    if is_secret("".join(text.splitlines()[max(line - 1, 0) : line + 1])):
        words = _QUOTED.sub("...", words)
    hint = "Check the indentation of this line and of the one before it."
    return Problem("", f"is not YAML: {words}.", hint, file, line + 1, column + 1)


_Explained = tuple[Place, str, str] | None


def _tab(error: MarkedYAMLError, lines: list[str], line: int) -> _Explained:
    if "\\t" not in (error.problem or ""):
        return None
    at = Place(line + 1, lines[line].index("\t") + 1)
    return at, "a tab character cannot indent YAML.", "Use spaces."


def _variable(error: MarkedYAMLError, lines: list[str], line: int) -> _Explained:
    """Explain a ``${env:X}`` inside ``{}`` or ``[]``, where YAML takes its brace for its own."""
    begun = error.context_mark
    if begun is None or "flow" not in (error.context or ""):
        return None
    for at in range(begun.line, min(line, len(lines) - 1) + 1):
        match = _BARE_VARIABLE.search(lines[at])
        if match:
            message = f"inside braces or brackets {match['variable']} needs quotes."
            hint = f'Write `"{match["variable"]}"`.'
            return Place(at + 1, match.start("variable") + 1), message, hint
    return None


def _missing_space(error: MarkedYAMLError, lines: list[str], line: int) -> _Explained:
    told = (
        "mapping values are not allowed",
        "could not find expected ':'",
        "expected <block end>",
    )
    if not any(words in (error.problem or "") for words in told):
        return None
    # The scanner notices on the line after the mistake, when the next colon comes.
    for at in range(min(line, len(lines) - 1), max(line - 3, -1), -1):
        match = _NO_SPACE.fullmatch(lines[at])
        if match:
            place = Place(at + 1, match.start("key") + 1)
            return place, f"a space is missing after `{match['key']}:`.", _spaced(match)
    return None


def _unclosed(error: MarkedYAMLError, lines: list[str], line: int) -> _Explained:
    del lines, line
    begun = error.context_mark
    closing = {"while parsing a flow sequence": "]", "while parsing a flow mapping": "}"}
    if begun is None or error.context not in closing:
        return None
    message = "this list or mapping is not closed."
    return place_of(begun), message, f"Put a `{closing[error.context]}` where it ends."


def _spaced(match: re.Match[str]) -> str:
    """Show how a ``key:value`` is to be written; a secret is not repeated."""
    value = "..." if is_secret(match["key"]) else match["value"].strip()
    return f"Write `{match['key']}: {value}`."


def missing_space(value: str) -> str:
    """Say that ``key:value`` lacks its space; empty if the text is nothing of the kind."""
    match = _NO_SPACE.fullmatch(value)
    return f"A space is missing after the colon. {_spaced(match)}" if match else ""
