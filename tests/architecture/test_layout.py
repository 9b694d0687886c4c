"""The repository's top level, the links to it and the table of the wheel say the same."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "agentpond"
HOUSE = ["config", "exporters", "pipeline", "receiver"]


@pytest.fixture(scope="module")
def wheel() -> dict[str, dict[str, str]]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: dict[str, dict[str, str]] = table["tool"]["hatch"]["build"]["targets"]["wheel"]
    return found


@pytest.mark.skipif(not (PACKAGE / "config").is_symlink(), reason="no symbolic links here")
def test_the_links_are_those_of_the_house() -> None:
    links = sorted(path for path in PACKAGE.iterdir() if path.is_symlink())

    targets = {path.name: str(path.readlink()) for path in links}

    assert targets == {name: f"../../{name}" for name in HOUSE}


def test_every_folder_of_the_house_is_a_package() -> None:
    folders = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))

    assert [name for name in folders if name != "benches"] == HOUSE


def test_the_wheel_puts_every_folder_of_the_house_into_the_package(
    wheel: dict[str, dict[str, str]],
) -> None:
    sources = wheel["sources"]

    assert sources == {"src": "", **{name: f"agentpond/{name}" for name in HOUSE}}


def test_the_wheel_holds_every_folder_of_the_house(wheel: dict[str, dict[str, str]]) -> None:
    included = [path for path in wheel["only-include"] if not path.startswith("src/")]

    assert sorted(included) == HOUSE


def test_the_wheel_holds_all_that_the_face_is_made_of(wheel: dict[str, dict[str, str]]) -> None:
    made_of = {
        f"src/agentpond/{path.name}"
        for path in PACKAGE.iterdir()
        if not path.is_symlink() and path.name != "__pycache__"
    }

    assert {path for path in wheel["only-include"] if path.startswith("src/")} == made_of
