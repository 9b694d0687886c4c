"""Run the contract checks over every component that ships with agentpond."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agentpond.config.builtin import BUILTIN
from agentpond.pipeline.core.component import Factory, Kind
from agentpond.pipeline.testing import (
    check_exporter,
    check_factory,
    check_processor,
    check_receiver,
    settings,
)


def of(kind: Kind) -> Sequence[Any]:
    return [pytest.param(each, id=each.name) for each in BUILTIN if each.kind is kind]


def config(factory: Factory, directory: Path) -> dict[str, Any]:
    """Give what a component needs to be told in a test: where its files and doors are."""
    anywhere = {"endpoint": "127.0.0.1:0"}
    told: dict[str, dict[str, Any]] = {
        "otlp": {"protocols": {"grpc": anywhere, "http": anywhere}},
        "duckdb": {"path": directory / "agentpond.duckdb"},
    }
    return told.get(factory.name, {})


@pytest.mark.parametrize("factory", [pytest.param(each, id=each.name) for each in BUILTIN])
def test_every_component_tells_of_itself(factory: Factory, tmp_path: Path) -> None:
    told = config(factory, tmp_path)

    check_factory(factory, told)


@pytest.mark.parametrize("factory", of(Kind.PROCESSOR))
def test_every_processor_keeps_the_contract(factory: Factory, tmp_path: Path) -> None:
    given = settings(factory.name, directory=tmp_path)

    check_processor(factory, config(factory, tmp_path), settings=given)


@pytest.mark.parametrize("factory", of(Kind.EXPORTER))
def test_every_exporter_keeps_the_contract(factory: Factory, tmp_path: Path) -> None:
    given = settings(factory.name, directory=tmp_path)

    check_exporter(factory, config(factory, tmp_path), settings=given)


@pytest.mark.parametrize("factory", of(Kind.RECEIVER))
async def test_every_receiver_keeps_the_contract(factory: Factory, tmp_path: Path) -> None:
    given = settings(factory.name, directory=tmp_path)

    await check_receiver(factory, config(factory, tmp_path), settings=given)
