"""Send what captures sent to a service that runs as a process of its own."""

import re
import subprocess
import urllib.request
from collections.abc import Callable

from ..golden.captures import captures
from ..golden.rows import events


def send(welcome: list[str], name: str) -> None:
    """Send what a capture sent to a running service."""
    found = re.search(r"^  otlp http +(127\.0\.0\.1:\d+)$", "\n".join(welcome), re.MULTILINE)
    assert found is not None
    for request in captures(name)[0].requests():
        post = urllib.request.Request(
            f"http://{found[1]}/v1/{request.signal.value}",
            request.body,
            {"Content-Type": "application/x-protobuf"},
        )
        with urllib.request.urlopen(post) as answer:  # noqa: S310 - our own address
            assert answer.status == 200


def wait_for_events(
    run: Callable[..., subprocess.CompletedProcess[str]], config: str, name: str
) -> None:
    """Return when all events of a capture are in the store."""
    expected = f"n\n{len(events(captures(name)[0]))}\n"
    sql = "SELECT count(*) AS n FROM events"
    while run("query", sql, "--config", config, "--format", "csv").stdout != expected:
        pass
