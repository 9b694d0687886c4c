"""Say which process listens on a port, so far as Linux tells."""

import os
from collections.abc import Iterator
from pathlib import Path

LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp: include/net/tcp_states.h."""


def holder(port: int, proc: Path = Path("/proc")) -> str:
    """Name the process that listens on a TCP port; empty if that cannot be told."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port, proc)}
    if not inodes:
        return ""
    for process in proc.iterdir():
        if process.name.isdigit() and not inodes.isdisjoint(_open_files(process)):
            return f"process {process.name} ({_name(process)})"
    return ""


def _listening(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _open_files(process: Path) -> Iterator[str]:
    """Yield what a process has open; nothing of other users' processes."""
    try:
        for link in (process / "fd").iterdir():
            yield os.readlink(link)  # noqa: PTH115 - `socket:[1]` is no path
    except OSError:
        return


def _name(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "of another user"
    return b" ".join(words).decode(errors="replace").strip()[:80]
