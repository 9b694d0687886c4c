"""Check that transcripts of Codex count where nothing else tells of a session's usage."""

from .codex_given import calls, turn, usage


def test_a_call_that_a_transcript_alone_tells_is_a_row_of_it() -> None:
    (call,) = calls(usage(50, source="transcript"))

    assert (call["usage_source"], call["told_by"]) == ("transcript", ["transcript"])


def test_a_call_that_logs_tell_too_is_theirs() -> None:
    rows = calls(usage(50), usage(51, source="transcript"))

    assert [row["told_by"] for row in rows] == [["logs"]]


def test_a_call_that_spans_tell_too_is_theirs() -> None:
    rows = calls(turn(0, 100), usage(51, source="transcript"))

    assert [row["usage_source"] for row in rows] == ["traces"]
