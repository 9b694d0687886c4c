"""Who sent a request is known as long as the request is: through the log, into the store."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import agentpond
from agentpond import Identity
from agentpond.pipeline.engine.log import Entry, FileLog

Configure = Callable[..., dict[str, Any]]
MakeRequest = Callable[..., agentpond.Request]

MIB = 1 << 20
ALICE = Identity("alice", "alice@example.org", "acme", "red")
WHO = "SELECT content, user_id, user_email, organization_id, team FROM events ORDER BY content"


def who(service: agentpond.Service) -> list[tuple[Any, ...]]:
    store: Any = service.exporters["duckdb"]
    return [tuple(row.values()) for row in store.query(WHO).to_pylist()]


async def test_the_store_says_who_a_token_says_that_a_sender_is(
    configure: Configure, make_request: MakeRequest
) -> None:
    service = agentpond.build(configure())

    async with service:
        await service.accept(replace(make_request("a"), identity=ALICE))
        await service.accept(make_request("a", "b"))
        await service.drain()

        assert who(service) == [
            ("a", "alice", "alice@example.org", "acme", "red"),
            ("b", None, None, None, None),
        ]


async def test_the_same_record_from_another_sender_is_stored_once(
    configure: Configure, make_request: MakeRequest
) -> None:
    service = agentpond.build(configure())

    async with service:
        for identity in (ALICE, Identity("bob"), None):
            await service.accept(replace(make_request("a"), identity=identity))
        await service.drain()

        assert [row[:2] for row in who(service)] == [("a", "alice")]


async def test_a_request_that_waited_in_the_log_still_has_its_sender(
    configure: Configure, make_request: MakeRequest
) -> None:
    values = configure()
    log = FileLog(Path(values["service"]["state_directory"]) / "log", 64 * MIB, MIB, "none")
    log.open()
    log.append([Entry(replace(make_request("a"), identity=ALICE), 1)])
    log.close()

    async with agentpond.build(values) as service:
        await service.drain()

        assert who(service) == [("a", "alice", "alice@example.org", "acme", "red")]
