"""Turn what Codex tells of API calls into rows of the ledger, without their costs.

Codex sends the same tokens on several routes and names no request. Sources: reference of Codex,
sections 5 and 6. Each call counts once, by the first of these routes that tells of it:

- Log records: a row for each request; see ``codex_logs``.
- The spans of responses; see ``codex_spans``. Those that a log record tells of too add nothing
  but that; see ``codex_pairs``.
- The spans of turns: what they tell more than the calls of the turn is one more row, a sum of
  calls; see ``codex_rest``.
- Metrics name no session. Points of usage that no session told are rows of the session-less;
  see ``codex_points``. Those of a guardian's review repeat what its own thread tells.

Reviewers, guardians and title helpers are sessions of their own, and what they spend counts
there. Tools that code mode nests in one another are no requests. What Codex says that a whole
turn cost is not what one call cost: it stands in `turns`.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.made import SUM_OF_TURN
from ...session.groups import Groups, Mask, Numbers, codes_of, mask_of, texts_of
from ...session.ids import hex_of
from ...session.turning import TURN_COLUMNS, TURN_TYPES, Turns
from .codex_logs import LOG_COLUMNS, LOG_TYPES, Requests, requests_of
from .codex_pairs import Pairs, pairs_of
from .codex_points import BESIDE_COLUMNS, BESIDE_TYPES, POINT_COLUMNS, metered
from .codex_rest import Spent, rest_of
from .codex_rows import take, tokens_of
from .codex_spans import SPAN_COLUMNS, SPAN_TYPES, Responses, responses_of
from .told import TOKENS, told_table

CODEX_COLUMNS = tuple(
    dict.fromkeys((*TURN_COLUMNS, *LOG_COLUMNS, *SPAN_COLUMNS, *POINT_COLUMNS, *TOKENS))
)
"""The columns of ``events`` that are needed."""

CODEX_TYPES = tuple(dict.fromkeys((*TURN_TYPES, *LOG_TYPES, *SPAN_TYPES, "metric")))
"""The types of ``events`` that are needed."""

CODEX_TRACED, CODEX_TRACED_TYPES = SPAN_COLUMNS, SPAN_TYPES
"""The columns and types needed of the events that share a trace with them."""

CODEX_BESIDE, CODEX_BESIDE_TYPES = BESIDE_COLUMNS, BESIDE_TYPES
"""The columns and types needed of the events beside."""

_ASKED = ("provider", "model", "effort", "speed")
_WHEN = ("session_id", "time", "end_time")


@dataclass(frozen=True, slots=True)
class _Told:
    """All that is told of some sessions."""

    events: pa.RecordBatch
    turn_id: pa.StringArray
    """Of each event."""
    requests: Requests
    responses: Responses
    pairs: Pairs
    """Of requests and responses."""
    traced: pa.RecordBatch


def codex_calls(
    events: pa.RecordBatch, traced: pa.RecordBatch, beside: pa.RecordBatch, turns: Turns
) -> pa.Table:
    """Give the API calls of some sessions of Codex, in the schema ``TOLD``.

    ``events`` are of Codex alone, those of each session together and in order of time; ``turns``
    are theirs; ``traced`` are Codex' events of no session at hand in the traces of these;
    ``beside`` are events of agents' sessions on the days of the session-less.
    """
    requests, responses = requests_of(events), responses_of(events, traced)
    used = np.flatnonzero(requests.usage >= 0)
    paired = pairs_of(events, requests.usage[used], responses)
    response = np.full(len(requests.usage), -1)
    response[used] = paired.response
    record = np.where(paired.record >= 0, used[paired.record], -1) if len(used) else paired.record
    told = _Told(events, turns.turn_id, requests, responses, Pairs(response, record), traced)
    spans = np.flatnonzero(_turn_spans(events))
    logged, answered = _logged(told, spans), _answered(told)
    rest = _rest(told, spans, pa.concat_tables([logged, answered]))
    calls = pa.concat_tables([logged, answered, rest])
    of_told = calls["session_id"].filter(calls["usage_source"].is_valid()).combine_chunks()
    return pa.concat_tables([calls, metered(events, beside, of_told)])


def _turn_spans(events: pa.RecordBatch) -> Mask:
    """Mask the spans of turns that tell tokens; that of a review's parent tells zeros."""
    return mask_of(pc.equal(events.column("event_type"), "turn")) & (tokens_of(events) > 0)


def _logged(told: _Told, spans: Numbers) -> pa.Table:
    """Make the rows of log records."""
    events, requests = told.events, told.requests
    head, usage, attempt, error = requests.head, requests.usage, requests.attempt, requests.error
    stream = _stream(told.responses, told.pairs.response)
    # The stream names its turn, the attempt often its trace; a record of usage tells neither.
    turn_id = pc.coalesce(*(take(told.turn_id, each) for each in (stream, attempt, head)))
    used = usage >= 0
    traced = used & ((stream >= 0) | _traced_too(told, spans, head, turn_id))
    columns = {
        **{name: take(events.column(name), head) for name in ("session_id", "agent")},
        **_best(events, _ASKED, usage, error, attempt),
        **_best(events, ("error_message",), error, attempt),
        **_best(events, ("request_id", "attempt", "status_code"), attempt),
        **_best(events, (*TOKENS, "ttft_ms"), usage),
        "api_call_id": hex_of(take(events.column("event_id"), head)),
        "turn_id": turn_id,
        "time": take(events.column("time"), requests.last),
        "duration_ms": pc.coalesce(requests.duration_ms(events), _streamed_ms(events, stream)),
        "success": requests.success,
        "usage_source": pc.if_else(pa.array(used), "logs", pa.scalar(None, pa.string())),
        "told_by": texts_of([("logs", head >= 0), ("traces", traced)]),
    }
    return told_table(len(head), columns)


