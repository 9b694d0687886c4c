"""The first bytes of a connection: what is spoken, and how to go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.receiver.otlp.http.doorstep import ENOUGH_BYTES, Way, way_of

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.mark.parametrize(
    ("first", "plain", "tls"),
    [
        (b"POST /v1/logs ", Way.SERVE, Way.SAY_HTTPS),
        (b"P", Way.SERVE, Way.SAY_HTTPS),
        (PREFACE, Way.ANSWER_HTTP2, Way.ANSWER_HTTP2),
        (HELLO, Way.SAY_HTTP, Way.SERVE_TLS),
        (b"\x16", Way.SAY_HTTP, Way.SERVE_TLS),
        (b"\x16\x04garbage", Way.SERVE, Way.SERVE_TLS),
        (b"\x00\x01\x02", Way.SERVE, Way.SERVE_TLS),
    ],
    ids=["HTTP", "a first letter", "HTTP/2", "TLS", "a first byte of TLS", "no TLS", "bytes"],
)
def test_the_first_bytes_tell_the_way(first: bytes, plain: Way, tls: Way) -> None:
    ways = (way_of(first, tls=False), way_of(first, tls=True))

    assert ways == (plain, tls)


@given(first=st.binary(min_size=1, max_size=64), tls=st.booleans())
def test_what_comes_later_changes_nothing(first: bytes, tls: bool) -> None:
    whole, cut = way_of(first, tls=tls), way_of(first[:ENOUGH_BYTES], tls=tls)

    assert whole is cut
