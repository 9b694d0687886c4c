"""What the official exporters tell their user of a refusal."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from .clients import Client
from .doors import PROTOCOLS, Doors

Command = Callable[[str], Sequence[str]]

OURS = "Send Bearer <token>"
# The Python exporter over HTTP reads no more of an answer than its status line.
SHOWN = {
    "python": {"grpc": OURS, "protobuf": "code: 401, reason: "},
    "claude_code": {"grpc": OURS, "protobuf": OURS, "json": OURS},
    "current": {"grpc": OURS, "protobuf": OURS, "json": OURS},
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_sender_without_the_token_reads_what_to_set(
    tmp_path: Path, command: Command, name: str
) -> None:
    doors = Doors(tmp_path)
    language = "python" if name == "python" else "node"
    said: dict[str, str] = {}

    with doors.open():
        for protocol in SHOWN[name]:
            stranger = doors.stranger(language, protocol)
            with Client(command(name), [stranger], tmp_path / f"{protocol}.txt") as client:
                client.send(1)
                client.finish()
                said[protocol] = "\n".join(client.said)

    silent = [protocol for protocol, words in SHOWN[name].items() if words not in said[protocol]]
    assert silent == [], said


@pytest.mark.parametrize("name", SHOWN)
def test_a_sender_at_the_wrong_port_reads_which_one_is_right(
    tmp_path: Path, command: Command, name: str
) -> None:
    doors = Doors(tmp_path)
    language = "python" if name == "python" else "node"
    said: dict[str, str] = {}
    right: dict[str, str] = {}

    with doors.open() as service:
        for protocol in SHOWN[name]:
            right[protocol] = service.addresses[f"otlp {PROTOCOLS[protocol]}"]
            astray = doors.astray(language, protocol)
            with Client(command(name), [astray], tmp_path / f"{protocol}.txt") as client:
                client.send(1)
                client.finish()
                said[protocol] = "\n".join(client.said)

    words = "set OTEL_EXPORTER_OTLP_ENDPOINT=http://"
    silent = [protocol for protocol, to in right.items() if words + to not in said[protocol]]
    assert silent == [], said
