"""The wheel that pip builds holds the whole package, and nothing beside it."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel and list what is in it."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(directory)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    with ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.parametrize("folder", ["cli", "config", "exporters", "pipeline", "receiver"])
def test_the_wheel_holds_every_module_of_a_folder(names: list[str], folder: str) -> None:
    source = ROOT / ("src/agentpond/cli" if folder == "cli" else folder)
    modules = {f"agentpond/{folder}/{p.relative_to(source)}" for p in source.rglob("*.py")}

    held = {name for name in names if name.startswith(f"agentpond/{folder}/")}

    assert modules <= held


@pytest.mark.parametrize(
    "name",
    [
        "agentpond/__init__.py",
        "agentpond/__main__.py",
        "agentpond/py.typed",
        "agentpond/config/default.yaml",
    ],
)
def test_the_wheel_holds_what_is_no_module_of_a_folder(names: list[str], name: str) -> None:
    assert name in names


def test_the_wheel_holds_nothing_beside_the_package(names: list[str]) -> None:
    roots = {name.split("/", 1)[0] for name in names}

    assert roots == {"agentpond", "agentpond-0.1.0.dist-info"}


def test_the_wheel_holds_no_file_twice(names: list[str]) -> None:
    assert len(names) == len(set(names))
