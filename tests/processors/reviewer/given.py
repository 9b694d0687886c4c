"""Run `reviewer` on rows of sessions, with an answer at hand or an endpoint on loopback."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.found import ERROR_CLUSTERS, INSIGHTS, REVIEWS
from agentpond.pipeline.core.made import API_CALLS, SESSIONS, TOOL_CALLS, TURNS
from agentpond.pipeline.core.sessions import Again, Sessions
from agentpond.pipeline.processors.reviewer import Config, factory
from agentpond.pipeline.processors.reviewer.digest import digests_of
from agentpond.pipeline.processors.reviewer.given import NEEDS, given_by
from agentpond.pipeline.processors.reviewer.processor import Reviewer
from agentpond.pipeline.processors.reviewer.question import Answer, Ask, Question, Refusal, Trouble
from agentpond.pipeline.testing import batch, events, settings
from agentpond.pipeline.testing.sessions import sessions_of

Row = dict[str, Any]

MORNING = datetime.fromisoformat("2026-11-20T10:00")
_EPOCH = datetime.fromisoformat("1970-01-01")
_TABLES = (SESSIONS, TURNS, API_CALLS, TOOL_CALLS, ERROR_CLUSTERS, INSIGHTS, REVIEWS)
_KEYS = {"turns": "turn_id", "api_calls": "api_call_id", "tool_calls": "tool_call_id"}

FINDING = {
    "severity": "warning",
    "category": "loops",
    "message": "It ran the same test 4 times.",
    "turn": 2,
    "advice": "Ask for a plan first.",
}
REVIEW = {"summary": "It mended the test, at a price.", "findings": [FINDING]}


def at(minutes: float) -> datetime:
    """Give a moment of the morning."""
    return MORNING + timedelta(minutes=minutes)


def micros(minutes: float) -> int:
    return (at(minutes) - _EPOCH) // timedelta(microseconds=1)


def session(session_id: str = "s", **columns: Any) -> Row:
    """Make a session of which nothing was heard since 10:30."""
    told = {"started_at": at(0), "last_seen_at": at(30), "models": ["opus"], "started_by": "fresh"}
    sums = {"turns": 2, "api_calls": 41, "tool_calls": 3, "cost_usd": 1.2, "cost_coverage": 1.0}
    return {"session_id": session_id, "agent": "claude_code", **told, **sums, **columns}


def turn(number: int, session_id: str = "s", **columns: Any) -> Row:
    told = {"number": number, "turn_id": f"t{number}", "started_at": at(number), "status": "done"}
    return {"session_id": session_id, "agent": "claude_code", **told, **columns}


def call(model: str, session_id: str = "s", **columns: Any) -> Row:
    told = {"model": model, "provider": "anthropic", "success": True, "output_tokens": 5}
    return {"session_id": session_id, "agent": "claude_code", **told, **columns}


def tool(name: str, session_id: str = "s", **columns: Any) -> Row:
    told = {"tool_name": name, "success": True, "status": "done", "duration_ms": 100.0}
    return {"session_id": session_id, "agent": "claude_code", **told, **columns}


def cluster(template: str, session_id: str = "s", **columns: Any) -> Row:
    told = {"template": template, "fingerprint": template, "category": "other", "count": 1}
    return {"session_id": session_id, "agent": "claude_code", **told, **columns}


def insight(kind: str, session_id: str = "s", **columns: Any) -> Row:
    told = {"kind": kind, "insight_id": kind, "severity": "warning", "message": f"{kind}."}
    return {"session_id": session_id, "agent": "claude_code", **told, **columns}


def prompt(number: int, turn_id: str | None, session_id: str = "s") -> Row:
    told = {"event_type": "user_prompt", "turn_id": turn_id, "time": at(number), "signal": "logs"}
    event_id = int(number).to_bytes(16, "big")
    return {"session_id": session_id, "agent": "claude_code", "event_id": event_id, **told}


def usual(session_id: str = "s") -> dict[str, list[Row]]:
    """Give the rows of a session of two turns."""
    return {
        "events": [prompt(1, "t1", session_id), prompt(2, "t2", session_id)],
        "sessions": [session(session_id)],
        "turns": [turn(1, session_id), turn(2, session_id)],
        "api_calls": [call("opus", session_id)],
    }


def sessions(
    rows: Mapping[str, Sequence[Row]] | None = None,
    *,
    as_of: float = 120.0,
    ids: Sequence[str] | None = None,
    unmade: Mapping[str, Sequence[str]] | None = None,
) -> Sessions:
    """Give what the reviewer is given, with rows by table; ``as_of`` is in minutes from 10:00."""
    told = usual() if rows is None else rows
    given, made = told_by(told), made_by(told)
    every = {row["session_id"] for of_table in told.values() for row in of_table}
    at_hand = sorted(every) if ids is None else ids
    return sessions_of(NEEDS, given, made, as_of_us=micros(as_of), ids=at_hand, unmade=unmade)


def told_by(rows: Mapping[str, Sequence[Row]]) -> Batch:
    """Give the events."""
    begun = rows.get("events", ())
    names = sorted({name for row in begun for name in row})
    return events(len(begun), **{name: [row.get(name) for row in begun] for name in names})


def made_by(rows: Mapping[str, Sequence[Row]]) -> dict[str, pa.Table]:
    """Give the tables that others made, and earlier reviews."""
    return {table.name: _table(table, rows.get(table.name, ())) for table in _TABLES}


def joined(*parts: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Put the rows of several sessions together."""
    names = {name for part in parts for name in part}
    return {name: [row for part in parts for row in part.get(name, ())] for name in names}


