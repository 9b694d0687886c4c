"""How much memory there is: the least that any control group allows."""

from pathlib import Path

import psutil
import pytest

from agentpond.pipeline.engine.available_memory import available_bytes

MACHINE = psutil.virtual_memory().total


def told(directory: Path, cgroups: str, files: dict[str, str]) -> int:
    (directory / "cgroup").write_text(cgroups)
    for name, text in files.items():
        path = directory / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return available_bytes(directory / "cgroup", directory / "sys")


@pytest.mark.parametrize(
    ("cgroups", "files"),
    [
        ("0::/\n", {"memory.max": "500000000\n"}),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "500000000\n"}),
        ("0::/a/b\n", {"a/b/memory.max": "600000000\n", "a/memory.max": "500000000\n"}),
        ("4:cpu,memory:/docker/1\n0::/\n", {"memory/memory.limit_in_bytes": "500000000\n"}),
        ("4:memory:/a\n0::/\n", {"memory/a/memory.limit_in_bytes": "500000000\n"}),
    ],
    ids=["v2", "v2 above", "v2 both", "v1 in a container", "v1"],
)
def test_a_container_has_what_its_control_group_allows(
    tmp_path: Path, cgroups: str, files: dict[str, str]
) -> None:
    assert told(tmp_path, cgroups, files) == 500_000_000


@pytest.mark.parametrize(
    ("cgroups", "files"),
    [
        ("0::/\n", {}),
        ("0::/a\n", {"a/memory.max": "max\n"}),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}),
        ("", {}),
    ],
    ids=["no files", "max", "v1 without a limit", "no groups"],
)
def test_without_a_limit_it_is_what_the_machine_has(
    tmp_path: Path, cgroups: str, files: dict[str, str]
) -> None:
    assert told(tmp_path, cgroups, files) == MACHINE


def test_where_there_are_no_control_groups_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert available_bytes(tmp_path / "none", tmp_path) == MACHINE
