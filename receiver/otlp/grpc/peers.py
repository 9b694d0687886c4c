"""Turn the address that gRPC tells of a caller into the peer it is for everybody else.

A connection that comes through the front door reaches gRPC over a Unix socket. The end of it
that is ours is bound to a name, and that name is what gRPC tells: so it holds the peer.
"""

import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import unquote

ABSTRACT = sys.platform == "linux"
"""Whether this system has names for sockets that are no files: Linux, unix(7)."""


def peer_of(address: str) -> str:
    """Take the port off ``ipv4:10.0.0.5:51560`` or ``ipv6:%5B::1%5D:51560``: the peer stays."""
    kind, _, rest = address.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return kind
    return unquote(rest).rpartition(":")[0].strip("[]")


class Names:
    """Names our ends of the connections to gRPC, each after the peer it is for."""

    def __init__(self, directory: Path, *, abstract: bool) -> None:
        """Make files in the directory where there are no abstract names."""
        # A secret, since abstract names are anybody's to take, and so to take beforehand.
        token = secrets.token_hex(8)
        self._place = f"\0agentpond/{token}" if abstract else str(directory)
        self._shown = f"unix-abstract:agentpond/{token}/" if abstract else f"unix:{directory}/"
        self._abstract = abstract
        self._numbers = count(1)

    @contextmanager
    def given(self, ours: socket.socket, peer: str) -> Iterator[None]:
        """Give a socket its name; it has to be connected while the block runs."""
        name = f"{self._place}/{next(self._numbers)}@{peer}"
        # Without a name (one may be too long to be a file's) the peer is called "unix".
        with suppress(OSError):
            ours.bind(name)
        try:
            yield
        finally:
            if not self._abstract:
                Path(name).unlink(missing_ok=True)

    def peer_of(self, address: str) -> str:
        """Give the peer behind an address that gRPC tells."""
        shown = unquote(address)
        if not shown.startswith(self._shown):
            return peer_of(address)
        return shown.removeprefix(self._shown).partition("@")[2]
