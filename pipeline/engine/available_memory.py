"""Turn what the system tells of this process into how much memory it can have at all."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

_CGROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def available_bytes(cgroups: Path = _CGROUPS, mount: Path = _MOUNT) -> int:
    """Give the container's limit, or the machine's memory where there is none that is less."""
    machine_bytes = int(psutil.virtual_memory().total)
    return min([machine_bytes, *_limits(cgroups, mount)])


def _limits(cgroups: Path, mount: Path) -> Iterator[int]:
    """Yield the limits of all control groups that this process is in (cgroups(7))."""
    try:
        lines = cgroups.read_text().splitlines()
    except OSError:
        # Not Linux, or no /proc.
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from _upwards(mount, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _upwards(mount / "memory", path, "memory.limit_in_bytes")


def _upwards(root: Path, path: str, name: str) -> Iterator[int]:
    """Read a limit in a group and in all above it.

    In a container the path is often that of the host while ``root`` is the container's own
    group; what is not there is passed over.
    """
    group = PurePosixPath(path.lstrip("/"))
    for each in (group, *group.parents):
        try:
            told = (root / each / name).read_text().strip()
        except OSError:
            continue
        # `max` is no limit; version 1 writes a number beyond any machine instead.
        if told.isdigit():
            yield int(told)
