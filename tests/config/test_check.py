"""A document becomes a plan, or all its mistakes."""

from collections.abc import Callable

import pytest

from agentpond.config.check import Plan, check
from agentpond.config.document import Document
from agentpond.config.load import parse
from agentpond.pipeline.core.component import Kind
from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.core.registry import Registry

Problems = Callable[[str], list[str]]
CheckText = Callable[[str], Plan]

END = """
exporters:
  store: {path: x}
service:
  pipelines:
    agents: {receivers: [otlp], exporters: [store]}
"""


def test_a_component_without_options_has_its_defaults(check_text: CheckText) -> None:
    text = "receivers:\n  otlp:\n" + END

    plan = check_text(text)

    assert plan.parts[Kind.RECEIVER]["otlp"].config.protocols.http.endpoint == "127.0.0.1:4318"


def test_one_type_can_be_there_under_many_ids(check_text: CheckText) -> None:
    text = """
receivers: {otlp: }
exporters: {store/a: {path: a}, store/b: {path: b}}
service: {pipelines: {agents: {receivers: [otlp], exporters: [store/a, store/b]}}}
"""

    plan = check_text(text)

    paths = {each: part.config.path for each, part in plan.parts[Kind.EXPORTER].items()}
    assert paths == {"store/a": "a", "store/b": "b"}


