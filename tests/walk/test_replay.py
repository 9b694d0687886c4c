"""Replay what the agents really sent, over sockets, into one running service."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from agentpond.pipeline.core.component import Taken
from agentpond.receiver.codec import OtlpCodec

from ..golden.captures import Capture, captures
from .senders import send_grpc, send_http
from .served import Served, rows

ALL = captures("*/*/*")

# What the program prints is no measure of what it sent: it counts streamed frames again
# (reference of Claude Code, section 10), was killed before it printed, or sent no logs.
MISCOUNTED = {"gateway-usage-frames", "killed-sigkill", "metrics-only"}
CLAUDE = [c for c in captures("claude_code/*/*") if c.scenario not in MISCOUNTED]
CODEX = captures("codex/*/*")

PRINTED = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")

USED = """
SELECT model, sum(input_tokens)::INT, sum(output_tokens)::INT, sum(cache_read_tokens)::INT,
    sum(cache_write_tokens)::INT
FROM {calls} WHERE input_tokens IS NOT NULL AND session_id IN ({sessions}) GROUP BY model
"""
REQUESTS = "(FROM events WHERE event_type = 'api_request')"


async def replay(service: Served, chosen: Sequence[Capture]) -> None:
    """Send every request of captures over the protocol it was captured from."""
    async with (
        aiohttp.ClientSession() as session,
        grpc.aio.insecure_channel(service.grpc) as channel,
    ):
        for capture in chosen:
            for request in capture.requests():
                if capture.directory.name == "grpc":
                    assert await send_grpc(channel, request) == b""
                else:
                    assert await send_http(session, service.http, request) == 200


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Replay everything into one service, then stop it."""
    home = tmp_path_factory.mktemp("replay")
    with Served(home) as service:
        asyncio.run(replay(service, ALL))
        service.stop()
    return home


def used_in(home: Path, calls: str, sessions: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Sum the tokens of some sessions' calls in a table, by model."""
    names = ", ".join(f"'{session}'" for session in sessions)
    told = rows(home, USED.format(calls=calls, sessions=names))
    return {model: tuple(tokens) for model, *tokens in told}


def printed_in(runs: Sequence[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    """Sum the tokens that the program said it used, by model."""
    printed: dict[str, list[int]] = {}
    for run in runs:
        for model, usage in run["modelUsage"].items():
            told = [usage[key] for key in PRINTED]
            before = printed.get(model, [0, 0, 0, 0])
            printed[model] = [a + b for a, b in zip(before, told, strict=True)]
    return {model: tuple(tokens) for model, tokens in printed.items()}


def test_every_record_is_there_once(home: Path) -> None:
    requests = [request for capture in ALL for request in capture.requests()]
    verdicts, _ = OtlpCodec().decode(requests)

    stored = rows(home, "SELECT count(*), count(DISTINCT event_id) FROM events")

    sent = sum(verdict.records for verdict in verdicts if isinstance(verdict, Taken))
    assert stored == [(sent, sent)]


@pytest.mark.parametrize("capture", CLAUDE, ids=lambda capture: capture.name)
def test_claude_codes_tokens_are_those_the_program_printed(home: Path, capture: Capture) -> None:
    runs = capture.facts["runs"]

    stored = used_in(home, REQUESTS, [run["session_id"] for run in runs])

    assert stored == printed_in(runs)


@pytest.mark.parametrize("capture", CODEX, ids=lambda capture: capture.name)
def test_codex_tokens_are_those_of_its_log_records(home: Path, capture: Capture) -> None:
    expected = capture.facts["expected"]["tokens_logs"]
    sessions = list(capture.facts["expected"]["conversations"])

    stored = used_in(home, REQUESTS, sessions or ["none"]).values()

    uncached, output, read, written = (sum(tokens[at] for tokens in stored) for at in range(4))
    assert uncached + read + written == expected.get("input", 0)
    assert read == expected.get("cached_input", 0)
    assert written == expected.get("cache_write_input", 0)
    assert output == expected.get("output", 0)


def test_replaying_everything_again_after_a_restart_adds_nothing(home: Path) -> None:
    count = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM span_events)"
    before = rows(home, count)

    with Served(home) as service:
        asyncio.run(replay(service, ALL))
        service.stop()

    assert rows(home, count) == before
