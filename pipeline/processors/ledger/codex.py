"""Turn what Codex tells of API calls into rows of the ledger, without their costs.

Codex sends the same tokens on several routes and names no request. Sources: reference of Codex,
sections 5 and 6. Of each session one route counts, and routes are never added up:

- Its log records: a row for each request; see ``codex_logs``. They alone tell of compaction and
  of turns that were interrupted.
- Else the spans of its turns: a row for each turn with tokens. The spans of responses repeat
  them and name neither session nor model; they are not used.
- Metrics name no session. Points of usage that no session told are rows of the session-less;
  see ``codex_points``. Those of a guardian's review repeat what its own thread tells.

Reviewers, guardians and title helpers are sessions of their own, and what they spend counts
there. Tools that code mode nests in one another are no requests. What Codex says that a whole
turn cost is not what one call cost: it stands in `turns`.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, codes_of, mask_of, texts_of
from ...session.ids import hex_of
from ...session.turning import TURN_COLUMNS, TURN_TYPES, Turns
from .codex_logs import LOG_COLUMNS, LOG_TYPES, Requests, requests_of
from .codex_points import BESIDE_COLUMNS, POINT_COLUMNS, metered
from .codex_rows import in_rows, take, tokens_of
from .told import TOKENS, told_table

_SPAN_COLUMNS = ("event_id", "agent", "span_id", "end_time", "effort", "speed")

CODEX_COLUMNS = tuple(
    dict.fromkeys((*TURN_COLUMNS, *LOG_COLUMNS, *_SPAN_COLUMNS, *POINT_COLUMNS, *TOKENS))
)
"""The columns of ``events`` that are needed."""

CODEX_TYPES = tuple(dict.fromkeys((*TURN_TYPES, *LOG_TYPES, "metric")))
"""The types of ``events`` that are needed."""

CODEX_BESIDE = BESIDE_COLUMNS
"""The columns needed of the events beside; these are of the types `api_request` and `turn`."""


def codex_calls(events: pa.RecordBatch, beside: pa.RecordBatch, turns: Turns) -> pa.Table:
    """Give the API calls of some sessions of Codex, in the schema ``TOLD``.

    ``events`` are of Codex alone, those of each session together and in order of time; ``turns``
    are theirs; ``beside`` are events of agents' sessions on the days of the session-less.
    """
    session = events.column("session_id")
    sessions = Groups.by(session)
    requests = requests_of(events)
    used = in_rows(requests.usage[requests.usage >= 0], events.num_rows)
    spans = _turn_spans(events)
    by_logs = sessions.any(used)
    by_spans = ~by_logs & sessions.any(spans)
    told = (by_logs | by_spans)[sessions.of_row]
    return pa.concat_tables(
        [
            _logged(events, requests, turns, spans),
            _traced(events, spans & by_spans[sessions.of_row], turns),
            metered(events, beside, session.filter(pa.array(told)).unique()),
        ]
    )


def _turn_spans(events: pa.RecordBatch) -> Mask:
    """Mask the spans of turns that tell tokens; that of a review's parent tells zeros."""
    return mask_of(pc.equal(events.column("event_type"), "turn")) & (tokens_of(events) > 0)


def _logged(events: pa.RecordBatch, requests: Requests, turns: Turns, spans: Mask) -> pa.Table:
    """Make the rows of log records."""
    head, usage, attempt, error = requests.head, requests.usage, requests.attempt, requests.error
    # The attempt often names its trace; a record of usage never does.
    turn_id = pc.coalesce(take(turns.turn_id, attempt), take(turns.turn_id, head))
    used = usage >= 0
    traced = used & _traced_too(events, turns, spans, head, turn_id)
    source = pa.scalar("logs")
    columns = {
        **{name: take(events.column(name), head) for name in ("session_id", "agent")},
        **_best(events, ("provider", "model", "effort", "speed"), usage, error, attempt),
        **_best(events, ("error_message",), error, attempt),
        **_best(events, ("request_id", "attempt", "status_code"), attempt),
        **_best(events, (*TOKENS, "ttft_ms"), usage),
        "api_call_id": hex_of(take(events.column("event_id"), head)),
        "turn_id": turn_id,
        "time": take(events.column("time"), requests.last),
        "duration_ms": requests.duration_ms(events),
        "success": requests.success,
        "usage_source": pc.if_else(pa.array(used), source, pa.scalar(None, pa.string())),
        "told_by": texts_of([("logs", head >= 0), ("traces", traced)]),
    }
    return told_table(len(head), columns)


def _best(events: pa.RecordBatch, names: tuple[str, ...], *rows: Numbers) -> dict[str, pa.Array]:
    """Give of each column what the first row that tells anything tells."""
    return {
        name: pc.coalesce(*(take(events.column(name), each) for each in rows)) for name in names
    }


def _traced_too(
    events: pa.RecordBatch, turns: Turns, spans: Mask, head: Numbers, turn_id: pa.StringArray
) -> Mask:
    """Mask the calls whose turn also has a span that tells its tokens."""
    session, spanned = events.column("session_id"), pa.array(spans)
    codes = codes_of(
        pa.concat_arrays([take(session, head), session.filter(spanned)]),
        pa.concat_arrays([turn_id, turns.turn_id.filter(spanned)]),
    )
    calls, told = codes[: len(head)], codes[len(head) :]
    return np.isin(calls, told) & mask_of(turn_id.is_valid())


def _traced(events: pa.RecordBatch, spans: Mask, turns: Turns) -> pa.Table:
    """Make the rows of turns of which spans alone tell: one for all calls of a turn."""
    rows = events.filter(pa.array(spans))
    count = rows.num_rows
    names = ("session_id", "agent", "provider", "model", "effort", "speed", *TOKENS)
    columns = {
        **{name: rows.column(name) for name in names},
        "api_call_id": pc.coalesce(rows.column("span_id"), hex_of(rows.column("event_id"))),
        "turn_id": turns.turn_id.filter(pa.array(spans)),
        "time": pc.coalesce(rows.column("end_time"), rows.column("time")),
        "success": pa.repeat(pa.scalar(value=True), count),
        "usage_source": pa.repeat(pa.scalar("traces"), count),
        "told_by": texts_of([("traces", np.ones(count, dtype=np.bool_))]),
    }
    return told_table(count, columns)
