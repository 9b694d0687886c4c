"""Turn the addresses a service listens on into what to tell the agents."""

from collections.abc import Mapping
from dataclasses import dataclass

# Listening on all addresses is no address to send to.
REACHABLE: Mapping[str, str] = {
    "0.0.0.0": "127.0.0.1",  # noqa: S104 - compared with, not listened on
    "[::]": "[::1]",
    "": "127.0.0.1",
}


_YOURS = "<token>"


@dataclass(frozen=True, slots=True)
class Doors:
    """What a sender needs to know of a receiver.

    ``endpoints`` are ``host:port`` by protocol, ``secured`` the protocols that speak TLS.
    """

    endpoints: Mapping[str, str]
    secured: frozenset[str] = frozenset()
    asks_for_token: bool = False

    def url(self, protocol: str) -> str:
        """Give the URL under which a sender on this machine reaches a door."""
        host, _, port = self.endpoints[protocol].rpartition(":")
        scheme = "https" if protocol in self.secured else "http"
        return f"{scheme}://{REACHABLE.get(host, host)}:{port}"


def claude_code(doors: Doors) -> list[str]:
    """Give the lines of environment that make Claude Code send here.

    All variables are needed: without a protocol Claude Code sends nothing at all. HTTP goes
    before gRPC, whose JavaScript exporter sends nothing again that was once refused
    (@opentelemetry/exporter-*-otlp-grpc 0.208, which Claude Code carries).
    """
    if not doors.endpoints:
        return []
    door = "http" if "http" in doors.endpoints else "grpc"
    protocol = "grpc" if door == "grpc" else "http/protobuf"
    lines = [
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "export OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL={protocol}",
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={doors.url(door)}",
    ]
    if doors.asks_for_token:
        # The variable is written as in a URL: OpenTelemetry, "Specifying headers via
        # environment variables". Strict readers refuse a blank.
        lines.append(f'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{_YOURS}"')
    if door in doors.secured:
        lines.append("export OTEL_EXPORTER_OTLP_CERTIFICATE=<file>  # an authority of your own")
    return lines


def claude_code_more() -> list[str]:
    """Give the lines that make Claude Code tell more; none is needed."""
    return [
        "export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1 OTEL_TRACES_EXPORTER=otlp  # spans (beta)",
        "export OTEL_LOG_USER_PROMPTS=1  # the text of prompts and responses",
        "export OTEL_LOG_TOOL_DETAILS=1  # what tools were given: commands, file names",
    ]


def codex(doors: Doors) -> list[str]:
    """Give the ``[otel]`` table that makes Codex send here.

    Codex posts to the address as it stands, so each signal is told its whole path; its
    ``metrics_exporter`` would otherwise send to OpenAI.
    """
    if "http" in doors.endpoints:
        kind, options = "otlp-http", {"protocol": '"binary"'}
        urls = {name: f"/v1/{signal}" for name, signal in CODEX_EXPORTERS.items()}
    elif "grpc" in doors.endpoints:
        kind, options = "otlp-grpc", {}
        urls = dict.fromkeys(CODEX_EXPORTERS, "")
    else:
        return []
    door = kind.removeprefix("otlp-")
    if doors.asks_for_token:
        options["headers"] = f'{{ Authorization = "Bearer {_YOURS}" }}'
    if door in doors.secured:
        options["tls"] = '{ ca-certificate = "<file>" }'
    rest = "".join(f", {name} = {value}" for name, value in options.items())
    return [
        "[otel]",
        *(
            f'{name} = {{ {kind} = {{ endpoint = "{doors.url(door)}{path}"{rest} }} }}'
            for name, path in urls.items()
        ),
    ]


CODEX_EXPORTERS: Mapping[str, str] = {
    "exporter": "logs",
    "trace_exporter": "traces",
    "metrics_exporter": "metrics",
}


def codex_more() -> list[str]:
    """Give the lines of ``[otel]`` that make Codex tell more; none is needed."""
    return ["log_user_prompt = true  # the text of prompts"]
