"""Admission: headers and raw bytes to an encoding and a body."""

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Permanent
from agentpond.receiver.otlp import admission


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/x-protobuf", "protobuf"),
        ("application/json", "json"),
        ("Application/JSON; charset=utf-8", "json"),
        (" APPLICATION/X-PROTOBUF ;messageType=x", "protobuf"),
    ],
)
def test_a_content_type_is_known_whatever_its_case_and_parameters(
    content_type: str, encoding: str
) -> None:
    found = admission.encoding_of(content_type)

    assert found == encoding


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/jsonp"])
def test_an_unknown_content_type_is_told_the_known_ones(content_type: str | None) -> None:
    with pytest.raises(Permanent, match="Send application/x-protobuf or application/json") as told:
        admission.encoding_of(content_type)

    assert told.value.reason == "bad_content_type"


@pytest.mark.parametrize(
    ("content_type", "accept", "encoding"),
    [
        ("application/json", None, "json"),
        ("application/x-protobuf", "application/json", "protobuf"),
        ("text/plain", "Application/JSON, */*", "json"),
        ("text/plain", None, "protobuf"),
        ("text/plain", "*/*", "protobuf"),
        (None, "text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        (None, "*/*", "json"),
        (None, "application/x-protobuf, */*", "protobuf"),
        (None, None, "protobuf"),
    ],
)
def test_an_answer_is_written_as_the_request_else_as_asked_else_in_protobuf(
    content_type: str | None, accept: str | None, encoding: str
) -> None:
    chosen = admission.answer_encoding(content_type, accept)

    assert chosen == encoding


@pytest.mark.parametrize(
    ("content_encoding", "inflate"),
    [(None, False), ("", False), ("identity", False), ("gzip", True), ("GZip", True)],
)
def test_gzip_and_nothing_are_read(content_encoding: str | None, inflate: bool) -> None:
    found = admission.is_gzip(content_encoding)

    assert found is inflate


@pytest.mark.parametrize("content_encoding", ["br", "zstd", "gzip, gzip"])
def test_other_compressions_are_told_what_to_send(content_encoding: str) -> None:
    with pytest.raises(Permanent, match=r"Send gzip .*, or leave it uncompressed") as told:
        admission.is_gzip(content_encoding)

    assert told.value.reason == "bad_encoding"


@given(body=st.binary(max_size=2000), members=st.integers(1, 16))
def test_inflating_undoes_gzip_in_any_number_of_members(body: bytes, members: int) -> None:
    compressed = gzip.compress(body) * members

    inflated = admission.inflate(compressed, 100_000)

    assert inflated == body * members


@given(body=st.binary(min_size=1, max_size=500), data=st.data())
def test_gzip_cut_anywhere_is_broken(body: bytes, data: Any) -> None:
    compressed = gzip.compress(body)
    cut = data.draw(st.integers(0, len(compressed) - 1))

    with pytest.raises(Permanent) as told:
        admission.inflate(compressed[:cut], 100_000)

    assert told.value.reason == "broken_gzip"


@pytest.mark.parametrize("ask", [admission.encoding_of, admission.is_gzip])
def test_a_header_is_not_repeated_at_any_length(ask: Callable[[str], object]) -> None:
    with pytest.raises(Permanent) as told:
        ask("a" * 10_000)

    assert "a" * 100 + "..." in str(told.value)
    assert "a" * 101 not in str(told.value)


def test_a_body_of_exactly_the_limit_fits() -> None:
    compressed = gzip.compress(b"x" * 1000)

    inflated = admission.inflate(compressed, 1000)

    assert len(inflated) == 1000


@pytest.mark.parametrize("members", [[1001], [600, 401], [1000, 1]])
def test_one_byte_over_the_limit_is_too_large(members: list[int]) -> None:
    compressed = b"".join(gzip.compress(b"x" * size) for size in members)

    with pytest.raises(Permanent) as told:
        admission.inflate(compressed, 1000)

    assert told.value.reason == "too_large"


@pytest.mark.parametrize(
    "compressed",
    [
        b"not gzip at all",
        b"",
        gzip.compress(b"x") + b"junk behind it",
        gzip.compress(b"x")[:-8] + bytes(8),
        gzip.compress(b"") * 17,
    ],
    ids=["other", "empty", "junk behind", "wrong checksum", "too many members"],
)
def test_what_is_not_one_sound_gzip_stream_is_broken(compressed: bytes) -> None:
    with pytest.raises(Permanent, match="not gzip as Content-Encoding says") as told:
        admission.inflate(compressed, 1000)

    assert told.value.reason == "broken_gzip"


async def test_a_large_body_is_inflated_as_a_small_one() -> None:
    body = bytes(range(256)) * 1000
    compressed = gzip.compress(body, compresslevel=0)

    with ThreadPoolExecutor(1) as threads:
        inflated = await admission.inflated(compressed, 1_000_000, threads)

    assert inflated == body
