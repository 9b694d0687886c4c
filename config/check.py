"""Turn a document into a plan of the service, or into every mistake it holds."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..pipeline.core.component import Factory, Kind
from ..pipeline.core.errors import ConfigError, Problem
from ..pipeline.core.registry import Registry
from .collector import OTHER_SECTIONS, instead_of
from .document import Document, KeyPath, dotted
from .model import PipelineConfig, ServiceConfig, size_text
from .ports import Door, clashes, doors_of, limits_of
from .words import Finding, did_you_mean, findings, show

SECTIONS = (*(kind.value for kind in Kind), "service")
EXAMPLE = "Write `pipelines: {agents: {receivers: [otlp], exporters: [duckdb]}}`."

_COMPONENT_TYPE = re.compile(r"[A-Za-z]\w*")
_COMPONENT_ID = re.compile(rf"(?P<type>{_COMPONENT_TYPE.pattern})(?:/[\w.-]+)?")
_PIPELINE_ID = re.compile(r"[A-Za-z][\w.-]*(?:/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Part:
    """One component as the configuration asks for it."""

    id: str
    factory: Factory
    config: Any


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is needed to build a service: parts that are used, pipelines, warnings."""

    document: Document
    parts: Mapping[Kind, Mapping[str, Part]]
    pipelines: Mapping[str, PipelineConfig]
    service: ServiceConfig
    warnings: tuple[Problem, ...]
    registry: Registry


def is_component_type(name: str) -> bool:
    """Tell whether a configuration can name a component so, before any ``/``."""
    return _COMPONENT_TYPE.fullmatch(name) is not None


def check(document: Document, registry: Registry) -> Plan:
    """Make the plan of a document. Raises ConfigError with all mistakes at once."""
    found = [*_sections(document)]
    parts: dict[Kind, dict[str, Part]] = {}
    for kind in Kind:
        parts[kind] = {}
        for part in _parts(document, kind, registry):
            if isinstance(part, Finding):
                found.append(part)
            else:
                parts[kind][part.id] = part
    checked = _service(document)
    service = checked if isinstance(checked, ServiceConfig) else None
    found += checked if isinstance(checked, list) else []
    found += _pipelines(document)
    used = {kind: _used(document, kind) for kind in Kind}
    kept = {kind: {i: p for i, p in parts[kind].items() if i in used[kind]} for kind in Kind}
    found += clashes(doors(kept[Kind.RECEIVER], service))
    problems = _problems(document, found)
    if problems or service is None:
        raise ConfigError(*problems)
    warnings = (
        *_unused(document, used),
        *_too_large(document, kept[Kind.RECEIVER], service),
        *_other_prices(document, kept[Kind.PROCESSOR], service),
    )
    return Plan(document, kept, service.pipelines, service, warnings, registry)


def doors(receivers: Mapping[str, Part], service: ServiceConfig | None) -> list[Door]:
    """List the addresses that a service is to listen on."""
    found = [
        door
        for part in receivers.values()
        for door in doors_of(part.config, (Kind.RECEIVER.value, part.id))
    ]
    if service is not None and service.telemetry is not None:
        at = ("service", "telemetry", "endpoint")
        found.append(Door(at, service.telemetry.endpoint))
    return found


def _too_large(
    document: Document, receivers: Mapping[str, Part], service: ServiceConfig
) -> Iterator[Problem]:
    """Find receivers that take requests which the log can never hold."""
    room = service.log.max_bytes
    limits = [
        limit
        for part in receivers.values()
        for limit in limits_of(part.config, (Kind.RECEIVER.value, part.id))
    ]
    largest = max(limits, key=lambda limit: limit.max_bytes, default=None)
    if largest is not None and room <= largest.max_bytes:
        size = size_text(largest.max_bytes)
        message = f"a request of {dotted(largest.path)} ({size}) has no room in the log."
        hint = f"Write `max_bytes: {size_text(4 * largest.max_bytes)}` or more, or lower the other."
        yield document.problem(("service", "log", "max_bytes"), message, hint)


def _other_prices(
    document: Document, processors: Mapping[str, Part], service: ServiceConfig
) -> Iterator[Problem]:
    """Find processors of one pipeline that price by different lists."""
    told: set[KeyPath] = set()
    for pipeline in service.pipelines.values():
        priced = [
            (processors[each].id, processors[each].config.prices)
            for each in pipeline.processors
            if each in processors and hasattr(processors[each].config, "prices")
        ]
        for each, prices in priced[1:]:
            at = (Kind.PROCESSOR.value, each, "prices")
            first, its = priced[0]
            if prices == its or at in told:
                continue
            told.add(at)
            message = f"`{each}` prices by {prices or 'the built-in list'}, and `{first}` by "
            message += f"{its or 'the built-in list'}: they will tell different costs."
            yield document.problem(at, message, f"Write `prices: {its or prices}` in both.")


def _problems(document: Document, found: Iterable[Finding]) -> list[Problem]:
    """Put findings at their places, in the order of the file.

    What could not be read (a variable that is not set) is not judged a second time.
    """
    unread = {problem.path for problem in document.problems}
    problems = [
        document.problem(f.path, f.message, f.hint, at_key=f.at_key)
        for f in found
        if dotted(f.path) not in unread
    ]
    return sorted([*document.problems, *problems], key=lambda p: (p.line or 0, p.column or 0))


