"""Issue certificates, and let two ends of a real socket shake hands."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509

from agentpond.receiver.otlp.guard.tls import Certificates, TlsConfig

from .support import LOGGER, Clock, put


@dataclass(frozen=True, slots=True)
class Issuer:
    """Issues what a server and its clients show, into the files of a config."""

    directory: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def config(self) -> TlsConfig:
        return TlsConfig(cert_file=self.directory / "cert.pem", key_file=self.directory / "key.pem")

    @property
    def mutual(self) -> TlsConfig:
        ca_file = self.directory / "ca.pem"
        return self.config.model_copy(update={"client_ca_file": ca_file})

    def issue(self, **how: Any) -> trustme.LeafCert:
        return self.ca.issue_cert("127.0.0.1", "localhost", **how)

    def put(self, **how: Any) -> str:
        """Put a new pair in place; give the certificate's serial number."""
        issued = self.issue(**how)
        self.put_key(issued)
        return self.put_cert(issued)

    def put_cert(self, issued: trustme.LeafCert) -> str:
        put(self.directory / "cert.pem", chain(issued))
        return serial(issued)

    def put_key(self, issued: trustme.LeafCert) -> None:
        put(self.directory / "key.pem", issued.private_key_pem.bytes())

    def put_ca(self, ca: trustme.CA) -> None:
        put(self.directory / "ca.pem", ca.cert_pem.bytes())

    def client(self, own: trustme.LeafCert | None = None) -> ssl.SSLContext:
        """Make a client that trusts the issuer and shows a certificate, or none."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if own is not None:
            own.configure_cert(context)
        return context


def chain(issued: trustme.LeafCert) -> bytes:
    return b"".join(pem.bytes() for pem in issued.cert_chain_pems)


def serial(issued: trustme.LeafCert) -> str:
    told = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).serial_number
    return f"{told:X}".zfill(2 * ((told.bit_length() + 7) // 8))


def certificates(config: TlsConfig, clock: Clock | None = None) -> Certificates:
    return Certificates(config, LOGGER, clock or Clock())


@dataclass(frozen=True, slots=True)
class Met:
    """What the two ends of a connection saw."""

    serial: str
    version: str | None
    protocol: str | None
    session: ssl.SSLSession | None
    reused: bool | None


def meet(
    server: ssl.SSLContext,
    client: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
    name: str = "127.0.0.1",
) -> Met:
    """Connect once over loopback; raises what the server's end of the handshake raised.

    An address is no server name: the client's hello then holds none.
    """
    with socket.create_server(("127.0.0.1", 0)) as door, ThreadPoolExecutor(1) as threads:
        serving = threads.submit(_serve_one, door, server)
        address = door.getsockname()
        try:
            with (
                socket.create_connection(address) as bare,
                client.wrap_socket(bare, server_hostname=name, session=session) as wrapped,
            ):
                wrapped.recv(1)
                shown: Any = wrapped.getpeercert()
                met = Met(
                    shown["serialNumber"],
                    wrapped.version(),
                    wrapped.selected_alpn_protocol(),
                    wrapped.session,
                    wrapped.session_reused,
                )
                wrapped.unwrap()
        except OSError:
            serving.result()
            raise
        serving.result()
        return met


def _serve_one(door: socket.socket, context: ssl.SSLContext) -> None:
    bare, _ = door.accept()
    with bare, context.wrap_socket(bare, server_side=True) as wrapped:
        wrapped.sendall(b"x")
        wrapped.unwrap().close()
