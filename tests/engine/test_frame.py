"""A request comes out of its frame as it went in, and out of frames of former versions."""

from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.signal import Encoding, Identity, Request, Signal
from agentpond.pipeline.engine.frame import Entry, Frame, decode, encode, frame_bytes, salt, scan

SALT = salt(b"0123456789abcdef")
# Written by the version before requests had identities.
FORMER = bytes.fromhex(
    "b5706e641f000000b27481fb00002a36fe9c971702010300000008006f746c702f74776f7b2261223a317d"
)
FORMER_REQUEST = Request(
    Signal.LOGS, Encoding.JSON, b'{"a":1}', 1_700_000_000_000_000_000, "otlp/two"
)
TEXTS = st.text(max_size=20)
IDENTITIES = st.none() | st.builds(Identity, TEXTS, TEXTS, TEXTS, TEXTS)
REQUESTS = st.builds(
    Request,
    st.sampled_from(Signal),
    st.sampled_from(Encoding),
    st.binary(max_size=50),
    st.integers(0, 2**63 - 1),
    TEXTS,
    IDENTITIES,
)


def written(entry: Entry) -> bytes:
    return b"".join(encode(entry, SALT))


def read(data: bytes) -> Entry:
    frame = decode(data, 0, SALT)
    assert frame is not None
    return frame.entry(data)


@settings(max_examples=200, deadline=None)
@given(request=REQUESTS, records=st.integers(0, 2**32 - 1))
def test_an_entry_comes_out_of_its_frame_as_it_went_in(request: Request, records: int) -> None:
    entry = Entry(request, records)

    data = written(entry)

    assert read(data) == entry
    assert len(data) == frame_bytes(request)


def test_a_frame_of_the_version_before_identities_is_read() -> None:
    entry = read(FORMER)

    assert entry == Entry(FORMER_REQUEST, 3)


def test_a_request_without_identity_is_written_as_before() -> None:
    data = written(Entry(FORMER_REQUEST, 3))

    assert data == FORMER


def test_frames_with_and_without_identity_follow_each_other_in_one_log() -> None:
    known = Entry(
        Request(Signal.TRACES, Encoding.PROTOBUF, b"body", 1, "otlp", Identity(user_id="Ünal")), 1
    )

    data = FORMER + written(known) + FORMER

    found = [one.entry(data) for one in scan(data, 0, SALT) if isinstance(one, Frame)]
    assert [one.request.identity for one in found] == [None, Identity(user_id="Ünal"), None]


def test_an_identity_with_any_byte_changed_is_not_believed() -> None:
    data = written(
        Entry(Request(Signal.LOGS, Encoding.JSON, b"{}", 1, "otlp", Identity("alice")), 1)
    )
    changed = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]

    found = [decode(each, 0, SALT) for each in changed]

    assert found == [None] * len(data)


def test_what_a_later_version_knows_of_a_sender_is_passed_over() -> None:
    told = b'{"user_id":"alice","shoe_size":"42"}'
    data = written(Entry(Request(Signal.LOGS, Encoding.JSON, b"{}", 1, "otlp", Identity("x")), 1))
    head, tail = data.split(b'\x0f\x00\x00\x00{"user_id":"x"}')
    rest = head[12:] + len(told).to_bytes(4, "little") + told + tail

    entry = read(_framed(rest))

    assert entry.request.identity == Identity(user_id="alice")
    assert entry.request.body == b"{}"


def _framed(rest: bytes) -> bytes:
    crc = crc32(rest, SALT)
    return b"\xb5pnd" + len(rest).to_bytes(4, "little") + crc.to_bytes(4, "little") + rest
