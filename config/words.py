"""Turn what pydantic says of a value into plain words at the place in the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from .document import Document, KeyPath
from .syntax import missing_space

EXPECTED: Mapping[str, str] = {
    "bool": "true or false",
    "byte_size": "a size such as `64MiB` or `1048576`",
    "bytes": "text",
    "date": "a date such as `2026-01-31`",
    "datetime": "a time such as `2026-01-31T12:00:00Z`",
    "decimal": "a number",
    "dict": "a mapping (`key: value`)",
    "float": "a number",
    "frozen_set": "a list such as `[a, b]`",
    "int": "a whole number",
    "list": "a list such as `[a, b]`",
    "mapping": "a mapping (`key: value`)",
    "model": "a mapping (`key: value`)",
    "none_required": "nothing (null)",
    "path": "a path",
    "set": "a list such as `[a, b]`",
    "string": "text",
    "time_delta": "a duration such as `30s`, `5m` or `1h30m`",
    "tuple": "a list such as `[a, b]`",
}

LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("of at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("of at most", "le"),
    "multiple_of": ("that is a multiple of", "multiple_of"),
}

SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at a key path, in words."""

    path: KeyPath
    message: str
    hint: str = ""
    at_key: bool = False


def did_you_mean(word: object, known: list[str], *, many: str = "Known") -> str:
    """Name the closest known word; list all that are known where none is close."""
    close = get_close_matches(str(word), known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{close[0]}`?"
    return f"{many}: {', '.join(f'`{name}`' for name in sorted(known))}." if known else ""


def findings(
    error: ValidationError, model: type[BaseModel], at: KeyPath, document: Document
) -> Iterator[Finding]:
    """Put each of pydantic's complaints about the value at ``at`` into words."""
    value = _value_at(document.values, at)
    told: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        told.setdefault(_path_in(value, detail), []).append(detail)
    for path, details in told.items():
        whole = (*at, *path)
        if details[0]["type"] == "extra_forbidden":
            hint = did_you_mean(path[-1], _options(model, path[:-1]), many="Known here")
            yield Finding(whole, "unknown option.", hint, at_key=True)
        elif details[0]["type"] == "missing":
            yield Finding(whole, "is needed and not there.", "Add it.")
        else:
            hidden = whole in document.from_environment or _is_secret(model, path)
            yield _wrong(whole, details, hidden=hidden)


def _wrong(path: KeyPath, details: list[ErrorDetails], *, hidden: bool) -> Finding:
    """Say what was expected at a path; a union tells of each of its members."""
    expected = [phrase for detail in details if (phrase := _expected(detail))]
    if not expected:
        return Finding(path, _own_words(details[0]))
    value = details[0]["input"]
    plain = not isinstance(value, dict | list | None)
    got = "another value" if hidden and plain else show(value)
    if path[-1:] == ("endpoint",) and isinstance(value, int):
        hint = "Write host:port, such as 127.0.0.1:4317."
        return Finding(path, f"expected an address and a port, got {got}.", hint)
    message = f"expected {' or '.join(dict.fromkeys(expected))}, got {got}."
    return Finding(path, message, _hint(value, details[0], hidden=hidden))


def _hint(value: object, detail: ErrorDetails, *, hidden: bool) -> str:
    if isinstance(value, str) and detail["type"] in {
        "dict_type",
        "model_type",
        "model_attributes_type",
    }:
        return "" if hidden else missing_space(value)
    if detail["type"] == "literal_error":
        choices = [choice.strip("'") for choice in get_choices(detail)]
        close = get_close_matches(str(value), choices, n=1)
        return f"Did you mean `{close[0]}`?" if close else ""
    if detail["type"] == "string_type" and isinstance(value, bool | int | float):
        return "Put it in quotes." if hidden else f'Put it in quotes: "{show(value)}".'
    return ""


def get_choices(detail: ErrorDetails) -> list[str]:
    """List what a literal may be, as pydantic writes it."""
    return str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")


def _expected(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind in {"literal_error", "enum"}:
        choices = [f"`{choice.strip(chr(39))}`" for choice in get_choices(detail)]
        return " or ".join([", ".join(choices[:-1]), choices[-1]] if choices[1:] else choices)
    if kind in LIMITS:
        words, key = LIMITS[kind]
        limit = detail["ctx"][key]
        what = "a duration" if isinstance(limit, timedelta) else "a number"
        return f"{what} {words} {limit}"
    if kind == "string_pattern_mismatch":
        return f"text like {detail['ctx']['pattern']}"
    for ending in ("_type", "_parsing", "_unit", "_attributes_type", "_from_float", ""):
        if kind.endswith(ending) and kind.removesuffix(ending) in EXPECTED:
            return EXPECTED[kind.removesuffix(ending)]
    return ""


def _own_words(detail: ErrorDetails) -> str:
    """Give the words of a component's own validator, or pydantic's where there are none."""
    cause = detail.get("ctx", {}).get("error")
    words = str(cause) if cause is not None else detail["msg"]
    words = words.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    words = words.replace("Input should be", "expected")
    return words if words.endswith((".", "?", "!")) else f"{words}."


def show(value: object) -> str:
    """Write a value the way it stands in a file, shortened."""
    if isinstance(value, dict | BaseModel):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    text = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
    return f"'{text}'" if isinstance(value, str) else text


def _value_at(value: Any, path: KeyPath) -> Any:
    for part in path:
        value = value[part]
    return value


def _path_in(value: Any, detail: ErrorDetails) -> KeyPath:
    """Keep of pydantic's location what is a key in the file; it names union members too."""
    path: list[str | int] = []
    for part in detail["loc"]:
        inside = isinstance(value, dict) and part in value
        listed = isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        if inside or listed:
            value = value[part]
            path.append(part)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _options(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Name the options that may stand at a path inside a model."""
    models = [model]
    for part in path:
        below = [m for each in models for m in _models_of_field(each, part)]
        models = below or models
    return sorted({name for each in models for name in option_names(each)})


def _is_secret(model: type[BaseModel], path: KeyPath) -> bool:
    """Tell whether a secret may stand at a path, or below it where options are listed."""
    # A component's own options are no secret, whatever one of them holds.
    asked: list[Any] = [] if not path else [model]
    for part in path:
        models = [found for each in asked for found in models_in(each)]
        asked = [a for each in models for a in _annotations(each, part)] or asked
    return any(_holds_secret(each) for each in asked)


def _holds_secret(annotation: Any) -> bool:
    if annotation in (SecretStr, SecretBytes):
        return True
    inner = [*get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = [field.annotation for field in annotation.model_fields.values()]
    return any(_holds_secret(each) for each in inner)


def option_names(model: type[BaseModel]) -> list[str]:
    """Name a model's options as a file names them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_of_field(model: type[BaseModel], part: str | int) -> list[type[BaseModel]]:
    return [found for each in _annotations(model, part) for found in models_in(each)]


def _annotations(model: type[BaseModel], part: str | int) -> list[Any]:
    """Give the type of the option that a part of a path names, if it names one."""
    fields = model.model_fields.items()
    return [field.annotation for name, field in fields if part in (name, field.alias)][:1]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)
