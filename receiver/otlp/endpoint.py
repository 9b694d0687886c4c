"""Turn text such as ``127.0.0.1:4317`` into a place to listen, or say why it cannot be one."""

import errno
import os
import socket
from typing import Annotated

from pydantic import AfterValidator

from ...pipeline.core.errors import Permanent

_MAX_PORT = 65535
_ALL = ("", "::", "0.0.0.0")  # noqa: S104 - compared with, not listened on
_NOT_OURS = (errno.EADDRINUSE, errno.EACCES)


def split(endpoint: str) -> tuple[str, int]:
    """Give host and port; an empty host means all interfaces, as in the Collector.

    Raises:
        ValueError: the text is not ``host:port``.

    """
    host, colon, port = endpoint.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or "/" in endpoint or (":" in bare and bare == host):
        msg = (
            f"{endpoint!r} is not host:port. Write it like 127.0.0.1:4317 or [::1]:4317, "
            f"without http:// and without a path."
        )
        raise ValueError(msg)
    if not (port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
        msg = f"{port!r} is not a port. Take a number up to {_MAX_PORT}; 0 takes any free port."
        raise ValueError(msg)
    return bare, int(port)


def joined(host: str, port: int) -> str:
    """Write host and port as one text, the host in brackets where it needs them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url(address: str, *, tls: bool) -> str:
    """Write the URL of an address that is open; empty if none is.

    From where the reader is, all addresses of this machine are one, and have a name of his.
    """
    if not address:
        return ""
    host, port = split(address)
    return f"{'https' if tls else 'http'}://{joined('<host>' if host in _ALL else host, port)}"


def _checked(endpoint: str) -> str:
    return joined(*split(endpoint))


Endpoint = Annotated[str, AfterValidator(_checked)]
"""Where to listen: ``host:port``."""


def check_free(host: str, port: int) -> None:
    """See whether the port can be had, for a server that cannot say why it could not.

    Raises:
        OSError: somebody else listens there, or the port needs rights we do not have.

    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                # An address this machine does not have (::1 without IPv6) is no reason yet:
                # the host's other addresses may do.
                if error.errno in _NOT_OURS:
                    raise


def cannot_listen(receiver: str, protocol: str, endpoint: str, error: Exception) -> Permanent:
    """Say which door stayed shut, why, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    why = os.strerror(number) if number in _NOT_OURS else str(error)
    return Permanent(
        f"receivers.{receiver}.protocols.{protocol}: cannot listen on {endpoint}: {why}. "
        f"Stop the program that holds the port, or set another `endpoint` "
        f"(port 0 takes any free one).",
        reason="cannot_listen",
    )
