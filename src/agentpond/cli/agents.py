"""Turn the addresses a service listens on into what to tell the agents."""

from collections.abc import Mapping

# Listening on all addresses is no address to send to.
REACHABLE: Mapping[str, str] = {
    "0.0.0.0": "127.0.0.1",  # noqa: S104 - compared with, not listened on
    "[::]": "[::1]",
    "": "127.0.0.1",
}


def base_url(endpoint: str) -> str:
    """Give the URL under which a sender on this machine reaches ``host:port``."""
    host, _, port = endpoint.rpartition(":")
    return f"http://{REACHABLE.get(host, host)}:{port}"


def claude_code(endpoints: Mapping[str, str]) -> list[str]:
    """Give the lines of environment that make Claude Code send here.

    All five variables are needed: without a protocol Claude Code sends nothing at all.
    """
    if not endpoints:
        return []
    door = "grpc" if "grpc" in endpoints else "http"
    protocol = "grpc" if door == "grpc" else "http/protobuf"
    return [
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "export OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL={protocol}",
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={base_url(endpoints[door])}",
    ]


def claude_code_more() -> list[str]:
    """Give the lines that make Claude Code tell more; none is needed."""
    return [
        "export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1 OTEL_TRACES_EXPORTER=otlp  # spans (beta)",
        "export OTEL_LOG_USER_PROMPTS=1  # the text of prompts and responses",
        "export OTEL_LOG_TOOL_DETAILS=1  # what tools were given: commands, file names",
    ]


def codex(endpoints: Mapping[str, str]) -> list[str]:
    """Give the ``[otel]`` table that makes Codex send here.

    Codex posts to the address as it stands, so each signal is told its whole path; its
    ``metrics_exporter`` would otherwise send to OpenAI.
    """
    if "http" in endpoints:
        url = base_url(endpoints["http"])
        exporters = {
            name: f'{{ otlp-http = {{ endpoint = "{url}/v1/{signal}", protocol = "binary" }} }}'
            for name, signal in CODEX_EXPORTERS.items()
        }
    elif "grpc" in endpoints:
        exporter = f'{{ otlp-grpc = {{ endpoint = "{base_url(endpoints["grpc"])}" }} }}'
        exporters = dict.fromkeys(CODEX_EXPORTERS, exporter)
    else:
        return []
    return ["[otel]", *(f"{name} = {value}" for name, value in exporters.items())]


CODEX_EXPORTERS: Mapping[str, str] = {
    "exporter": "logs",
    "trace_exporter": "traces",
    "metrics_exporter": "metrics",
}


def codex_more() -> list[str]:
    """Give the lines of ``[otel]`` that make Codex tell more; none is needed."""
    return ["log_user_prompt = true  # the text of prompts"]