def _sections(document: Document) -> Iterator[Finding]:
    values = document.values
    if values is None:
        hint = "Write one to start from: agentpond config default"
        yield Finding((), "the configuration is empty.", hint)
    elif not isinstance(values, dict):
        hint = f"Write the sections {', '.join(f'`{name}`' for name in SECTIONS)}."
        yield Finding((), f"expected a mapping (`key: value`), got {show(values)}.", hint)
    for name in document.mapping():
        if name not in SECTIONS:
            hint = OTHER_SECTIONS.get((name,)) or did_you_mean(name, list(SECTIONS))
            yield Finding((name,), "unknown section.", hint, at_key=True)
    for kind in Kind:
        value = document.mapping().get(kind.value)
        if value is not None and not isinstance(value, dict):
            message = f"expected a mapping of components (`id: options`), got {show(value)}."
            yield Finding((kind.value,), message)


def _parts(document: Document, kind: Kind, registry: Registry) -> Iterator[Part | Finding]:
    """Give the components of a section, checked each on its own."""
    for component_id, value in document.mapping(kind.value).items():
        at = (kind.value, component_id)
        match = _COMPONENT_ID.fullmatch(str(component_id))
        if match is None:
            hint = "Write `type` or `type/name`, of letters, digits, `_`, `-` and `.`."
            yield Finding(at, "is not an id of a component.", hint, at_key=True)
            continue
        factory = registry.find(kind, match["type"])
        if factory is None:
            yield _unknown(at, match["type"], kind, registry)
            continue
        try:
            config = factory.config.model_validate({} if value is None else value)
        except ValidationError as error:
            if value is not None:
                yield from findings(error, factory.config, at, document)
                continue
            needed = [f"`{each['loc'][-1]}`" for each in error.errors() if each["loc"]]
            yield Finding(at, f"needs {', '.join(needed)}.", "Add them." if needed[1:] else "")
        else:
            yield Part(component_id, factory, config)


def _unknown(at: KeyPath, name: str, kind: Kind, registry: Registry) -> Finding:
    word = kind.value.removesuffix("s")
    message = f"there is no {word} of type `{name}`."
    elsewhere = [k for k in Kind if k is not kind and registry.find(k, name)]
    hint = instead_of(kind.value, name)
    if not hint and elsewhere:
        hint = f"`{name}` belongs under {elsewhere[0].value}."
    return Finding(at, message, hint or did_you_mean(name, registry.names(kind)), at_key=True)


def _service(document: Document) -> ServiceConfig | list[Finding]:
    value = document.mapping().get("service")
    try:
        return ServiceConfig.model_validate({} if value is None else value)
    except ValidationError as error:
        return [
            Finding(f.path, f.message, _collector_hint(f.path) or f.hint, f.at_key)
            for f in findings(error, ServiceConfig, ("service",), document)
        ]


def _collector_hint(path: KeyPath) -> str:
    return OTHER_SECTIONS.get(tuple(str(part) for part in path), "")


def _pipelines(document: Document) -> Iterator[Finding]:
    pipelines = document.mapping("service", "pipelines")
    if isinstance(document.values, dict) and not pipelines:
        yield Finding(("service", "pipelines"), "there is no pipeline.", EXAMPLE)
    for pipeline_id, value in pipelines.items():
        at: KeyPath = ("service", "pipelines", pipeline_id)
        if not _PIPELINE_ID.fullmatch(str(pipeline_id)):
            hint = "Write letters, digits, `_`, `-` and `.`, such as `agents` or `logs/2`."
            yield Finding(at, "is not an id of a pipeline.", hint, at_key=True)
        if isinstance(value, dict):
            yield from _pipeline(document, at, value)


def _pipeline(document: Document, at: KeyPath, value: Mapping[str, Any]) -> Iterator[Finding]:
    for kind in (Kind.RECEIVER, Kind.EXPORTER):
        if not value.get(kind.value):
            word = kind.value.removesuffix("s")
            known = [str(name) for name in document.mapping(kind.value)]
            hint = f"Write `{kind.value}: [{known[0] if known else word}]`."
            yield Finding((*at, kind.value), f"the pipeline has no {word}.", hint)
    for kind in Kind:
        listed = value.get(kind.value)
        names = listed if isinstance(listed, list | tuple) else []
        for index, name in enumerate(names):
            place = (*at, kind.value, index)
            if name in names[:index]:
                yield Finding(place, f"`{name}` is here twice.", "Keep one of the two.")
            elif isinstance(name, str) and name not in document.mapping(kind.value):
                yield _undefined(document, place, name, kind)


def _undefined(document: Document, at: KeyPath, name: str, kind: Kind) -> Finding:
    word = kind.value.removesuffix("s")
    elsewhere = [k.value for k in Kind if k is not kind and name in document.mapping(k.value)]
    hint = instead_of(kind.value, name.split("/", 1)[0])
    if not hint and elsewhere:
        hint = f"`{name}` stands under {elsewhere[0]}; name it there."
    if not hint:
        known = [str(each) for each in document.mapping(kind.value)]
        hint = did_you_mean(name, known, many="Defined")
        if not hint.startswith("Did"):
            hint = f"Add `{name}:` under `{kind.value}:`. {hint}".strip()
    return Finding(at, f"{word} `{name}` is not defined.", hint)


def _used(document: Document, kind: Kind) -> set[str]:
    """Name the components of a kind that some pipeline names."""
    used: set[str] = set()
    for value in document.mapping("service", "pipelines").values():
        listed = value.get(kind.value) if isinstance(value, dict) else None
        used.update(name for name in listed or () if isinstance(name, str))
    return used


def _unused(document: Document, used: Mapping[Kind, set[str]]) -> Iterator[Problem]:
    for kind in Kind:
        for name in document.mapping(kind.value):
            if name not in used[kind]:
                message = "is defined, but no pipeline names it: it is not built."
                yield document.problem((kind.value, name), message, at_key=True)
