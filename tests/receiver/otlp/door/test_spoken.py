"""The first bytes of a connection: what is spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.receiver.otlp.door.spoken import ENOUGH_BYTES, Spoken, spoken, tells_enough

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"POST /v1/logs ", Spoken.HTTP1),
        (b"P", Spoken.HTTP1),
        (PREFACE, Spoken.HTTP2),
        (HELLO, Spoken.TLS),
        (b"\x16", Spoken.TLS),
        (b"\x16\x04garbage", Spoken.UNKNOWN),
        (b"\x00\x01\x02", Spoken.UNKNOWN),
    ],
    ids=["HTTP", "a first letter", "HTTP/2", "TLS", "a first byte of TLS", "no TLS", "bytes"],
)
def test_the_first_bytes_tell_what_is_spoken(first: bytes, told: Spoken) -> None:
    assert spoken(first) is told


@pytest.mark.parametrize("nbytes", range(1, ENOUGH_BYTES))
def test_the_beginning_of_a_preface_does_not_tell_enough(nbytes: int) -> None:
    assert not tells_enough(PREFACE[:nbytes])


@given(first=st.binary(min_size=1, max_size=64) | st.just(PREFACE), more=st.binary())
def test_what_comes_after_enough_changes_nothing(first: bytes, more: bytes) -> None:
    beginnings = [first[:nbytes] for nbytes in range(1, len(first) + 1)]
    enough = [each[:ENOUGH_BYTES] for each in beginnings if tells_enough(each)]

    assert {spoken(each) is Spoken.HTTP2 for each in enough} <= {
        spoken(first + more) is Spoken.HTTP2
    }
