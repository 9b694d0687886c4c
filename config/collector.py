"""Say what to write instead of what an OpenTelemetry Collector has and agentpond has not."""

from collections.abc import Mapping

_NO_FORWARDING = "Sending on over OTLP is not there yet. Remove it; `duckdb` keeps the rows."

INSTEAD: Mapping[tuple[str, str], str] = {
    ("processors", "batch"): (
        "Not needed: requests are grouped on their way to the log and to the store. "
        "Remove it, here and from the pipelines."
    ),
    ("processors", "memory_limiter"): (
        "Write its options, which have the same names, under `service: {memory_limiter: ...}`: "
        "one limit holds for all pipelines. Remove it here and from the pipelines."
    ),
    ("processors", "redaction"): "Use `redact`.",
    ("processors", "resource"): "Use `attributes`.",
    ("processors", "transform"): "Use `attributes` and `filter`, or a processor of your own.",
    ("processors", "probabilistic_sampler"): "Nothing is sampled here; use `filter` or `noise`.",
    ("processors", "tail_sampling"): "Nothing is sampled here; use `filter` or `noise`.",
    ("processors", "resourcedetection"): "Set OTEL_RESOURCE_ATTRIBUTES where the agent runs.",
    ("exporters", "debug"): "Use `console`.",
    ("exporters", "logging"): "Use `console`.",
    ("exporters", "file"): "Use `duckdb`; `agentpond query` writes its rows as JSON or Parquet.",
    ("exporters", "otlp"): _NO_FORWARDING,
    ("exporters", "otlp_grpc"): _NO_FORWARDING,
    ("exporters", "otlp_http"): _NO_FORWARDING,
    ("exporters", "otlphttp"): _NO_FORWARDING,
    ("exporters", "prometheus"): "The service's own numbers are at /metrics of service.telemetry.",
    ("receivers", "filelog"): "Point the agent's OTLP exporter at the `otlp` receiver.",
    ("receivers", "jaeger"): "Point the sender's OTLP exporter at the `otlp` receiver.",
    ("receivers", "zipkin"): "Point the sender's OTLP exporter at the `otlp` receiver.",
}

OTHER_SECTIONS: Mapping[tuple[str, ...], str] = {
    ("extensions",): (
        "Not needed: health, readiness and metrics are at the endpoint of service.telemetry. "
        "Remove it."
    ),
    ("connectors",): "There are no connectors here. Name the exporters in the pipelines.",
    ("service", "extensions"): (
        "Not needed: health, readiness and metrics are at the endpoint of service.telemetry. "
        "Remove it."
    ),
    ("service", "telemetry", "metrics"): "Write `telemetry: {endpoint: 127.0.0.1:8888}`.",
    ("service", "telemetry", "logs"): "Remove it; logs go to stderr.",
    ("service", "telemetry", "traces"): "Remove it; the service sends no traces of its own.",
}


def instead_of(section: str, name: str) -> str:
    """Say what to do about a Collector's component; empty if it is none we know of."""
    return INSTEAD.get((section, name), "")
