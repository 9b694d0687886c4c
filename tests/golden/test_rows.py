"""Compare what captured requests become with the rows they must become."""

from pathlib import Path

import pytest

from agentpond.pipeline.core.signal import Signal

from .captures import HERE, captures
from .rows import events, lines

# Scenario, and the signals whose rows are kept: all, or logs alone where spans are many.
_KEPT = {
    "claude_code/tools": (),
    "claude_code/api-errors": (),
    "claude_code/mcp": (),
    "codex/simple_chat": (Signal.LOGS, Signal.METRICS),
    "codex/fix_bug_tools": (Signal.LOGS,),
    "codex/chatgpt_auth_websocket": (Signal.LOGS,),
    "codex/logs_only": (Signal.LOGS,),
    "codex/tool_failures": (Signal.LOGS,),
}


@pytest.mark.parametrize("scenario", _KEPT)
def test_a_scenario_becomes_the_rows_it_must(scenario: str, update_golden: bool) -> None:
    (capture,) = captures(f"{scenario}/grpc")

    rows = lines(events(capture, *_KEPT[scenario]))

    path = HERE / scenario / "rows.jsonl"
    if update_golden:
        path.write_text("\n".join(rows) + "\n")
    assert rows == _kept(path)


def _kept(path: Path) -> list[str]:
    # Not splitlines: a text may hold other characters that end a line.
    return path.read_text().rstrip("\n").split("\n")
