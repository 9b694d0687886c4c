"""Turn certificate files into what TLS servers need, and into newer ones when they change."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ....pipeline.core.errors import Permanent
from .watch import Trouble, Watch

_CERTIFICATE = b"CERTIFICATE-----"
_PRIVATE_KEY = b"PRIVATE KEY-----"
# PKCS#8 says it in the first line (RFC 7468), the older form in a header (RFC 1421).
_ENCRYPTED = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")


class TlsConfig(BaseModel):
    """Speak TLS; the files are read again when they change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    cert_file: Path
    """The server's certificate in PEM, followed by those between it and the authority's."""
    key_file: Path
    """The certificate's private key in PEM, not encrypted."""
    client_ca_file: Path | None = None
    """Authorities in PEM; with it only clients that show a certificate of theirs get in."""


@dataclass(frozen=True, slots=True)
class Pems:
    """What the files hold."""

    key: bytes = field(repr=False)
    chain: bytes
    client_ca: bytes | None


@dataclass(frozen=True, slots=True)
class _Loaded:
    pems: Pems
    context: ssl.SSLContext


class Certificates:
    """The certificates of one server as they are now; any thread may ask for them.

    A change that cannot be used, such as a new certificate whose key is not there yet, is logged
    once and leaves what was read before in use.
    """

    def __init__(
        self,
        config: TlsConfig,
        logger: logging.Logger,
        clock_s: Callable[[], float] = time.monotonic,
        *,
        alpn: Sequence[str] = ("http/1.1",),
    ) -> None:
        """Read nothing yet; of ``alpn`` the first is spoken that a client offers too."""
        self._files = _Files(config, alpn)
        self._logger = logger
        self._watch = Watch(self._files.paths, clock_s)
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._given: Pems | None = None
        self._trouble = Trouble(logger)

    def load(self) -> None:
        """Read the files. Raises Permanent, naming option and file, if they cannot be used."""
        with self._lock:
            self._watch.changed()
            self._loaded = self._read()

    def context(self) -> ssl.SSLContext:
        """Give a context for a server that has one all its life; it follows the files.

        Raises:
            Permanent: nothing was read yet, and the files cannot be used.

        """
        with self._lock:
            first = self._current()
        asks_clients = first.pems.client_ca is not None

        def choose(
            connection: ssl.SSLObject, _name: str | None, _outer: ssl.SSLContext
        ) -> int | None:
            with self._lock:
                now = self._current()
            if now is first:
                return None
            if asks_clients and connection.session_reused:
                # TLS 1.2 takes up a session without looking at the client's certificate again,
                # whose authority may be the one that is gone. It starts anew after an alert.
                return ssl.ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN
            connection.context = now.context
            return None

        # Called for each hello, with a server name or without (Python's ssl documentation).
        # Loading new files into a context in use would leave it without a key if they do not
        # belong together, and would keep the old authorities.
        first.context.sni_callback = choose
        return first.context

    def pems(self) -> Pems:
        """Give what the files hold. Raises Permanent like ``context``."""
        with self._lock:
            self._given = self._current().pems
            return self._given

    def changed_pems(self) -> Pems | None:
        """Give what the files hold if it is not what was given last."""
        with self._lock:
            pems = self._current().pems
            if pems == self._given:
                return None
            self._given = pems
            return pems

    def _current(self) -> _Loaded:
        """Give what is in use now; the caller holds the lock."""
        changed = self._watch.changed()
        if self._loaded is None:
            self._loaded = self._read()
        elif changed:
            self._loaded = self._newer(self._loaded)
        return self._loaded

    def _newer(self, loaded: _Loaded) -> _Loaded:
        try:
            newer = self._read()
        except Permanent as trouble:
            self._watch.again()
            self._trouble.tell(f"{trouble} Until then what was read before stays in use.")
            return loaded
        self._trouble.over()
        self._logger.info("%s: read again", self._files.cert)
        return newer

    def _read(self) -> _Loaded:
        loaded = self._files.load()
        why = _verdict(loaded.context, loaded.pems.chain)
        if why:
            self._logger.warning("%s: clients will refuse it: %s.", self._files.cert, why)
        return loaded