def test_what_no_pipeline_names_is_a_warning_and_is_not_built(check_text: CheckText) -> None:
    text = "receivers:\n  otlp:\nprocessors:\n  redact:\n" + END

    plan = check_text(text)

    assert [str(warning) for warning in plan.warnings] == [
        "a.yaml:4:3: processors.redact: is defined, but no pipeline names it: it is not built."
    ]
    assert plan.parts[Kind.PROCESSOR] == {}


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = """
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 4317, most: lots}
      htpt: {}
  otpl/2:
processors:
  redact: {mode: sfae, limit: [], words: x}
exporters:
  store: {keep: perhaps}
  store/b: {path: a, path: b}
servic: {}
service:
  log: {kind: fil, max_bytes: 1Gx}
  drain_deadline: soon
  telemetry: {endpoint: nowhere}
  pipelines:
    traces: {receivers: [otlp], processors: [redcat, store], exporters: []}
"""

    found = problems(text)

    assert found == [
        (
            "a.yaml:5:24: receivers.otlp.protocols.grpc.endpoint: expected an address and a port, "
            "got 4317. Write host:port, such as 127.0.0.1:4317."
        ),
        "a.yaml:5:36: receivers.otlp.protocols.grpc.most: expected a whole number, got 'lots'.",
        "a.yaml:6:7: receivers.otlp.protocols.htpt: unknown option. Did you mean `http`?",
        "a.yaml:7:3: receivers.otpl/2: there is no receiver of type `otpl`. Did you mean `otlp`?",
        (
            "a.yaml:9:18: processors.redact.mode: expected `fast` or `safe`, got 'sfae'. "
            "Did you mean `safe`?"
        ),
        "a.yaml:9:31: processors.redact.limit: expected a whole number or text, got a list.",
        "a.yaml:9:42: processors.redact.words: expected a list such as `[a, b]`, got 'x'.",
        "a.yaml:11:3: exporters.store.path: is needed and not there. Add it.",
        "a.yaml:11:17: exporters.store.keep: expected true or false, got 'perhaps'.",
        (
            "a.yaml:12:22: exporters.store/b.path: is here twice; the first one is in line 12. "
            "Keep one of the two."
        ),
        "a.yaml:13:1: servic: unknown section. Did you mean `service`?",
        (
            "a.yaml:15:15: service.log.kind: expected `file` or `memory`, got 'fil'. "
            "Did you mean `file`?"
        ),
        (
            "a.yaml:15:31: service.log.max_bytes: expected a size such as `64MiB` or `1048576`, "
            "got '1Gx'."
        ),
        (
            "a.yaml:16:19: service.drain_deadline: expected a duration such as `30s`, `5m` or "
            "`1h30m`, got 'soon'."
        ),
        (
            "a.yaml:17:25: service.telemetry.endpoint: expected an address and a port such as "
            "`127.0.0.1:4317`, got 'nowhere'."
        ),
        (
            "a.yaml:19:46: service.pipelines.traces.processors[0]: processor `redcat` is not "
            "defined. Did you mean `redact`?"
        ),
        (
            "a.yaml:19:54: service.pipelines.traces.processors[1]: processor `store` is not "
            "defined. `store` stands under exporters; name it there."
        ),
        (
            "a.yaml:19:73: service.pipelines.traces.exporters: the pipeline has no exporter. "
            "Write `exporters: [store]`."
        ),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "receivers:\n  otlp:\nprocessors:\n  batch:\n" + END,
            (
                "a.yaml:4:3: processors.batch: there is no processor of type `batch`. Not needed: "
                "requests are grouped on their way to the log and to the store. "
                "Remove it, here and from the pipelines."
            ),
        ),
        (
            "receivers:\n  otlp:\nprocessors:\n  memory_limiter:\n" + END,
            (
                "a.yaml:4:3: processors.memory_limiter: there is no processor of type "
                "`memory_limiter`. Write its options, which have the same names, under "
                "`service: {memory_limiter: ...}`: one limit holds for all pipelines. Remove it "
                "here and from the pipelines."
            ),
        ),
        (
            "receivers:\n  otlp:\nextensions:\n  health_check:\n" + END,
            (
                "a.yaml:3:1: extensions: unknown section. Not needed: health, readiness and "
                "metrics are at the endpoint of service.telemetry. Remove it."
            ),
        ),
        (
            "receivers:\n  otlp:\n" + END + "  extensions: [health_check]\n",
            (
                "a.yaml:9:3: service.extensions: unknown option. Not needed: health, readiness and "
                "metrics are at the endpoint of service.telemetry. Remove it."
            ),
        ),
        (
            "receivers:\n  otlp:\n  store:\n" + END,
            (
                "a.yaml:3:3: receivers.store: there is no receiver of type `store`. "
                "`store` belongs under exporters."
            ),
        ),
        (
            "receivers:\n  otlp: {protocols: {grpc: {endpoint: ':1', most: 0}}}\n" + END,
            (
                "a.yaml:2:51: receivers.otlp.protocols.grpc.most: expected a number of at least 1, "
                "got 0."
            ),
        ),
        (
            "receivers:\n  otlp: protocols:x\n" + END,
            (
                "a.yaml:2:9: receivers.otlp: expected a mapping (`key: value`), got 'protocols:x'. "
                "A space is missing after the colon. Write `protocols: x`."
            ),
        ),
        (
            "receivers: [otlp]\nservice: {pipelines: {a: {receivers: [otlp], exporters: [x]}}}\n",
            "a.yaml:1:12: receivers: expected a mapping of components (`id: options`), got a list.",
        ),
        (
            "",
            "a.yaml: the configuration is empty. Write one to start from: agentpond config default",
        ),
        (
            "receivers: {otlp: }\n",
            (
                "a.yaml:1:1: service.pipelines: there is no pipeline. "
                "Write `pipelines: {agents: {receivers: [otlp], exporters: [duckdb]}}`."
            ),
        ),
        (
            "receivers: {otlp/: }\n" + END,
            (
                "a.yaml:1:13: receivers.otlp/: is not an id of a component. "
                "Write `type` or `type/name`, of letters, digits, `_`, `-` and `.`."
            ),
        ),
        (
            (
                "receivers: {otlp: }\nexporters: {store: }\n"
                "service: {pipelines: {a: {receivers: [otlp], exporters: [store, store]}}}\n"
            ),
            (
                "a.yaml:3:65: service.pipelines.a.exporters[1]: `store` is here twice. "
                "Keep one of the two."
            ),
        ),
        (
            (
                "receivers: {otlp: }\nexporters: {store: }\n"
                "service: {pipelines: {a: {receivers: [otlp], exporters: [store]}}}\n"
            ),
            "a.yaml:2:13: exporters.store: needs `path`.",
        ),
        (
            "receivers: {otlp: }\nexporters: {store: {path: x}}\nservice: {pipelines: {a: }}\n",
            "a.yaml:3:23: service.pipelines.a: expected a mapping (`key: value`), got nothing.",
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_write_instead(
    problems: Problems, text: str, expected: str
) -> None:
    found = problems(text)

    assert expected in found


@pytest.mark.parametrize("host", ["127.0.0.1", "[::]", ""])
def test_two_receivers_cannot_have_one_port(problems: Problems, host: str) -> None:
    text = f"""
receivers:
  otlp: {{protocols: {{grpc: }}}}
  otlp/a: {{protocols: {{grpc: {{}}}}}}
  otlp/b: {{protocols: {{http: {{endpoint: "{host}:4317"}}}}}}
exporters: {{store: {{path: x}}}}
service: {{pipelines: {{a: {{receivers: [otlp, otlp/a, otlp/b], exporters: [store]}}}}}}
"""

    found = problems(text)

    assert found == [
        (
            "a.yaml:5:41: receivers.otlp/b.protocols.http.endpoint: port 4317 is also that of "
            "receivers.otlp/a.protocols.grpc.endpoint. Choose another port, or 0 for any free one."
        )
    ]


def test_any_free_port_and_other_addresses_do_not_clash(problems: Problems) -> None:
    text = """
receivers:
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}
  otlp/a: {protocols: {grpc: {endpoint: "127.0.0.2:1"}, http: {endpoint: "[::1]:1"}}}
exporters: {store: {path: x}}
service: {pipelines: {a: {receivers: [otlp, otlp/a], exporters: [store]}}}
"""

    found = problems(text)

    assert found == []


def test_telemetry_can_be_turned_off(check_text: CheckText) -> None:
    text = "receivers: {otlp: }\n" + END + "  telemetry:\n"

    plan = check_text(text)

    assert plan.service.telemetry is None


def test_durations_and_sizes_are_written_as_in_a_collector(check_text: CheckText) -> None:
    text = "receivers: {otlp: }\n" + END + "  drain_deadline: 1m30s\n  log: {max_bytes: 2MiB}\n"

    plan = check_text(text)

    assert plan.service.drain_deadline.total_seconds() == 90
    assert plan.service.log.max_bytes == 2097152


def test_the_log_lives_in_the_state_directory(check_text: CheckText) -> None:
    text = "receivers: {otlp: }\n" + END + "  state_directory: /srv/pond\n"

    plan = check_text(text)

    assert str(plan.service.log_directory) == "/srv/pond/log"


def test_a_value_from_the_environment_is_not_repeated(registry: Registry) -> None:
    text = "receivers: {otlp: }\nexporters: {store: {path: x, keep: '${env:SECRET}'}}\n"

    with pytest.raises(ConfigError) as caught:
        check(parse(text, "a.yaml", {"SECRET": "hunter2"}), registry)

    assert "exporters.store.keep: expected true or false, got another value." in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_dict_has_key_paths_but_no_places(registry: Registry) -> None:
    values = {
        "receivers": {"otlp": None},
        "exporters": {"store": {"path": "x", "kep": True}},
        "service": {"pipelines": {"a": {"receivers": ["otlp"], "exporters": ["store"]}}},
    }

    with pytest.raises(ConfigError) as caught:
        check(Document(values), registry)

    assert str(caught.value) == "exporters.store.kep: unknown option. Did you mean `keep`?"


def test_two_durations_are_told_in_the_same_words(problems: Problems) -> None:
    text = "receivers: {otlp: }\n" + END.replace("{path: x}", "{path: x, wait: soon}")

    found = problems(text)

    assert found == [
        (
            "a.yaml:4:26: exporters.store.wait: expected a duration such as `30s`, `5m` or "
            "`1h30m`, got 'soon'."
        )
    ]


@pytest.mark.parametrize(
    ("max_bytes", "expected"),
    [
        (
            "8KiB",
            [
                (
                    "a.yaml:7:20: service.log.max_bytes: a request of "
                    "receivers.otlp.protocols.http.max_request_bytes (8KiB) has no room in the "
                    "log. Write `max_bytes: 32KiB` or more, or lower the other."
                )
            ],
        ),
        ("16KiB", []),
    ],
)
def test_a_log_without_room_for_the_largest_request_is_a_warning(
    check_text: CheckText, max_bytes: str, expected: list[str]
) -> None:
    text = (
        "receivers: {otlp: {protocols: {grpc: {max_request_bytes: 4KiB}, "
        "http: {endpoint: ':1', max_request_bytes: 8KiB}}}}"
        + END
        + f"  log: {{max_bytes: {max_bytes}}}\n"
    )

    plan = check_text(text)

    assert [str(warning) for warning in plan.warnings] == expected
