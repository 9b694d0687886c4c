"""A request comes out of its frame as it went in, and out of frames of former versions."""

from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Identity, Request, Signal
from agentpond.pipeline.engine.frame import (
    Damage,
    Entry,
    Frame,
    Seal,
    decode,
    encode,
    first_seal_of,
    frame_bytes,
    scan,
    seal_of,
)

LOG_ID = b"0123456789abcdef"
SEAL = seal_of(LOG_ID)
FIRST_SEAL = first_seal_of(LOG_ID)
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


def written(entry: Entry, seal: Seal = SEAL) -> bytes:
    return b"".join(encode(entry, seal))


def read(data: bytes, seal: Seal = SEAL) -> Entry:
    frame = decode(data, 0, seal)
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
    entry = read(FORMER, FIRST_SEAL)

    assert entry == Entry(FORMER_REQUEST, 3)


def test_a_request_without_identity_differs_from_before_in_the_mark_alone() -> None:
    data = written(Entry(FORMER_REQUEST, 3))

    assert data[4:] == FORMER[4:]


def test_no_two_logs_mark_their_frames_alike() -> None:
    marks = {seal_of(bytes([number]) * 16).mark for number in range(100)}

    assert len(marks) == 100


def test_a_body_full_of_marks_of_the_first_format_is_passed_over_at_once() -> None:
    # Each says that its frame goes on to the end: 8 MiB of them would cost terabytes of CRC.
    marks = b"".join(
        FIRST_SEAL.mark + (left - 12).to_bytes(4, "little") + bytes(4)
        for left in range(8 << 20, 12, -12)
    )
    sound = written(Entry(FORMER_REQUEST, 3))

    found = list(scan(marks + sound, 0, SEAL))

    assert found[0] == Damage(0, len(marks))
    assert isinstance(found[1], Frame)


def test_frames_with_and_without_identity_follow_each_other_in_one_log() -> None:
    known = Entry(
        Request(Signal.TRACES, Encoding.PROTOBUF, b"body", 1, "otlp", Identity(user_id="Ünal")), 1
    )

    plain = written(Entry(FORMER_REQUEST, 3))

    data = plain + written(known) + plain

    found = [one.entry(data) for one in scan(data, 0, SEAL) if isinstance(one, Frame)]
    assert [one.request.identity for one in found] == [None, Identity(user_id="Ünal"), None]


def test_an_identity_with_any_byte_changed_is_not_believed() -> None:
    data = written(
        Entry(Request(Signal.LOGS, Encoding.JSON, b"{}", 1, "otlp", Identity("alice")), 1)
    )
    changed = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]

    found = [decode(each, 0, SEAL) for each in changed]

    assert found == [None] * len(data)


def test_what_a_later_version_knows_of_a_sender_is_passed_over() -> None:
    told = b'{"user_id":"alice","shoe_size":"42"}'
    data = written(Entry(Request(Signal.LOGS, Encoding.JSON, b"{}", 1, "otlp", Identity("x")), 1))
    head, tail = data.split(b'\x0f\x00\x00\x00{"user_id":"x"}')
    rest = head[12:] + len(told).to_bytes(4, "little") + told + tail

    entry = read(_framed(rest))

    assert entry.request.identity == Identity(user_id="alice")
    assert entry.request.body == b"{}"


@pytest.mark.parametrize("place", [8, 9], ids=["signal", "encoding"])
def test_a_sound_frame_of_a_newer_version_is_not_taken_for_damage(place: int) -> None:
    rest = written(Entry(FORMER_REQUEST, 3))[12:]
    newer = rest[:place] + b"\x07" + rest[place + 1 :]

    with pytest.raises(Permanent, match="a newer version wrote it"):
        decode(_framed(newer), 0, SEAL)


@settings(max_examples=200, deadline=None)
@given(rest=st.binary(min_size=16, max_size=80))
def test_whatever_a_sound_frame_says_is_read_or_refused_in_words(rest: bytes) -> None:
    told: object
    try:
        told = decode(_framed(rest), 0, SEAL)
    except Permanent as error:
        told = error.reason

    assert told == "log_newer" or isinstance(told, Frame)


def _framed(rest: bytes) -> bytes:
    crc = crc32(rest, SEAL.salt)
    return SEAL.mark + len(rest).to_bytes(4, "little") + crc.to_bytes(4, "little") + rest
