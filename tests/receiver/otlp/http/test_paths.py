"""Paths: which are taken, and what is said of those that are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.signal import Signal
from agentpond.receiver.otlp.http import paths


@pytest.mark.parametrize(
    ("path", "signal"),
    [
        ("/v1/logs", Signal.LOGS),
        ("/v1/logs/", Signal.LOGS),
        ("//v1/logs", Signal.LOGS),
        ("/v1//traces//", Signal.TRACES),
        ("/v1/metrics", Signal.METRICS),
        ("/v1/log", None),
        ("/V1/logs", None),
        ("/v1/logs/v1/logs", None),
        ("/", None),
        ("", None),
    ],
)
def test_slashes_too_many_do_not_matter_and_all_else_does(path: str, signal: Signal | None) -> None:
    told = paths.signal_of(path)

    assert told is signal


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/log", "Did you mean /v1/logs?"),
        ("/v1/trace", "Did you mean /v1/traces?"),
        ("/v1/spans", "Did you mean /v1/traces?"),
        ("/v1/metric", "Did you mean /v1/metrics?"),
        ("/logs", "Did you mean /v1/logs?"),
        ("/V1/Traces", "Did you mean /v1/traces?"),
        ("/v1/logs/v1/logs", "OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/logs added"),
        ("/v1/traces/v1/metrics", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is used as it is"),
        ("/v1development/profiles", "Profiles are not taken here"),
        ("/v1/profiles", "Profiles are not taken here"),
        ("/api/traces", "Jaeger's own format"),
        ("/api/v2/spans", "Zipkin's format"),
        ("/api/v1/write", "Prometheus remote write"),
        ("/favicon.ico", "/favicon.ico: no such path. POST to"),
    ],
)
def test_a_lost_path_is_told_the_right_one(path: str, words: str) -> None:
    said = paths.lost(path)

    assert words in said
    assert said.endswith("POST to /v1/traces, /v1/metrics, /v1/logs.")


def test_under_a_prefix_the_right_paths_have_it_too() -> None:
    said = paths.lost("/v1/log", "/otlp")

    assert said == (
        "/otlp/v1/log: no such path. Did you mean /otlp/v1/logs? "
        "POST to /otlp/v1/traces, /otlp/v1/metrics, /otlp/v1/logs."
    )


@given(path=st.text(max_size=1000))
def test_every_path_has_a_short_answer(path: str) -> None:
    said = paths.lost(path)

    assert len(said) < 600
