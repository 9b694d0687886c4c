"""Make a small store with what was found in three sessions, and run commands that show it."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from agentpond.cli import application

from ..exporters.found_support import made_file, put, session
from ..exporters.support import NOON, Row

A, B, C = "019a9f10-1111-7000", "019a9f10-2222-7000", "5f3c1a22-aaaa-4000"
NAMES = (A, B, C)


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ask = Callable[..., Told]


def run_here(*words: str) -> Told:
    """Run the command line in this process: in one of its own a second goes by before it begins.

    Commands that write set the umask of their process; it is set back.
    """
    mask = os.umask(0o022)
    try:
        done = CliRunner().invoke(application(), words, catch_exceptions=False)
    finally:
        os.umask(mask)
    return Told(done.exit_code, done.stdout, done.stderr)


def finding(session_id: str, number: int, **more: Any) -> Row:
    told = {
        "session_id": session_id,
        "agent": "codex",
        "insight_id": f"i{number}",
        "kind": "break_fix_loop",
        "severity": "warning",
        "category": "loops",
        "message": "The same test failed 4 times.",
        "payload": '{"failures": 4}',
        "at": NOON + timedelta(minutes=number),
        "evidence": ["e1"],
    }
    return {**told, **more}


def turn(session_id: str, number: int, **more: Any) -> Row:
    at = NOON + timedelta(minutes=number)
    told = {"session_id": session_id, "agent": "codex", "turn_id": f"t{number}", "number": number}
    return {**told, "started_at": at, "ended_at": at, "api_calls": 3, "tool_calls": 2, **more}


def make(path: Path, tables: dict[str, Sequence[Row]]) -> None:
    """Make a store of three sessions, one a day, with rows in other tables."""
    with made_file(path) as db:
        put(db, "sessions", *(session(each, day) for day, each in enumerate(NAMES)))
        for table, rows in tables.items():
            put(db, table, *rows)


def ask_of(path: Path) -> Ask:
    """Give a way to run commands on a store, in this process."""

    def ask(*words: str) -> Told:
        return run_here(*words, "--db", str(path))

    return ask
