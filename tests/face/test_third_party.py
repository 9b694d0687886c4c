"""A package of somebody else's brings a component through an entry point."""

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import agentpond
from agentpond.config.builtin import registry
from agentpond.pipeline.core.component import Kind
from agentpond.pipeline.testing import check_exporter

Configure = Callable[..., dict[str, Any]]
MakeRequest = Callable[..., agentpond.Request]

MODULE = '''
from pathlib import Path

from agentpond import Delivery, Dropped, Factory, Kind, Settings
from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Write one line for each delivery."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Path("lines.txt")


class Lines:
    def __init__(self, config: Config, settings: Settings) -> None:
        self._path = config.path
        self._settings = settings

    def start(self) -> None:
        self._path.touch()

    def export(self, delivery: Delivery) -> list[Dropped]:
        rows = sum(len(b) for b in delivery.batches if b.table.name == "events")
        with self._path.open("a") as file:
            file.write(f"{self._settings.id} {delivery.pipeline} {rows}\\n")
        return []

    def stop(self) -> None:
        pass


factory = Factory(Kind.EXPORTER, "lines", Config, Lines)
'''


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a package the way pip leaves it, for the time of a test."""
    site = tmp_path / "site"
    information = site / "pond_lines-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "pond_lines.py").write_text(textwrap.dedent(MODULE))
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pond-lines\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[agentpond.components]\nlines = pond_lines:factory\n"
    )
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    yield site
    sys.modules.pop("pond_lines", None)


@pytest.mark.usefixtures("third_party")
async def test_it_is_configured_and_built_like_a_builtin(
    configure: Configure, make_request: MakeRequest, tmp_path: Path
) -> None:
    values = configure()
    values["exporters"]["lines/mine"] = {"path": str(tmp_path / "lines.txt")}
    values["service"]["pipelines"]["agents"]["exporters"].append("lines/mine")

    async with agentpond.build(values) as service:
        await service.accept(make_request("a", "b"))
        await service.drain()

    assert (tmp_path / "lines.txt").read_text() == "lines/mine agents 2\n"


@pytest.mark.usefixtures("third_party")
def test_its_options_are_checked_like_those_of_a_builtin(configure: Configure) -> None:
    values = configure()
    values["exporters"] = {"duckdb": None, "lines": {"paht": "x"}}

    with pytest.raises(agentpond.ConfigError, match=r"lines\.paht: unknown option\. Did you mean"):
        agentpond.build(values)


@pytest.mark.usefixtures("third_party")
def test_it_passes_the_contract_checks(tmp_path: Path) -> None:
    factory = registry().find(Kind.EXPORTER, "lines")

    assert factory is not None
    check_exporter(factory, {"path": str(tmp_path / "lines.txt")})


def test_the_callers_own_component_takes_the_place_of_a_builtin(configure: Configure) -> None:
    mine = agentpond.function_processor("cost", lambda rows: rows)

    service = agentpond.build(configure("cost"), components=[mine])

    processors = dict(service.pipelines[0].processors)
    assert type(processors["cost"]).__name__ == "FunctionProcessor"
