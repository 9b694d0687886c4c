"""Check what a person would relate by hand in what agents really sent."""

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.schema import EVENTS

from ...golden.batches import batch_of
from ...golden.captures import Capture, captures
from .given import captured, correlated

FIX = 'File "src/calc.py", line 2, in add\nAssertionError: -1 != 3'


@pytest.mark.parametrize(
    "capture", captures("codex/tool_failures/*"), ids=lambda capture: capture.name
)
def test_failures_of_codex_on_files_that_nobody_touched_are_related_to_nothing(
    capture: Capture,
) -> None:
    """Six things fail there: `cat /no/such/file`, `touch src/new.py` (read-only), a tool that is
    not there, arguments that are no JSON, the image `/no/such/image.png`, and a process that is
    not there. The prompt, "Try several things that fail", names no file, and nothing is edited.
    """
    assert captured(capture.name) == []


@pytest.mark.parametrize(
    "capture", captures("claude_code/tools/*"), ids=lambda capture: capture.name
)
def test_failures_of_claude_code_on_files_it_did_not_edit_are_related_to_nothing(
    capture: Capture,
) -> None:
    """Three things fail there: the tests, before anything was edited; a read of `src/missing.py`
    and `cat /nonexistent/config.toml`, which nobody touched. What is edited in between,
    `src/calc.py` and `src/stats.py`, does not fail; "Fix the failing test and commit." names no
    file.
    """
    assert captured(capture.name) == []


@pytest.mark.parametrize(
    "capture", captures("codex/app_server_long_turn_cost/*"), ids=lambda capture: capture.name
)
def test_what_a_human_refused_of_one_file_has_nothing_to_do_with_another(
    capture: Capture,
) -> None:
    """A patch of `/opt/demo-outside.txt` is refused, then `touch /opt/demo-blocked.txt` fails."""
    assert captured(capture.name) == []


@pytest.mark.parametrize(
    "capture", captures("codex/fix_bug_tools/*"), ids=lambda capture: capture.name
)
def test_a_test_that_fails_again_after_the_patch_is_related_to_it(capture: Capture) -> None:
    """In the capture it passes, and failed only before; here it fails a second time."""
    given = _failing_last(batch_of(capture))

    rows = correlated(given)

    assert [(row["cause"], row["file_path"], row["confidence"]) for row in rows] == [
        ("agent", "src/calc.py", 0.7)
    ]


def _failing_last(batch: Batch) -> Batch:
    """Make the last command that ran a test fail, in the words of one that did."""
    table = batch.records.to_pylist()
    tests = [row for row in table if row["event_type"] == "tool_result" and _is_test(row)]
    last = max(tests, key=lambda row: row["time"])
    last.update(success=False, exit_code=1, content=f"Exit code: 1\nOutput:\n{FIX}")
    return Batch(EVENTS, pa.RecordBatch.from_pylist(table, schema=EVENTS.schema))


def _is_test(row: dict[str, object]) -> bool:
    return "unittest" in str(row["tool_input"])
