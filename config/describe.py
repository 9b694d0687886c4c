"""Turn the components' config models into a JSON schema and into pages for readers."""

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ..pipeline.core.component import Factory, Kind
from ..pipeline.core.registry import Registry
from .facts import Facts, facts_of
from .model import Config, ServiceConfig, size_text
from .words import models_in

DIALECT = "https://json-schema.org/draft/2020-12/schema"
WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    bytes: "text",
    Path: "path",
    ByteSize: "size",
    timedelta: "duration",
    SecretStr: "text (secret)",
    type(None): "null",
    Any: "anything",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a component: its dotted name, its type in words, default and meaning."""

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to know of a component before it is used."""

    kind: Kind
    name: str
    summary: str
    options: tuple[Option, ...]
    facts: Facts | None = None
    """What a processor says of itself, where it can be asked."""


def pages(registry: Registry) -> list[Page]:
    """Describe every component: receivers, processors, exporters, each by name."""
    order = list(Kind)
    factories = sorted(registry, key=lambda factory: (order.index(factory.kind), factory.name))
    return [
        Page(each.kind, each.name, each.summary, tuple(options(each.config)), facts_of(each))
        for each in factories
    ]


def service_options() -> tuple[Option, ...]:
    """Describe the options of the `service` section."""
    return tuple(options(ServiceConfig))


def options(model: type[BaseModel], prefix: str = "") -> Iterator[Option]:
    """List a model's options; those of models inside it come by their dotted names."""
    for field_name, field in model.model_fields.items():
        name = prefix + (field.alias or field_name)
        inner = _direct_model(field.annotation)
        meaning = _sentence(field.description, inner)
        yield Option(name, words_for(field.annotation), _default(field), meaning)
        if inner is not None:
            yield from options(inner, f"{name}.")


def words_for(annotation: Any) -> str:
    """Name a type the way a person would."""
    if annotation in WORDS:
        return WORDS[annotation]
    if get_origin(annotation) is Annotated:
        return words_for(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    return _compound(get_origin(annotation), get_args(annotation)) or "mapping"


def _compound(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words_for(each) for each in arguments))
    if origin in (list, tuple, set, frozenset):
        return f"list of {words_for(arguments[0])}"
    return ""


def _direct_model(annotation: Any) -> type[BaseModel] | None:
    """Give the model whose options stand right under the name, not in a list or mapping."""
    if get_origin(annotation) in (list, tuple, set, frozenset, dict):
        return None
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [m for each in get_args(annotation) if (m := _direct_model(each)) is not None]
        return inner[0] if inner else None
    return next(models_in(annotation), None)


def _sentence(description: str | None, inner: type[BaseModel] | None) -> str:
    text = description or (inner.__doc__ if inner else "") or ""
    return " ".join(text.split("\n\n", 1)[0].split())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(needed)"
    return _written(field.get_default(call_default_factory=True, validated_data={}))


def _written(value: Any) -> str:
    """Write a default as it would stand in a file."""
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return ""
    if isinstance(value, ByteSize):
        return size_text(value)
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        value = sorted(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, length_s in (("h", 3600), ("m", 60)):
        if seconds and seconds % length_s == 0:
            return f"{int(seconds // length_s)}{unit}"
    return f"{seconds:g}s"


def json_schema(registry: Registry) -> dict[str, Any]:
    """Give the JSON schema of a whole configuration file, for editors."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for kind in Kind:
        of_kind = [factory for factory in registry if factory.kind is kind]
        properties[kind.value] = _section(kind, of_kind, definitions)
    properties["service"] = _define(ServiceConfig, "service", definitions)
    return {
        "$schema": DIALECT,
        "title": "agentpond",
        "description": "The configuration of agentpond.",
        "type": "object",
        "properties": properties,
        "required": ["service"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _section(kind: Kind, factories: list[Factory], definitions: dict[str, Any]) -> dict[str, Any]:
    patterns: dict[str, Any] = {}
    for factory in factories:
        name = f"{kind.value}.{factory.name}"
        reference = _define(factory.config, name, definitions)
        patterns[f"^{factory.name}(/[\\w.-]+)?$"] = {
            "anyOf": [reference, {"type": "null"}],
            "description": factory.summary,
        }
    return {
        "type": ["object", "null"],
        "description": Config.model_fields[kind.value].description,
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def _define(model: type[BaseModel], name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Add a model's schema under ``name``; those inside it are named after it."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
    for inner, definition in schema.pop("$defs", {}).items():
        definitions[f"{name}.{inner}"] = _with_variables(definition)
    definitions[name] = _with_variables(schema)
    return {"$ref": f"#/$defs/{name}"}


def _with_variables(schema: Any) -> Any:
    """Let ``${env:NAME}`` stand where a number, a flag, a choice or a pattern is asked for."""
    if isinstance(schema, list):
        return [_with_variables(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {key: _below(key, value) for key, value in schema.items()}
    limited = "enum" in schema or "pattern" in schema
    if not limited and schema.get("type") not in ("integer", "number", "boolean"):
        return inside
    about = {key: inside.pop(key) for key in ("title", "description", "default") if key in inside}
    return {**about, "anyOf": [inside, {"type": "string", "pattern": r"\$\{env:"}]}


def _below(keyword: str, value: Any) -> Any:
    """Go on to the schemas under a keyword; where it holds values, leave them."""
    if keyword in ("properties", "patternProperties"):
        return {name: _with_variables(each) for name, each in value.items()}
    schemas = ("additionalProperties", "allOf", "anyOf", "items", "oneOf", "prefixItems")
    return _with_variables(value) if keyword in schemas else value
