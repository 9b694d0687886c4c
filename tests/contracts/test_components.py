"""Run the contract checks over every component that ships with agentpond."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agentpond.config.builtin import BUILTIN
from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.component import Factory, Kind, Placed
from agentpond.pipeline.testing import (
    check_exporter,
    check_factory,
    check_processor,
    check_receiver,
    settings,
)
from agentpond.pipeline.testing.sessions import run_sessions
from agentpond.receiver.codec import OtlpCodec

from ..golden.captures import captures


def of(kind: Kind) -> Sequence[Any]:
    return [pytest.param(each, id=each.name) for each in BUILTIN if each.kind is kind]


def config(factory: Factory, directory: Path) -> dict[str, Any]:
    """Give what a component needs to be told in a test: where its files and doors are.

    Where `reviewer` is to ask, nobody listens: what it makes is then made by rules.
    """
    anywhere = {"endpoint": "127.0.0.1:0"}
    told: dict[str, dict[str, Any]] = {
        "otlp": {"protocols": {"grpc": anywhere, "http": anywhere}},
        "duckdb": {"path": directory / "agentpond.duckdb"},
        "reviewer": {"endpoint": "http://127.0.0.1:1/v1", "model": "judge"},
    }
    return told.get(factory.name, {})


@pytest.mark.parametrize("factory", [pytest.param(each, id=each.name) for each in BUILTIN])
def test_every_component_tells_of_itself(factory: Factory, tmp_path: Path) -> None:
    told = config(factory, tmp_path)

    check_factory(factory, told)


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Give events of both agents as they really are."""
    requests = [
        request
        for capture in captures("claude_code/tools/grpc", "codex/fix_bug_tools/grpc")
        for request in capture.requests()
    ]
    codec = OtlpCodec()
    _, decoded = codec.decode(requests)
    received = [request.received_at_ns for request in requests]
    made = codec.normalize([Placed(decoded, range(len(requests)), received)])
    return next(each for each in made if each.table.name == "events")


@pytest.fixture(scope="module")
def made(batch: Batch) -> dict[str, pa.Table]:
    """Give the rows that all session-scope processors make of those events."""
    built = [
        each.build(each.config(**config(each, Path())), settings(each.name))
        for each in BUILTIN
        if each.kind is Kind.PROCESSOR
    ]
    return run_sessions([each for each in built if each.scope == "session"], batch)


@pytest.mark.parametrize("factory", of(Kind.PROCESSOR))
def test_every_processor_keeps_the_contract(
    factory: Factory, tmp_path: Path, batch: Batch, made: dict[str, pa.Table]
) -> None:
    given = settings(factory.name, directory=tmp_path)

    check_processor(factory, config(factory, tmp_path), settings=given, batches=[batch], made=made)


@pytest.mark.parametrize("factory", of(Kind.EXPORTER))
def test_every_exporter_keeps_the_contract(factory: Factory, tmp_path: Path) -> None:
    given = settings(factory.name, directory=tmp_path)

    check_exporter(factory, config(factory, tmp_path), settings=given)


@pytest.mark.parametrize("factory", of(Kind.RECEIVER))
async def test_every_receiver_keeps_the_contract(factory: Factory, tmp_path: Path) -> None:
    given = settings(factory.name, directory=tmp_path)

    await check_receiver(factory, config(factory, tmp_path), settings=given)
