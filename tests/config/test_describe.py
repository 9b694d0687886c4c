"""Components describe themselves to editors and to readers."""

import json

import pytest

from agentpond.config.describe import Option, json_schema, pages, service_options
from agentpond.pipeline.core.registry import Registry


def test_every_component_is_listed_with_its_summary(registry: Registry) -> None:
    listed = [(page.kind.value, page.name, page.summary) for page in pages(registry)]

    assert listed == [
        ("receivers", "otlp", "Take OTLP."),
        ("processors", "redact", "Mask secrets."),
        ("exporters", "store", "Keep rows."),
    ]


def test_options_of_inner_models_have_dotted_names(registry: Registry) -> None:
    page = pages(registry)[0]

    assert page.options[:4] == (
        Option("protocols", "mapping", "", "The ports to open."),
        Option("protocols.grpc", "mapping or null", "null", "The gRPC port."),
        Option("protocols.grpc.endpoint", "text", "127.0.0.1:4317", "Where to listen."),
        Option("protocols.grpc.most", "whole number", "3", "How many at once."),
    )


def test_types_are_in_plain_words(registry: Registry) -> None:
    page = pages(registry)[1]

    assert [(option.name, option.type, option.default) for option in page.options] == [
        ("mode", "`fast` or `safe`", "safe"),
        ("words", "list of text", "[]"),
        ("limit", "whole number or text", "1"),
        ("pattern", "text", ""),
    ]


def test_an_option_without_default_says_so(registry: Registry) -> None:
    option = pages(registry)[2].options[0]

    assert option == Option("path", "text", "(needed)", "The file.")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log.max_bytes", "1GiB"),
        ("log.segment_bytes", "64MiB"),
        ("drain_deadline", "30s"),
        ("state_directory", ".agentpond"),
        ("telemetry.endpoint", "127.0.0.1:8888"),
    ],
)
def test_defaults_are_written_as_in_a_file(name: str, expected: str) -> None:
    defaults = {option.name: option.default for option in service_options()}

    assert defaults[name] == expected


def test_every_option_of_the_service_has_a_meaning() -> None:
    without = [option.name for option in service_options() if not option.meaning]

    assert without == []


def test_every_reference_of_the_schema_is_defined(registry: Registry) -> None:
    text = json.dumps(json_schema(registry))

    referred = {part.split('"', 1)[0] for part in text.split('"#/$defs/')[1:]}
    assert referred == set(json_schema(registry)["$defs"])


def test_ids_of_components_are_patterns_of_the_schema(registry: Registry) -> None:
    section = json_schema(registry)["properties"]["exporters"]

    assert section["patternProperties"] == {
        r"^store(/[\w.-]+)?$": {
            "anyOf": [{"$ref": "#/$defs/exporters.store"}, {"type": "null"}],
            "description": "Keep rows.",
        }
    }
    assert section["additionalProperties"] is False


def test_a_variable_may_stand_where_a_number_is_asked_for(registry: Registry) -> None:
    door = json_schema(registry)["$defs"]["receivers.otlp.Door"]

    assert door["properties"]["most"]["anyOf"] == [
        {"minimum": 1, "type": "integer"},
        {"type": "string", "pattern": r"\$\{env:"},
    ]


def test_an_option_may_have_the_name_of_a_keyword(registry: Registry) -> None:
    redact = json_schema(registry)["$defs"]["processors.redact"]

    assert redact["properties"]["pattern"]["type"] == "string"
    assert redact["type"] == "object"
