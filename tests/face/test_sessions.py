"""Session-scope processors run in an embedded service, the callers' own like the built-in ones."""

from collections.abc import Callable
from typing import Any

import agentpond

from ..contracts.counting import factory

Configure = Callable[..., dict[str, Any]]
MakeRequest = Callable[..., agentpond.Request]


def rows(service: agentpond.Service, sql: str) -> list[dict[str, Any]]:
    store: Any = service.exporters["duckdb"]
    found: list[dict[str, Any]] = store.query(sql).to_pylist()
    return found


async def test_what_was_accepted_is_in_the_tables_once_the_service_has_settled(
    configure: Configure, make_request: MakeRequest
) -> None:
    values = configure("ledger", "tool_calls", "turns", "sessions")

    async with agentpond.build(values) as service:
        await service.accept(make_request("a", "b"))
        await service.settle()
        found = rows(service, "SELECT session_id, turns FROM sessions")

    assert found == [{"session_id": "s1", "turns": 2}]


async def test_the_callers_own_processor_makes_its_own_table(
    configure: Configure, make_request: MakeRequest
) -> None:
    async with agentpond.build(configure("prompts"), components=[factory()]) as service:
        await service.accept(make_request("a", "b"))
        await service.settle()
        found = rows(service, "SELECT session_id, prompts FROM prompts")

    assert found == [{"session_id": "s1", "prompts": 2}]


async def test_what_is_there_already_is_processed_when_a_processor_is_added(
    configure: Configure, make_request: MakeRequest
) -> None:
    async with agentpond.build(configure()) as service:
        await service.accept(make_request("a"))
        await service.drain()

    async with agentpond.build(configure("prompts"), components=[factory()]) as service:
        await service.settle()
        found = rows(service, "SELECT session_id, prompts FROM prompts")

    assert found == [{"session_id": "s1", "prompts": 1}]
