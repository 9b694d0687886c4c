"""Make events of Codex in a few words, and the rows of the ledger they become."""

from datetime import datetime, timedelta
from typing import Any

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.processors.ledger import Config, factory
from agentpond.pipeline.testing import events, settings
from agentpond.pipeline.testing.sessions import rows_of, run_sessions

Row = dict[str, Any]

MORNING = datetime.fromisoformat("2026-11-20T10:00")

_CODEX: Row = {"agent": "codex", "model": "gpt-5.5", "provider": "openai"}
_LOG: Row = {**_CODEX, "signal": "logs", "session_id": "one"}


def at(ms: float) -> datetime:
    """Give a moment, in milliseconds after ten o'clock."""
    return MORNING + timedelta(milliseconds=ms)


def prompt(ms: float, **columns: Any) -> Row:
    return {**_LOG, "event_type": "user_prompt", "time": at(ms), **columns}


def attempt(ms: float, status: int | None = 200, **columns: Any) -> Row:
    """Make the record of an HTTP attempt that was answered at a moment."""
    told = {"event_type": "api_attempt", "event_name": "codex.api_request", "time": at(ms)}
    error = None if status is None or status < 400 else f"http {status}"
    return {**_LOG, **told, "status_code": status, "attempt": 0, "error_message": error, **columns}


def socket(ms: float, **columns: Any) -> Row:
    """Make the record of a websocket request."""
    return attempt(ms, None, event_name="codex.websocket_request", attempt=None, **columns)


def usage(ms: float, output: int = 40, **columns: Any) -> Row:
    """Make the record of a response that was complete at a moment."""
    told = {"event_type": "api_request", "event_name": "codex.sse_event", "time": at(ms)}
    tokens = {"input_tokens": 100, "cache_read_tokens": 900, "cache_write_tokens": 0}
    return {**_LOG, **told, **tokens, "output_tokens": output, "reasoning_tokens": 8, **columns}


def nothing(ms: float, **columns: Any) -> Row:
    """Make the record of a response without any token."""
    return usage(
        ms, 0, **{"input_tokens": 0, "cache_read_tokens": 0, "reasoning_tokens": 0, **columns}
    )


def error(ms: float, words: str = "stream disconnected", **columns: Any) -> Row:
    told = {"event_type": "api_error", "event_name": "codex.sse_event", "time": at(ms)}
    return {**_LOG, **told, "error_message": words, **columns}


def turn(ms: float, until: float, output: int | None = 40, **columns: Any) -> Row:
    """Make the span of a turn; without tokens, if the output is None."""
    told = {
        **_CODEX,
        "signal": "traces",
        "session_id": "one",
        "event_type": "turn",
        "event_name": "session_task.turn",
        "time": at(ms),
        "end_time": at(until),
        "turn_id": "turn-1",
        "trace_id": "aa",
        "span_id": "bb",
    }
    tokens: Row = {"input_tokens": 100, "cache_read_tokens": 900, "output_tokens": output}
    return {**told, **(tokens if output is not None else {}), **columns}


def stream(ms: float, until: float, **columns: Any) -> Row:
    """Make the span of the stream that a response came in."""
    return turn(
        *(ms, until, None),
        **{"event_type": "llm_stream", "model": None, "span_id": f"stream-{ms}", **columns},
    )


def response(ms: float, until: float, output: int = 40, **columns: Any) -> Row:
    """Make the span of a response: it names neither session nor turn nor model."""
    told = {"event_type": "llm_request", "span_id": f"response-{ms}", "cache_write_tokens": 0}
    nameless = dict.fromkeys(("session_id", "turn_id", "model", "provider"))
    return {**turn(ms, until, output), "reasoning_tokens": 8, **told, **nameless, **columns}


def asked(ms: float, until: float, **columns: Any) -> Row:
    """Make the span of a try at a response: it names the turn and the model, and no session."""
    told = {"event_type": "llm_attempt", "span_id": f"asked-{ms}", "session_id": None}
    return {**turn(ms, until, None), **told, **columns}


def point(kind: str, value: float, ms: float = 0, *, since: float = -1000, **columns: Any) -> Row:
    """Make a point of the metric of a turn's tokens."""
    told = {
        **_CODEX,
        "signal": "metrics",
        "event_type": "metric",
        "event_name": "codex.turn.token_usage",
        "time": at(ms),
        "start_time": at(since),
        "temporality": "delta",
        "value": value,
        "attributes": {"token_type": kind, "session_source": "exec"},
    }
    return {**told, **columns}


def batch_of(*rows: Row) -> Batch:
    """Make events of rows, each with an id of its own."""
    names = sorted({name for row in rows for name in row})
    return events(len(rows), **{name: [row.get(name) for row in rows] for name in names})


def calls(*rows: Row) -> list[Row]:
    """Give the calls that events become, in order of time."""
    made = run_sessions([factory.build(Config(), settings())], batch_of(*rows))["api_calls"]
    return sorted(
        rows_of(made, *made.schema.names), key=lambda row: (row["session_id"], row["time"])
    )
