"""Make events of what an agent and a human did, and what becomes of them until errors are told."""

from datetime import datetime, timedelta
from typing import Any

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.sessions import SessionProcessor, Sessions
from agentpond.pipeline.evidence.errors import NEEDS, Errors, errors_of
from agentpond.pipeline.evidence.uses import Uses
from agentpond.pipeline.processors import ledger, tool_calls
from agentpond.pipeline.testing import events, settings
from agentpond.pipeline.testing.sessions import run_sessions, sessions_of

MORNING = datetime.fromisoformat("2026-11-20T10:00")

Row = dict[str, Any]


def at(seconds: float) -> datetime:
    """Give a moment of the morning."""
    return MORNING + timedelta(seconds=seconds)


def prompt(seconds: float, content: str, **columns: Any) -> Row:
    return {"event_type": "user_prompt", "time": at(seconds), "content": content, **columns}


def used(seconds: float, tool_name: str | None, tool_input: str | None, **columns: Any) -> Row:
    """Make the result of a use of a tool that was over at a moment and took a tenth of a second."""
    call = f"{tool_name}-{seconds}"
    told = {"tool_name": tool_name, "tool_input": tool_input, "tool_call_id": call, "success": True}
    return {**_RESULT, "time": at(seconds), **told, **columns}


def failed(seconds: float, tool_name: str, tool_input: str, message: str, **columns: Any) -> Row:
    told = {"success": False, "error_message": message, **columns}
    return used(seconds, tool_name, tool_input, **told)


def edited(seconds: float, path: str, **columns: Any) -> Row:
    """Make an edit of a file that worked."""
    return used(seconds, "Edit", f'{{"file_path":"{path}","old_string":"a"}}', **columns)


def ran(seconds: float, command: str, message: str, **columns: Any) -> Row:
    """Make a command that failed."""
    return failed(seconds, "Bash", f'{{"command":"{command}"}}', message, **columns)


def decided(
    seconds: float, tool_name: str, call: str, decision: str, source: str, **columns: Any
) -> Row:
    told = {"tool_name": tool_name, "tool_call_id": call, "decision": decision}
    kind = {"event_type": "tool_decision", "time": at(seconds), "decision_source": source}
    return {**kind, **told, **columns}


def told(*rows: Row, agent: str = "claude_code") -> Batch:
    """Make events of the session `s`, unless the rows say otherwise; ids count from 1."""
    usual = {"agent": agent, "signal": "logs", "session_id": "s", "turn_id": "t"}
    full = [{**usual, **row} for row in rows]
    names = sorted({name for row in full for name in row})
    return events(len(full), **{name: [row.get(name) for row in full] for name in names})


def chain() -> list[SessionProcessor]:
    """Give the processors that errors and uses of tools are read from."""
    return [each.factory.build(each.factory.config(), settings()) for each in (ledger, tool_calls)]


def sessions(batch: Batch) -> Sessions:
    """Give what errors are made of."""
    return sessions_of(NEEDS, batch, run_sessions(chain(), batch))


def errors(batch: Batch) -> Errors:
    """Give the errors of some events."""
    return errors_of(sessions(batch))


def uses(batch: Batch) -> Uses:
    """Give the uses of tools of some events."""
    return errors(batch).uses


_RESULT: Row = {"event_type": "tool_result", "duration_ms": 100.0}
