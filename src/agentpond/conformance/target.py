"""Turn what the user calls an endpoint into where to connect, or say what to write instead."""

import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from .model import Transport

GRPC_PORT = 4317
HTTP_PORT = 4318
# RFC 3986, 3.3.
_PATH = re.compile(r"[\w.~!$&'()*+,;=:@%/-]*", re.ASCII)
_SCHEMES = {"http": False, "https": True, "grpc": False, "grpcs": True}


class UsageError(Exception):
    """What the user asked for cannot be done; says what to write instead."""


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint: where it is and what it speaks."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return _SCHEMES[self.scheme]

    @property
    def transports(self) -> tuple[Transport, ...]:
        """How requests travel to it."""
        if self.scheme.startswith("grpc"):
            return (Transport.GRPC,)
        return (Transport.PROTOBUF, Transport.JSON)

    @property
    def address(self) -> str:
        """The host and the port, the host in brackets where it needs them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        """Write it as a URL."""
        return f"{self.scheme}://{self.address}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and what to show; the system's own authorities where nothing is named."""

    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Give what HTTP needs. Raises UsageError if a file cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.client_cert:
                context.load_cert_chain(self.client_cert, self.client_key)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"the TLS files cannot be used: {error}. Name PEM files that fit together."
            ) from error
        context.set_alpn_protocols(["http/1.1"])
        return context

    def pems(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Give what gRPC needs: roots, key, chain. Raises UsageError if one cannot be read."""
        key = self.client_key or self.client_cert
        try:
            return _read(self.ca_file), _read(key), _read(self.client_cert)
        except OSError as error:
            raise UsageError(f"a TLS file cannot be read: {error}.") from error


def targets(texts: Iterable[str]) -> tuple[Target, ...]:
    """Read endpoints; a host without scheme and port is both of OTLP's ports on it.

    Raises:
        UsageError: one of them is not clear.

    """
    return tuple(dict.fromkeys(target for text in texts for target in _read_endpoint(text)))


def _read_endpoint(text: str) -> tuple[Target, ...]:
    bare = "://" not in text
    try:
        url = urlsplit(f"//{text}" if bare else text)
        port = url.port
        # What resolvers do with a name; one that is too long cannot be looked up.
        (url.hostname or "").encode("idna")
    except ValueError as error:
        raise _unclear(text, str(error)) from error
    if not url.hostname or url.query or url.fragment or port == 0:
        raise _unclear(text, "it is no address")
    if not _PATH.fullmatch(url.path):
        raise _unclear(text, "its path has what a URL cannot hold; write it percent-encoded")
    if bare:
        return _guessed(text, url.hostname, port, url.path)
    if url.scheme not in _SCHEMES:
        raise _unclear(text, f"{url.scheme}:// is not known here")
    return (_of_url(text, url, port),)


def _of_url(text: str, url: SplitResult, port: int | None) -> Target:
    prefix = url.path.rstrip("/")
    if url.scheme.startswith("grpc"):
        if prefix:
            raise _unclear(text, "gRPC has no path")
        return Target(url.scheme, str(url.hostname), port or GRPC_PORT)
    if prefix.endswith(("/v1/traces", "/v1/metrics", "/v1/logs")):
        raise _unclear(text, "leave out the signal's path, the suite adds it")
    return Target(url.scheme, str(url.hostname), port or HTTP_PORT, prefix)


def _guessed(text: str, host: str, port: int | None, path: str) -> tuple[Target, ...]:
    both = (Target("http", host, HTTP_PORT), Target("grpc", host, GRPC_PORT))
    if path.rstrip("/"):
        raise _unclear(text, "a path needs http:// or https:// in front")
    if port is None:
        return both
    named = tuple(target for target in both if target.port == port)
    if not named:
        raise _unclear(text, f"port {port} is none of OTLP's own")
    return named


def _unclear(text: str, why: str) -> UsageError:
    return UsageError(
        f"endpoint {text!r}: {why}. Write http://HOST:{HTTP_PORT} or grpc://HOST:{GRPC_PORT}, "
        f"with https:// or grpcs:// for TLS, or the host alone for both."
    )


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
