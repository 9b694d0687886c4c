"""The official exporters' records are there once, through a restart of the service."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..walk.served import rows
from .clients import DEADLINE_S, Client, Export
from .doors import Doors

Command = Callable[[str], Sequence[str]]

SPEAKS = {
    "python": ("grpc", "protobuf"),
    "claude_code": ("grpc", "protobuf", "json"),
    "current": ("grpc", "protobuf", "json"),
}
# What sends a record again when nobody listens. The gRPC exporter for JavaScript never sends
# again, whatever it is told; the HTTP ones of Claude Code's version only when they are told to.
TRIES_AGAIN = {
    "python": {"grpc", "protobuf"},
    "claude_code": set[str](),
    "current": {"protobuf", "json"},
}

STORED = """
SELECT attributes['run'], signal, event_name, trace_id, span_id, content, value, user_id, count(*)
FROM events GROUP BY ALL
"""


def row_of(export: Export) -> tuple[Any, ...]:
    """Say what row the record of an export must be, once."""
    user = "ada" if " token " in export.run else None
    ids = export.traceId, export.spanId
    facts = {
        "trace": ("traces", f"work {export.number}", *ids, None, None),
        "logs": ("logs", None, *ids, f"said {export.number}", None),
        "metrics": ("metrics", "made", None, None, None, float(export.number)),
    }
    return (export.run, *facts[export.signal], user, 1)


def send_until_delivered(client: Client, each: int) -> None:
    """Have all variants send until each has delivered a round whole."""
    deadline_s = time.monotonic() + DEADLINE_S
    failed = [*client.exports]
    while failed:
        assert time.monotonic() < deadline_s, f"after the restart: {failed[:10]}"
        before = len(client.exports)
        client.send(1)
        client.wait_for(before + each)
        failed = [export for export in client.exports[before:] if not export.delivered]


@pytest.mark.parametrize("name", SPEAKS)
def test_every_record_is_there_once_through_a_restart(
    tmp_path: Path, command: Command, name: str
) -> None:
    doors = Doors(tmp_path)
    with doors.open() as service:
        variants = doors.variants("python" if name == "python" else "node", SPEAKS[name])
        each = 3 * len(variants)

        with Client(command(name), variants, tmp_path / "client.txt") as client:
            client.send(2)
            client.wait_for(2 * each)
            client.send(5)
            service.stop()
            client.send(1)
            client.wait(lambda: met_trouble(client), "an export while nobody listens")
            with doors.open() as service_again:
                client.wait_for(8 * each)
                send_until_delivered(client, each)
                exports = client.finish()
                service_again.stop()

    stored = set(rows(tmp_path, STORED))
    delivered = {row_of(export) for export in exports if export.delivered}
    given_up = {export.run.split()[0] for export in exports if not export.delivered}
    assert delivered - stored == set()
    assert stored - {row_of(export) for export in exports} == set()
    assert all(export.delivered for export in exports if export.number <= 2)
    assert given_up & TRIES_AGAIN[name] == set()


def met_trouble(client: Client) -> bool:
    """Whether an export failed, or is to be tried again."""
    retries = ("Scheduling export retry", "retrying in")
    tries_again = any(words in said for words in retries for said in client.said)
    return tries_again or not all(export.delivered for export in client.exports)