def _best(events: pa.RecordBatch, names: tuple[str, ...], *rows: Numbers) -> dict[str, pa.Array]:
    """Give of each column what the first row that tells anything tells."""
    return {
        name: pc.coalesce(*(take(events.column(name), each) for each in rows)) for name in names
    }


def _stream(responses: Responses, response: Numbers) -> Numbers:
    """Give the row of each response's stream; -1 for none."""
    return np.append(responses.stream, -1)[response]


def _streamed_ms(events: pa.RecordBatch, stream: Numbers) -> pa.DoubleArray:
    """Give how long streams took: a response's own span is of its last event alone."""
    took = pc.subtract(
        *(take(events.column(name), stream).cast(pa.int64()) for name in ("end_time", "time"))
    )
    return pc.divide(took.cast(pa.float64()), 1000.0)


def _traced_too(told: _Told, spans: Numbers, head: Numbers, turn_id: pa.StringArray) -> Mask:
    """Mask the calls whose turn also has a span that tells its tokens."""
    session = told.events.column("session_id")
    codes = codes_of(
        pa.concat_arrays([take(session, head), take(session, spans)]),
        pa.concat_arrays([turn_id, take(told.turn_id, spans)]),
    )
    return np.isin(codes[: len(head)], codes[len(head) :]) & mask_of(turn_id.is_valid())


def _answered(told: _Told) -> pa.Table:
    """Make the rows of responses of which no log record tells."""
    alone = np.flatnonzero(told.pairs.record < 0)
    stream, rows = told.responses.stream[alone], told.responses.rows.take(pa.array(alone))
    asked = _asked(told, stream)
    columns = {
        **{name: take(told.events.column(name), stream) for name in ("session_id", "agent")},
        **asked,
        **{name: rows.column(name) for name in TOKENS},
        "effort": pc.coalesce(rows.column("effort"), asked["effort"]),
        "api_call_id": _names(rows),
        "turn_id": take(told.turn_id, stream),
        "time": pc.coalesce(rows.column("end_time"), rows.column("time")),
        "duration_ms": _streamed_ms(told.events, stream),
        "success": pa.repeat(pa.scalar(value=True), len(alone)),
        **_by_traces(len(alone)),
    }
    return told_table(len(alone), columns)


def _rest(told: _Told, spans: Numbers, calls: pa.Table) -> pa.Table:
    """Make the rows of what turns spent besides their calls."""
    events = told.events
    rows = events.select([*_WHEN, *TOKENS]).take(pa.array(spans))
    calls = calls.filter(calls["usage_source"].is_valid()).combine_chunks()
    session, turn_id, time = (_one(calls[name]) for name in ("session_id", "turn_id", "time"))
    tokens = pa.RecordBatch.from_arrays([_one(calls[name]) for name in TOKENS], list(TOKENS))
    whose, began, ended = (rows.column(name) for name in _WHEN)
    of_turns = Spent(whose, take(told.turn_id, spans), began, ended, rows.select(TOKENS))
    rest = rest_of(of_turns, Spent(session, turn_id, time, time, tokens))
    turn = spans[rest.turn]
    name = pc.binary_join_element_wise(_names(events.take(pa.array(turn))), SUM_OF_TURN, "")
    columns = {
        **{name: take(events.column(name), turn) for name in ("session_id", "agent")},
        **_asked(told, turn),
        **rest.tokens,
        "api_call_id": name,
        "turn_id": take(told.turn_id, turn),
        "time": pc.coalesce(*(take(events.column(name), turn) for name in ("end_time", "time"))),
        **_by_traces(len(turn)),
    }
    return told_table(len(turn), columns)


def _asked(told: _Told, rows: Numbers) -> dict[str, pa.Array]:
    """Give what was asked of which model: what a row tells, else its turn, else its session."""
    events, attempts = told.events, told.traced
    if not len(rows):
        return {name: pa.array([], pa.string()) for name in _ASKED}
    named = attempts.filter(attempts.column("model").is_valid())
    attempt = pc.index_in(take(told.turn_id, rows), value_set=named.column("turn_id"))
    turns = Groups.by(events.column("session_id"), told.turn_id)
    sessions = Groups.by(events.column("session_id"))
    return {
        name: pc.coalesce(
            *(take(column, rows), turns.first(column).take(pa.array(turns.of_row[rows]))),
            *([named.column(name).take(attempt)] if name in named.schema.names else []),
            sessions.first(column).take(pa.array(sessions.of_row[rows])),
        )
        for name in _ASKED
        for column in [events.column(name)]
    }


def _names(spans: pa.RecordBatch) -> pa.StringArray:
    return pc.coalesce(spans.column("span_id"), hex_of(spans.column("event_id")))


def _by_traces(count: int) -> dict[str, pa.Array]:
    return {
        "usage_source": pa.repeat(pa.scalar("traces"), count),
        "told_by": texts_of([("traces", np.ones(count, dtype=np.bool_))]),
    }


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
