"""Find out which of Codex' records of usage and which spans of responses tell of one call.

Both tell of each response, and no id joins them. A record is written when its response is
complete, while the response's stream still runs, and a conversation asks for one response at a
time: the last record in a stream's time is of its response. A record in the time of no stream is
paired with a response of the same tokens, if there is one near it. Seen with Codex 0.169.0: all
of 220 records stand in the time of their stream, 0.6 to 2 ms before its end.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Numbers, codes_of, mask_of
from .codex_rows import last_begun, micros_of, take, tokens_of
from .codex_spans import STREAM, Responses

# Records tell milliseconds, and may be written as the stream ends.
BEFORE_US, BEHIND_US = 1_000, 2_000
"""How long before and behind a stream's span a record may be written of its response."""

_NEAR_US = 10_000_000
_NEVER = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """For each record of usage its response, and for each response its record; -1 for none."""

    response: Numbers
    record: Numbers


def pairs_of(events: pa.RecordBatch, records: Numbers, responses: Responses) -> Pairs:
    """Pair records of usage, which are rows of events, with responses."""
    pairs = Pairs(np.full(len(records), -1), np.full(len(responses.stream), -1))
    if not len(records) or not len(responses.stream):
        return pairs
    stream = _streams(events, records)
    response_of = np.full(events.num_rows + 1, -1)
    response_of[responses.stream] = np.arange(len(responses.stream))
    inside = np.flatnonzero(response_of[stream] >= 0)
    # With the same place assigned more than once, numpy keeps the last: of records, the latest.
    pairs.record[response_of[stream[inside]]] = inside
    found = np.flatnonzero(pairs.record >= 0)
    pairs.response[pairs.record[found]] = found
    late, alone = np.flatnonzero(stream < 0), np.flatnonzero(pairs.record < 0)
    record, response = _alike(events, records[late], responses, alone)
    pairs.response[late[record]] = alone[response]
    pairs.record[alone[response]] = late[record]
    return pairs


def _streams(events: pa.RecordBatch, records: Numbers) -> Numbers:
    """Give the row of the stream in whose time each record was written; -1 where there is none."""
    streams = np.flatnonzero(mask_of(pc.equal(events.column("event_type"), STREAM)))
    session, time = events.column("session_id"), micros_of(events.column("time"), _NEVER)
    begun = last_begun(
        (take(session, streams), time[streams] - BEFORE_US),
        (take(session, records), time[records]),
    )
    stream = np.append(streams, -1)[begun]
    ended = micros_of(events.column("end_time"), -_NEVER)[stream] + BEHIND_US
    return np.where((stream >= 0) & (time[records] <= ended), stream, -1)


def _alike(
    events: pa.RecordBatch, records: Numbers, responses: Responses, some: Numbers
) -> tuple[Numbers, Numbers]:
    """Pair the first record of some tokens with the first response of them, and so on."""
    usage, told = events.take(pa.array(records)), responses.rows.take(pa.array(some))
    whole = np.concatenate([tokens_of(usage), tokens_of(told)])
    session, output = (
        pa.concat_arrays([usage.column(name), other])
        for name, other in (
            ("session_id", take(events.column("session_id"), responses.stream[some])),
            ("output_tokens", told.column("output_tokens")),
        )
    )
    codes = codes_of(session, pa.array(whole), pc.fill_null(output, 0))
    count = len(records)
    numbered = np.concatenate([_nth(codes[:count]), _nth(codes[count:])])
    keys = codes_of(pa.array(codes), pa.array(numbered))
    _, record, response = np.intersect1d(keys[:count], keys[count:], return_indices=True)
    at, ended = micros_of(usage.column("time"), _NEVER), micros_of(told.column("end_time"), -_NEVER)
    near = np.abs(at[record] - ended[response]) <= _NEAR_US
    return record[near], response[near]


def _nth(codes: Numbers) -> Numbers:
    """Count for each row the rows before it that are alike."""
    order = np.argsort(codes, kind="stable")
    place = np.arange(len(codes))
    fresh = np.ones(len(codes), dtype=np.bool_)
    fresh[1:] = codes[order][1:] != codes[order][:-1]
    nth = np.empty(len(codes), dtype=np.int64)
    nth[order] = place - np.maximum.accumulate(np.where(fresh, place, 0))
    return nth
