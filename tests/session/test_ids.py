"""Check how ids of bytes are written."""

import pyarrow as pa

from agentpond.pipeline.session.ids import hex_of

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
