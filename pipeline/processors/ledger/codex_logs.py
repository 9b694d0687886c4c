"""Find out which log records of Codex tell of one request to the model.

Codex writes a record for each HTTP attempt (`api_attempt`, also for each websocket request),
and one when a response is complete: with its usage (`api_request`), or with an error
(`api_error`). No id joins them; what follows an attempt, up to the session's next one, is its
answer. Source: reference of Codex, section 5.

- The first usage after an attempt that did not fail is its response; a second one is a request
  whose attempt was lost. An error beside it is the same response told twice.
- Errors after an attempt without usage are its failure, told once more and in better words.
- An attempt that did not fail and has no answer is a request all the same: it is still running,
  was interrupted, or its provider tells no usage. Whether it worked is not told.
- Websockets are warmed up with a request that tells of no tokens at all; that is no call of the
  model. Over HTTP a response without tokens is one.
- What is asked outside of a conversation, such as the list of models, is no call of the model.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.sessions import SESSIONLESS
from ...session.groups import Mask, Numbers, codes_of, mask_of
from .codex_rows import micros_of, take, tokens_of

LOG_COLUMNS = (
    *("session_id", "event_id", "agent", "event_type", "event_name", "time", "request_id"),
    *("provider", "model", "effort", "speed", "duration_ms", "ttft_ms"),
    *("attempt", "success", "status_code", "error_message"),
)
"""The columns of ``events`` that requests are made of, besides those of tokens."""

LOG_TYPES = ("api_attempt", "api_request", "api_error")
"""The events that tell of requests."""

_KINDS = pa.array(LOG_TYPES)
_ATTEMPT, _USAGE, _ERROR = range(len(LOG_TYPES))
_WEBSOCKET = "codex.websocket_request"
_FAILING = 400
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Requests:
    """The rows of events that tell of each request; -1 where none does."""

    usage: Numbers
    attempt: Numbers
    error: Numbers
    failed: Mask

    @property
    def head(self) -> Numbers:
        """The row that a request is named by: of all that tell of it the least likely to go."""
        attempt_or_error = np.where(self.attempt >= 0, self.attempt, self.error)
        return np.where(self.usage >= 0, self.usage, attempt_or_error)

    @property
    def last(self) -> Numbers:
        """The row with which a request was over, as far as is known."""
        error_or_attempt = np.where(self.error >= 0, self.error, self.attempt)
        return np.where(self.usage >= 0, self.usage, error_or_attempt)

    @property
    def success(self) -> pa.BooleanArray:
        """Whether each worked; NULL where that is not told."""
        worked = self.usage >= 0
        return pa.array(worked, mask=~worked & ~self.failed)

    def duration_ms(self, events: pa.RecordBatch) -> pa.DoubleArray:
        """Give how long each took, from its attempt's beginning; NULL without an attempt or end.

        An attempt's record is written, and its duration ends, when the answer begins.
        """
        time = events.column("time")
        over, answered = take(time, self.last), take(time, self.attempt)
        streamed_us = pc.subtract(over, answered).cast(pa.int64()).cast(pa.float64())
        took_ms = pc.add(
            pc.divide(streamed_us, 1000.0), take(events.column("duration_ms"), self.attempt)
        )
        ended = pa.array((self.usage >= 0) | self.failed)
        return pc.if_else(ended, took_ms, pa.scalar(None, pa.float64()))


def requests_of(events: pa.RecordBatch) -> Requests:
    """Give the requests that log records tell of; rows of each session together, by time."""
    rows, kind, group = _in_order(events)
    usage = _first(group, kind == _USAGE)
    error = _first(group, kind == _ERROR)
    failed = _failed(events)[rows]
    attempt = kind == _ATTEMPT
    answered = attempt & ~failed & (usage >= 0)
    place = np.arange(len(rows))
    # The attempt that each usage answers.
    asked = np.where((kind == _USAGE) & answered[group] & (usage[group] == place), group, -1)
    asked = np.where(attempt, place, asked)
    words = np.where((kind == _ERROR), place, np.where(asked >= 0, error[asked], -1))
    alone = (kind == _USAGE) | (attempt & ~answered) | ((kind == _ERROR) & (group < 0))
    alone &= ~_warming_up(events, rows, kind, group)
    used = kind == _USAGE
    chosen = np.flatnonzero(alone)
    return Requests(
        usage=np.where(used, rows, -1)[chosen],
        attempt=_rows(rows, asked)[chosen],
        error=_rows(rows, words)[chosen],
        failed=(~used & (failed | (words >= 0)))[chosen],
    )


def _in_order(events: pa.RecordBatch) -> tuple[Numbers, Numbers, Numbers]:
    """Give the rows that tell of requests, their kinds, and the place of each one's attempt.

    A group without an attempt is -1. The last place, of row -1 and of no kind, stands for it.
    """
    kind = pc.index_in(events.column("event_type"), value_set=_KINDS)
    asking = mask_of(pc.equal(kind, _ATTEMPT))
    outside = mask_of(pc.starts_with(events.column("session_id"), f"{SESSIONLESS}:"))
    rows = np.flatnonzero(mask_of(kind.is_valid()) & ~(asking & outside))
    session = codes_of(events.column("session_id").take(pa.array(rows)))
    time = micros_of(events.column("time"), _NEVER)[rows]
    # Times are of milliseconds: an attempt and its answer may have the same.
    order = np.lexsort((~asking[rows], time, session))
    rows, session = rows[order], session[order]
    kinds = pc.fill_null(kind, -1).to_numpy().astype(np.int64)[rows]
    opened = np.maximum.accumulate(np.where(kinds == _ATTEMPT, np.arange(len(rows)), -1))
    inside = (opened >= 0) & (session[opened] == session)
    return rows, kinds, np.where(inside, opened, -1)


def _first(group: Numbers, mask: Mask) -> Numbers:
    """Give, at the place of each attempt, the place of the first row of its group in the mask."""
    places = np.flatnonzero(mask & (group >= 0))[::-1]
    first = np.full(len(group), -1, dtype=np.int64)
    # With the same place assigned more than once, numpy keeps the last.
    first[group[places]] = places
    return first


def _failed(events: pa.RecordBatch) -> Mask:
    status = mask_of(pc.greater_equal(events.column("status_code"), _FAILING))
    said_so = mask_of(pc.invert(events.column("success")))
    return status | said_so | mask_of(events.column("error_message").is_valid())


def _warming_up(events: pa.RecordBatch, rows: Numbers, kind: Numbers, group: Numbers) -> Mask:
    """Mask the usage of warm-ups."""
    socket = mask_of(pc.equal(events.column("event_name"), _WEBSOCKET))[rows]
    by_socket = (group >= 0) & socket[group]
    warm: Mask = (kind == _USAGE) & by_socket & (tokens_of(events)[rows] == 0)
    return warm


def _rows(rows: Numbers, places: Numbers) -> Numbers:
    return np.where(places >= 0, rows[places], -1)
