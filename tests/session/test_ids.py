"""Check how ids of bytes are written, and ids made of texts."""

import pyarrow as pa

from agentpond.pipeline.session.ids import hashes_of, hex_of, uuid_of

IDS = pa.array([b"\x00" * 16, None, b"\xab" * 15 + b"\x01"], pa.binary(16))


def test_ids_are_written_in_lower_case_digits() -> None:
    written = hex_of(IDS)

    assert written.to_pylist() == ["00" * 16, None, "ab" * 15 + "01"]


def test_a_part_of_ids_is_written_like_the_whole() -> None:
    written = hex_of(IDS[2:])

    assert written.to_pylist() == ["ab" * 15 + "01"]


def test_no_ids_are_no_texts() -> None:
    written = hex_of(pa.array([], pa.binary(16)))

    assert written.to_pylist() == []


def test_ids_of_16_bytes_are_written_as_duckdb_shows_a_uuid() -> None:
    ids = pa.array([bytes(range(16)), None], pa.binary(16))

    assert uuid_of(ids).to_pylist() == ["00010203-0405-0607-0809-0a0b0c0d0e0f", None]


def test_a_text_has_the_same_hash_wherever_it_stands() -> None:
    hashed = hashes_of(pa.array(["a", None, "b", "a"], pa.string()))

    assert hashed.to_pylist() == ["e6c632b61e964e1f", None, "575a0b1c44d8843f", "e6c632b61e964e1f"]


def test_texts_that_differ_in_a_letter_have_two_hashes() -> None:
    first, second = hashes_of(pa.array(["file", "files"], pa.string())).to_pylist()

    assert first != second


def test_no_texts_have_no_hashes() -> None:
    assert hashes_of(pa.array([], pa.string())).to_pylist() == []
