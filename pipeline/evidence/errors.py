"""Gather all that failed in sessions: uses of tools, API calls, hooks, MCP servers, compactions.

A failure is one row, whatever signals told of it: that of a tool is a row of `tool_calls`, that
of an API call one of `api_calls`. What was not allowed to run did not fail.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..core.made import API_CALLS
from ..core.schema import EVENTS, TEXT, TIME, UUID, WHOLE
from ..core.sessions import Need, Sessions
from ..session.groups import Mask, mask_of
from ..session.ids import hex_of
from ..session.joining import last_alike
from ..session.texts import captured
from . import uses
from .commands import programs_of
from .uses import Uses

CALLS_NEED = Need(
    API_CALLS,
    (
        *("session_id", "api_call_id", "request_id", "agent", "turn_id", "subagent_id", "time"),
        *("provider", "model", "speed", "query_source", "duration_ms", "success", "stop_reason"),
        *("status_code", "error_message", "input_tokens", "cache_read_tokens"),
        *("cache_write_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens"),
        *("cost_usd", "cost_status", "cost_note", "usage_source"),
    ),
)

_ATTEMPTS_NEED = Need(
    EVENTS,
    ("session_id", "event_id", "request_id"),
    ("api_error", "api_attempt", "api_refusal", "llm_request"),
    label="attempts",
)

_SIGNS_NEED = Need(
    EVENTS,
    (
        *("session_id", "event_id", "agent", "event_type", "event_name", "time", "turn_id"),
        *("success", "error_type", "error_message", "mcp_server"),
        *("attributes.status", "attributes.hook_name", "attributes.num_non_blocking_error"),
    ),
    ("hook", "mcp_connection", "compaction"),
    label="signs",
)

NEEDS = (*uses.NEEDS, CALLS_NEED, _ATTEMPTS_NEED, _SIGNS_NEED)
"""What errors are made of; those of ``uses`` among them."""

SCHEMA = pa.schema(
    [
        ("session_id", TEXT),
        ("agent", TEXT),
        ("source", TEXT),  # `tool`, `api`, `hook`, `mcp` or `compaction`
        ("event_id", UUID),  # the event that tells of it; NULL where only a metric does
        ("at", TIME),  # when it was known
        ("turn_id", TEXT),
        ("tool_call_id", TEXT),
        ("tool_name", TEXT),
        ("mcp_server", TEXT),
        ("program", TEXT),  # of a command; of a hook its name
        ("message", TEXT),
        ("use", WHOLE),  # the row of the use of a tool that failed
        ("call", WHOLE),  # the row of the API call that failed
    ]
)

_NONE = pa.scalar(None, TEXT)


@dataclass(frozen=True, slots=True)
class Errors:
    """What failed, in order of session and time; ``rows`` are of ``SCHEMA``."""

    rows: pa.RecordBatch
    uses: Uses
    calls: pa.RecordBatch
    """The API calls of the sessions, rows of ``CALLS_NEED``."""

    def __len__(self) -> int:
        """Count them."""
        return int(self.rows.num_rows)

    def column(self, name: str) -> pa.Array:
        """Give a column of ``rows``."""
        return self.rows.column(name)

    def of(self, source: str) -> Mask:
        """Mask those of a source."""
        return mask_of(pc.equal(self.column("source"), source))


def errors_of(sessions: Sessions) -> Errors:
    """Give all that failed in the sessions at hand; takes NEEDS."""
    used = uses.uses_of(sessions)
    calls = sessions.rows[CALLS_NEED.name]
    parts = (
        _of_tools(used),
        _of_calls(calls, sessions.rows[_ATTEMPTS_NEED.name]),
        *_of_signs(sessions.rows[_SIGNS_NEED.name]),
    )
    rows = pa.Table.from_batches(parts, schema=SCHEMA)
    keys = [(name, "ascending") for name in ("session_id", "at", "event_id", "use", "call")]
    rows = rows.take(pc.sort_indices(rows, sort_keys=keys)).combine_chunks()
    return Errors(_one(rows), used, calls)


def _of_tools(used: Uses) -> pa.RecordBatch:
    row = pa.array(used.failed.nonzero()[0])
    calls = used.calls.take(row)
    told = {name: calls.column(name) for name in calls.schema.names}
    columns = {
        **told,
        "event_id": used.event_id.take(row),
        "at": pc.coalesce(told["ended_at"], told["started_at"]),
        "program": programs_of(used.command.take(row)),
        "message": pc.coalesce(told["error_message"], told["error_type"]),
        "use": row,
    }
    return _batch("tool", columns, len(row))


def _of_calls(calls: pa.RecordBatch, attempts: pa.RecordBatch) -> pa.RecordBatch:
    row = pa.array(mask_of(pc.invert(calls.column("success"))).nonzero()[0])
    failed = calls.take(row)
    told = {name: failed.column(name) for name in failed.schema.names}
    status = pc.binary_join_element_wise("http", told["status_code"].cast(TEXT), " ")
    columns = {
        **told,
        "event_id": _event_of(failed, attempts),
        "at": told["time"],
        "message": pc.coalesce(told["error_message"], status),
        "call": row,
    }
    return _batch("api", columns, len(row))


def _event_of(calls: pa.RecordBatch, attempts: pa.RecordBatch) -> pa.FixedSizeBinaryArray:
    """Give the event of each API call: that of its request, or the one it is named by."""
    event_id, session = attempts.column("event_id"), attempts.column("session_id")
    # Attempts before the last are `<request id>/attempt-<number>`.
    named = captured(calls.column("api_call_id"), r"^(?P<told>[^/]+)")
    sought = [calls.column("session_id"), named]
    by_request = last_alike([session, attempts.column("request_id")], sought)
    by_event = last_alike([session, hex_of(event_id)], sought)
    return event_id.take(pc.coalesce(by_event, by_request))


def _of_signs(signs: pa.RecordBatch) -> tuple[pa.RecordBatch, ...]:
    """Give what failed besides tools and calls: Claude Code's, reference section 6."""
    kind = signs.column("event_type")
    said = mask_of(signs.column("error_message").is_valid())
    count = pc.fill_null(signs.column("attributes.num_non_blocking_error"), "0")
    hook = mask_of(pc.equal(kind, "hook")) & (mask_of(pc.not_equal(count, "0")) | said)
    broken = mask_of(pc.equal(signs.column("attributes.status"), "failed"))
    mcp = mask_of(pc.equal(kind, "mcp_connection")) & (said | broken)
    failed = mask_of(pc.invert(signs.column("success")))
    compaction = mask_of(pc.equal(kind, "compaction")) & (said | failed)
    return (
        _of_sign("hook", signs, hook),
        _of_sign("mcp", signs, mcp),
        _of_sign("compaction", signs, compaction),
    )


def _of_sign(source: str, signs: pa.RecordBatch, mask: Mask) -> pa.RecordBatch:
    rows = signs.filter(pa.array(mask))
    told = {name: rows.column(name) for name in rows.schema.names}
    message = pc.coalesce(told["error_message"], told["error_type"])
    columns = {
        **told,
        "at": told["time"],
        "program": told["attributes.hook_name"] if source == "hook" else None,
        "message": message,
    }
    return _batch(source, columns, rows.num_rows)


def _batch(source: str, columns: dict[str, pa.Array | None], count: int) -> pa.RecordBatch:
    given = {**columns, "source": pa.repeat(pa.scalar(source, TEXT), count)}
    arrays = []
    for field in SCHEMA:
        column = given.get(field.name)
        arrays.append(pa.nulls(count, field.type) if column is None else column.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _one(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)
