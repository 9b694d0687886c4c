"""Certificates: files to what TLS servers need, and to newer ones when they change."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from agentpond.pipeline.core.errors import Permanent
from agentpond.receiver.otlp.guard.tls import Certificates, Pems

from .support import LOGGER, Clock, put
from .tls_support import Issuer, certificates, chain, meet

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
TLS_1_2 = ssl.TLSVersion.TLSv1_2


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def encrypted(issued: trustme.LeafCert) -> bytes:
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    protection = BestAvailableEncryption(b"word")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def damaged(pem: bytes) -> bytes:
    lines = pem.splitlines(keepends=True)
    return b"".join([lines[0], b"AAAA" + lines[1][4:], *lines[2:]])


@asynccontextmanager
async def answering(context: ssl.SSLContext) -> AsyncIterator[int]:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


def trouble(issuer: Issuer, *, mutual: bool = False) -> str:
    with pytest.raises(Permanent) as told:
        certificates(issuer.mutual if mutual else issuer.config).load()
    assert told.value.reason == "bad_certificate"
    return str(told.value)


def test_a_client_sees_the_certificate(issuer: Issuer) -> None:
    shown = issuer.put()

    met = meet(certificates(issuer.config).context(), issuer.client())

    assert (met.serial, met.version) == (shown, "TLSv1.3")


def test_a_client_may_speak_tls_1_2(issuer: Issuer) -> None:
    issuer.put()
    client = issuer.client()
    client.maximum_version = TLS_1_2

    met = meet(certificates(issuer.config).context(), client)

    assert met.version == "TLSv1.2"


def test_nothing_older_than_tls_1_2_is_spoken(issuer: Issuer) -> None:
    issuer.put()

    context = certificates(issuer.config).context()

    assert context.minimum_version == TLS_1_2


def test_http_1_1_is_chosen_where_a_client_offers_protocols(issuer: Issuer) -> None:
    issuer.put()
    client = issuer.client()
    client.set_alpn_protocols(["h2", "http/1.1"])

    met = meet(certificates(issuer.config).context(), client)

    assert met.protocol == "http/1.1"


def test_a_protocol_is_agreed_on_also_where_files_changed_since_the_context(
    issuer: Issuer,
) -> None:
    clock = Clock()
    issuer.put()
    told = Certificates(issuer.config, LOGGER, clock, alpn=("http/1.1", "h2"))
    context = told.context()
    newer = issuer.put()
    clock.pass_by()
    client = issuer.client()
    client.set_alpn_protocols(["h2"])

    met = meet(context, client)

    assert (met.serial, met.protocol) == (newer, "h2")


def test_a_client_with_a_certificate_of_the_authority_gets_in(issuer: Issuer) -> None:
    shown = issuer.put()
    issuer.put_ca(issuer.ca)

    met = meet(certificates(issuer.mutual).context(), issuer.client(issuer.issue()))

    assert met.serial == shown


def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(issuer: Issuer) -> None:
    issuer.put()
    issuer.put_ca(issuer.ca)

    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        meet(certificates(issuer.mutual).context(), issuer.client())


def test_a_client_of_another_authority_is_refused(issuer: Issuer) -> None:
    issuer.put()
    issuer.put_ca(trustme.CA())

    with pytest.raises(ssl.SSLCertVerificationError):
        meet(certificates(issuer.mutual).context(), issuer.client(issuer.issue()))


def test_an_authority_is_read_although_its_comments_are_not_ascii(issuer: Issuer) -> None:
    shown = issuer.put()
    put(issuer.directory / "ca.pem", "# Főtanúsítvány\n".encode() + issuer.ca.cert_pem.bytes())

    met = meet(certificates(issuer.mutual).context(), issuer.client(issuer.issue()))

    assert met.serial == shown


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_new_pair_is_shown_to_the_next_client(issuer: Issuer, name: str) -> None:
    clock = Clock()
    issuer.put()
    context = certificates(issuer.config, clock).context()
    newer = issuer.put()
    clock.pass_by()

    met = meet(context, issuer.client(), name=name)

    assert met.serial == newer


async def test_a_new_pair_is_shown_by_an_asyncio_server(issuer: Issuer) -> None:
    clock = Clock()
    issuer.put()
    context = certificates(issuer.config, clock).context()
    newer = issuer.put()
    clock.pass_by()

    async with answering(context) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=issuer.client())
        await reader.read()
        shown = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
        await writer.wait_closed()

    assert shown == newer


def test_files_are_looked_at_once_a_second_at_most(issuer: Issuer) -> None:
    clock = Clock()
    first = issuer.put()
    context = certificates(issuer.config, clock).context()
    issuer.put()
    clock.pass_by(0.9)

    met = meet(context, issuer.client())

    assert met.serial == first


def test_a_certificate_whose_key_is_not_there_yet_leaves_the_old_pair_in_use(
    issuer: Issuer,
) -> None:
    clock = Clock()
    first = issuer.put()
    context = certificates(issuer.config, clock).context()
    issuer.put_cert(issuer.issue())
    clock.pass_by()

    met = meet(context, issuer.client())

    assert met.serial == first


def test_the_pair_is_taken_once_its_key_is_there(issuer: Issuer) -> None:
    clock = Clock()
    issuer.put()
    context = certificates(issuer.config, clock).context()
    issued = issuer.issue()
    newer = issuer.put_cert(issued)
    clock.pass_by()
    meet(context, issuer.client())
    issuer.put_key(issued)
    clock.pass_by()

    met = meet(context, issuer.client())

    assert met.serial == newer


def test_a_pair_that_cannot_be_used_is_logged_once(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    issuer.put()
    asked = certificates(issuer.config, clock)
    asked.pems()
    issuer.put_cert(issuer.issue())
    for _ in range(3):
        clock.pass_by()
        asked.changed_pems()

    told = [record.getMessage() for record in caplog.records]

    assert len(told) == 1
    assert "is not the key of the first certificate in" in told[0]
    assert told[0].endswith("Until then what was read before stays in use.")


def test_a_new_authority_counts_from_the_next_client_on(issuer: Issuer) -> None:
    clock, other = Clock(), trustme.CA()
    issuer.put()
    issuer.put_ca(issuer.ca)
    context = certificates(issuer.mutual, clock).context()
    issuer.put_ca(other)
    clock.pass_by()

    met = meet(context, issuer.client(other.issue_cert("client.example")))

    assert met.version == "TLSv1.3"


def test_a_client_whose_authority_has_gone_is_refused(issuer: Issuer) -> None:
    clock = Clock()
    issuer.put()
    issuer.put_ca(issuer.ca)
    context = certificates(issuer.mutual, clock).context()
    issuer.put_ca(trustme.CA())
    clock.pass_by()

    with pytest.raises(ssl.SSLCertVerificationError):
        meet(context, issuer.client(issuer.issue()))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_from_before_does_not_let_it_in_either(
    issuer: Issuer, version: ssl.TLSVersion
) -> None:
    clock = Clock()
    issuer.put()
    issuer.put_ca(issuer.ca)
    context = certificates(issuer.mutual, clock).context()
    client = issuer.client(issuer.issue())
    client.maximum_version = version
    session = meet(context, client).session
    issuer.put_ca(trustme.CA())
    clock.pass_by()

    with pytest.raises(ssl.SSLError):
        meet(context, client, session)


def test_grpc_gets_what_the_files_hold(issuer: Issuer) -> None:
    issued = issuer.issue()
    issuer.put_key(issued)
    issuer.put_cert(issued)
    issuer.put_ca(issuer.ca)

    pems = certificates(issuer.mutual).pems()

    key, ca = issued.private_key_pem.bytes(), issuer.ca.cert_pem.bytes()
    assert pems == Pems(key, chain(issued), ca)


def test_without_an_authority_for_clients_there_is_none(issuer: Issuer) -> None:
    issuer.put()

    pems = certificates(issuer.config).pems()

    assert pems.client_ca is None


def test_files_that_stay_as_they_are_are_not_given_twice(issuer: Issuer) -> None:
    clock = Clock()
    issuer.put()
    asked = certificates(issuer.config, clock)
    asked.pems()
    clock.pass_by()

    assert asked.changed_pems() is None


def test_files_that_changed_are_given_once(issuer: Issuer) -> None:
    clock = Clock()
    issuer.put()
    asked = certificates(issuer.config, clock)
    asked.pems()
    issued = issuer.issue()
    issuer.put_key(issued)
    issuer.put_cert(issued)
    clock.pass_by()

    given = [asked.changed_pems(), asked.changed_pems()]

    assert given == [Pems(issued.private_key_pem.bytes(), chain(issued), None), None]


def test_files_that_changed_are_given_to_one_thread_of_many(issuer: Issuer) -> None:
    clock, threads = Clock(), 8
    issuer.put()
    asked = certificates(issuer.config, clock)
    asked.pems()
    issuer.put()
    clock.pass_by()
    together = Barrier(threads)

    def ask(_: int) -> Pems | None:
        together.wait(timeout=30)
        return asked.changed_pems()

    with ThreadPoolExecutor(threads) as pool:
        given = list(pool.map(ask, range(threads)))

    assert [pems is None for pems in given].count(False) == 1


def test_files_that_cannot_be_used_are_not_given(issuer: Issuer) -> None:
    clock = Clock()
    issuer.put()
    asked = certificates(issuer.config, clock)
    asked.pems()
    (issuer.directory / "key.pem").unlink()
    clock.pass_by()

    assert asked.changed_pems() is None


def test_a_key_does_not_show_in_the_repr(issuer: Issuer) -> None:
    issuer.put()

    pems = certificates(issuer.config).pems()

    assert "PRIVATE KEY" not in repr(pems)


@pytest.mark.parametrize("name", ["cert", "key", "ca"])
def test_a_file_that_is_missing_is_told_with_its_option(issuer: Issuer, name: str) -> None:
    issuer.put()
    issuer.put_ca(issuer.ca)
    path = issuer.directory / f"{name}.pem"
    path.unlink()

    words = trouble(issuer, mutual=True)

    option = {"cert": "cert_file", "key": "key_file", "ca": "client_ca_file"}[name]
    why = "cannot be read: No such file or directory. Put it there, or name another file."
    assert words == f"tls.{option} {path}: {why}"


def test_a_key_of_another_certificate_is_told(issuer: Issuer) -> None:
    issuer.put()
    issuer.put_key(issuer.issue())

    words = trouble(issuer)

    assert words == (
        f"tls.key_file {issuer.directory}/key.pem: is not the key of the first certificate in "
        f"{issuer.directory}/cert.pem. "
        "Put both of one pair, the server's own certificate first."
    )


def test_a_chain_in_the_wrong_order_is_told(issuer: Issuer) -> None:
    issued = issuer.issue()
    issuer.put_key(issued)
    put(issuer.directory / "cert.pem", issuer.ca.cert_pem.bytes() + chain(issued))

    words = trouble(issuer)

    assert "is not the key of the first certificate in" in words


def test_files_that_are_swapped_are_told(issuer: Issuer) -> None:
    issued = issuer.issue()
    put(issuer.directory / "cert.pem", issued.private_key_pem.bytes())
    put(issuer.directory / "key.pem", chain(issued))

    words = trouble(issuer)

    assert words.endswith(
        "cert.pem: holds a private key and no certificate. Are the two files swapped?"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cert", "cert.pem: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)."),
        ("key", "key.pem: holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)."),
        ("ca", "ca.pem: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)."),
    ],
)
def test_a_file_that_is_not_pem_is_told(issuer: Issuer, name: str, words: str) -> None:
    issuer.put()
    issuer.put_ca(issuer.ca)
    put(issuer.directory / f"{name}.pem", b"0\x82\x02\xff")

    told = trouble(issuer, mutual=True)

    assert told.endswith(words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cert", "cert.pem: a certificate in it is broken: "),
        ("key", "key.pem: cannot be used with "),
        ("ca", "ca.pem: a certificate in it is broken: "),
    ],
)
def test_a_file_that_is_damaged_is_told(issuer: Issuer, name: str, words: str) -> None:
    issuer.put()
    issuer.put_ca(issuer.ca)
    path = issuer.directory / f"{name}.pem"
    put(path, damaged(path.read_bytes()))

    told = trouble(issuer, mutual=True)

    assert words in told


def test_an_encrypted_key_is_told_and_nobody_is_asked_for_its_word(issuer: Issuer) -> None:
    issued = issuer.issue()
    issuer.put_cert(issued)
    put(issuer.directory / "key.pem", encrypted(issued))

    words = trouble(issuer)

    assert words.endswith("key.pem: is encrypted. Write it without: openssl pkey -in ... -out ...")


def test_a_certificate_that_has_expired_is_a_warning(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.put(not_before=LONG_AGO, not_after=LONG_AGO)

    certificates(issuer.config).load()

    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    path = issuer.directory / "cert.pem"
    words = f"tls.cert_file {path}: clients will refuse it: certificate has expired."
    assert told == [("WARNING", words)]


def test_a_certificate_that_is_good_is_no_matter_for_the_log(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.put()
    issuer.put_ca(issuer.ca)

    certificates(issuer.mutual).load()

    assert caplog.records == []


def test_a_tilde_is_the_users_home(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer.put()
    monkeypatch.setenv("HOME", str(issuer.directory))
    config = issuer.config.model_copy(
        update={"cert_file": Path("~/cert.pem"), "key_file": Path("~/key.pem")}
    )

    pems = certificates(config).pems()

    assert pems.chain.startswith(b"-----BEGIN CERTIFICATE-----")