def config(**options: Any) -> Config:
    return Config(**{"endpoint": "http://127.0.0.1:9/v1", "model": "judge", **options})


@dataclass
class Model:
    """A model at hand: it gives its replies one after the other, the last of them for ever."""

    replies: Sequence[Answer | Refusal]
    asked: list[str] = field(default_factory=list)
    """The digests it was asked about."""

    def __call__(self, question: Question) -> Answer | Refusal:
        self.asked.append(question.digest)
        return self.replies[min(len(self.asked), len(self.replies)) - 1]


def answering(review: Any = REVIEW, **more: Any) -> Model:
    """Give a model that always answers so."""
    return Model([Answer(review if isinstance(review, str) else json.dumps(review), **more)])


def refusing(trouble: Trouble = Trouble.ENDPOINT, reason: str = "nobody is there") -> Model:
    return Model([Refusal(trouble, reason)])


def reviewer(ask: Ask | None = None, **options: Any) -> Reviewer:
    """Build the processor; it asks the endpoint unless it is told whom."""
    built: Reviewer = factory.build(config(**options), settings("reviewer"))
    return built if ask is None else replace(built, ask=ask)


def reviews(given: Sessions, ask: Ask | None = None, **options: Any) -> list[Row]:
    """Give the rows of `reviews` that are made, by session and summary first."""
    made = [each for each in reviewer(ask, **options).process(given) if not isinstance(each, Again)]
    rows: list[Row] = [row for each in made for row in each.records.to_pylist()]
    return sorted(
        rows, key=lambda row: (row["session_id"], row["made_by"], row["kind"] == "review")
    )


def again(given: Sessions, ask: Ask, **options: Any) -> dict[str, float]:
    """Give the sessions that are to be looked at again, with the minute from 10:00."""
    asked = [each for each in reviewer(ask, **options).process(given) if isinstance(each, Again)]
    return {
        session_id: (moment - MORNING) / timedelta(minutes=1)
        for each in asked
        for session_id, moment in zip(
            each.session_ids.to_pylist(), each.at.to_pylist(), strict=True
        )
    }


def digest(rows: Mapping[str, Sequence[Row]], *, prompts: bool = False, **more: Any) -> Row:
    """Give the digest of the only session, as what its JSON says."""
    (text,) = digest_texts(sessions(rows, **more), prompts=prompts)
    told: Row = json.loads(text)
    return told


def digest_texts(
    given: Sessions, max_bytes: int = 24 * 1024, *, prompts: bool = False
) -> list[str]:
    texts: list[str] = digests_of(given_by(given), max_bytes, prompts=prompts).to_pylist()
    return texts


def cells(table: Row) -> list[Row]:
    """Give the rows of a digest's table, each with the names of its columns."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


@dataclass
class Endpoint:
    """An endpoint on loopback, what it was sent, and what it answers."""

    url: str
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    sent: list[Row] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)
    """The headers of each request, by their names in lower case."""

    def says(self, answer: Any) -> None:
        self.body = json.dumps(answer).encode()


def completion(text: str, **more: Any) -> Row:
    """Make an answer of OpenAI's API."""
    usage = {"prompt_tokens": 900, "completion_tokens": 80}
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"model": "judge-2026", "choices": [{**choice, **more}], "usage": usage}


def message(text: str, **more: Any) -> Row:
    """Make an answer of Anthropic's API."""
    usage = {"input_tokens": 900, "output_tokens": 80}
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": text}]
    return {"model": "judge-2026", "content": content, "usage": usage, **more}


@contextmanager
def nobody() -> Iterator[str]:
    """Give a host and port on which nobody listens, as long as it is held."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run an endpoint on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        told = Endpoint(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = _handler(told)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def _handler(told: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.paths.append(self.path)
            told.heard.append({name.lower(): value for name, value in self.headers.items()})
            told.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(told.status)
            for name, value in {"Content-Length": str(len(told.body)), **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *words: object) -> None:
            del words

    return Answering


def _table(table: Table, rows: Sequence[Row]) -> pa.Table:
    key = _KEYS.get(table.name)
    full = [{**({key: f"{number:03}"} if key else {}), **row} for number, row in enumerate(rows)]
    names = sorted({column for row in full for column in row})
    columns = {column: [row.get(column) for row in full] for column in names}
    return pa.Table.from_batches([batch(table, len(full), **columns).records])