class _Files:
    """Reads the files of a config, and says which of them cannot be used and why."""

    def __init__(self, config: TlsConfig, alpn: Sequence[str]) -> None:
        self._alpn = alpn
        self._cert = config.cert_file.expanduser()
        self._key = config.key_file.expanduser()
        self._ca = config.client_ca_file.expanduser() if config.client_ca_file else None

    @property
    def paths(self) -> list[Path]:
        """All of them."""
        return [path for path in (self._cert, self._key, self._ca) if path is not None]

    @property
    def cert(self) -> str:
        """The certificate's option and file, for messages."""
        return f"tls.cert_file {self._cert}"

    def load(self) -> _Loaded:
        """Read all and see that they belong together. Raises Permanent."""
        pems = self._pems()
        self._judge(pems)
        context = self._context(pems)
        # A context reads the files itself, and must have read what we did.
        if self._pems() != pems:
            raise _bad(f"{self.cert}: was written while it was being read. Try again.")
        return _Loaded(pems, context)

    def _pems(self) -> Pems:
        chain, key = _content("cert_file", self._cert), _content("key_file", self._key)
        ca = None if self._ca is None else _content("client_ca_file", self._ca)
        return Pems(key, chain, ca)

    def _judge(self, pems: Pems) -> None:
        """Find what OpenSSL would only hint at."""
        if _CERTIFICATE not in pems.chain:
            raise _bad(f"{self.cert}: {_no_certificate(pems.chain)}")
        key = f"tls.key_file {self._key}"
        if _PRIVATE_KEY not in pems.key:
            raise _bad(f"{key}: holds no private key in PEM form (-----BEGIN PRIVATE KEY-----).")
        if any(mark in pems.key for mark in _ENCRYPTED):
            raise _bad(f"{key}: is encrypted. Write it without: openssl pkey -in ... -out ...")
        if pems.client_ca is not None and _CERTIFICATE not in pems.client_ca:
            raise _bad(f"tls.client_ca_file {self._ca}: {_no_certificate(pems.client_ca)}")

    def _context(self, pems: Pems) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(self._alpn)
        try:
            # Without a password to give, OpenSSL would ask the terminal.
            context.load_cert_chain(self._cert, self._key, password="")
        except ssl.SSLError as error:
            raise self._mismatch(error, pems) from error
        except OSError as error:
            raise _bad(f"{self.cert}: cannot be read: {_why(error)}.") from error
        if pems.client_ca is not None:
            _trust(context, pems.client_ca, f"tls.client_ca_file {self._ca}")
            context.verify_mode = ssl.CERT_REQUIRED
            # A ticket would let a client in again after its authority has gone.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        return context

    def _mismatch(self, error: ssl.SSLError, pems: Pems) -> Permanent:
        if error.reason == "KEY_VALUES_MISMATCH":
            return _bad(
                f"tls.key_file {self._key}: is not the key of the first certificate in "
                f"{self._cert}. Put both of one pair, the server's own certificate first."
            )
        _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pems.chain, self.cert)
        why = error.reason or "not a key in PEM form"
        return _bad(f"tls.key_file {self._key}: cannot be used with {self._cert}: {why}.")


def _content(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = f"cannot be read: {_why(error)}. Put it there, or name another file."
        raise _bad(f"tls.{option} {path}: {why}") from error


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _no_certificate(content: bytes) -> str:
    if _PRIVATE_KEY in content:
        return "holds a private key and no certificate. Are the two files swapped?"
    return "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)."


def _trust(context: ssl.SSLContext, pem: bytes, place: str) -> None:
    """Add authorities to those trusted; raises Permanent if they cannot be read."""
    try:
        # Python takes ASCII alone; what is not stands in comments between the certificates.
        context.load_verify_locations(cadata=pem.decode("ascii", "ignore"))
    except ssl.SSLError as error:
        raise _bad(f"{place}: a certificate in it is broken: {error.reason}.") from error


def _verdict(server: ssl.SSLContext, chain: bytes) -> str:
    """Say what a client that knows the certificate holds against it; empty if nothing.

    Python does not show a server its own certificate, so the two shake hands in memory.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=chain.decode("ascii", "ignore"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server)
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    # Hello; the server's hello and certificate; the client's judgement of them.
    for side in (theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        except ssl.SSLError as error:
            return error.reason or "the handshake fails"
    return ""


def _bad(message: str) -> Permanent:
    return Permanent(message, reason="bad_certificate")
