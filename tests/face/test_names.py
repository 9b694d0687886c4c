"""The face names what an embedder needs, and is light until it is used."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import agentpond


def test_every_name_of_the_face_is_there() -> None:
    missing = [name for name in agentpond.__all__ if not hasattr(agentpond, name)]

    assert missing == []


def test_the_face_lists_its_names() -> None:
    assert set(agentpond.__all__) <= set(dir(agentpond))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'agentpond' has no attribute 'bild'"):
        _ = agentpond.bild


def test_the_version_is_that_of_the_package() -> None:
    assert agentpond.__version__ == version("agentpond")


@pytest.mark.parametrize("module", ["agentpond", "agentpond.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = {"aiohttp", "duckdb", "grpc", "numpy", "pyarrow", "pydantic", "ruamel.yaml"}
    program = f"import sys, {module}; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert heavy.isdisjoint(done.stdout.split())
