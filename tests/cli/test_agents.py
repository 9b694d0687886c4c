"""What agents are told depends on the ports that are open."""

import tomllib

from agentpond.cli.agents import Doors, claude_code, codex, codex_more

ADDRESSES = {"grpc": "127.0.0.1:5001", "http": "127.0.0.1:5002"}
BOTH = Doors(ADDRESSES)
GUARDED = Doors(ADDRESSES, secured=frozenset({"http"}), asks_for_token=True)


def test_claude_code_is_told_of_http_which_it_sends_again_over() -> None:
    lines = claude_code(BOTH)

    assert lines == [
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "export OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5002",
    ]


def test_claude_code_is_told_of_grpc_where_there_is_no_http() -> None:
    lines = claude_code(Doors({"grpc": "0.0.0.0:5001"}))

    assert lines[2:] == [
        "export OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5001",
    ]


def test_claude_code_is_told_of_tls_and_the_token() -> None:
    lines = claude_code(GUARDED)

    assert lines[3:] == [
        "export OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:5002",
        'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20<token>"',
        "export OTEL_EXPORTER_OTLP_CERTIFICATE=<file>  # an authority of your own",
    ]


def test_codex_is_told_of_tls_and_the_token() -> None:
    table = tomllib.loads("\n".join(codex(GUARDED)))

    assert table["otel"]["exporter"] == {
        "otlp-http": {
            "endpoint": "https://127.0.0.1:5002/v1/logs",
            "protocol": "binary",
            "headers": {"Authorization": "Bearer <token>"},
            "tls": {"ca-certificate": "<file>"},
        }
    }


def test_codex_is_told_the_whole_path_of_each_signal() -> None:
    table = tomllib.loads("\n".join([*codex(BOTH), *codex_more()]))

    def http(signal: str) -> dict[str, dict[str, str]]:
        return {
            "otlp-http": {"endpoint": f"http://127.0.0.1:5002/v1/{signal}", "protocol": "binary"}
        }

    assert table["otel"] == {
        "exporter": http("logs"),
        "trace_exporter": http("traces"),
        "metrics_exporter": http("metrics"),
        "log_user_prompt": True,
    }


def test_codex_is_told_of_grpc_where_there_is_no_http() -> None:
    table = tomllib.loads("\n".join(codex(Doors({"grpc": "[::]:5001"}))))

    grpc = {"otlp-grpc": {"endpoint": "http://[::1]:5001"}}
    assert table["otel"] == {
        "exporter": grpc,
        "trace_exporter": grpc,
        "metrics_exporter": grpc,
    }


def test_nobody_is_told_of_ports_that_are_not_open() -> None:
    assert claude_code(Doors({})) == []
    assert codex(Doors({})) == []
