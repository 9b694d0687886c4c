"""Tell what a turn of Codex spent beyond what is told of its calls one by one.

The span of a turn tells all its tokens: also those of compaction, which no response's span
tells; of responses that are incomplete, which no log record tells; and of calls whose own
telemetry was lost. What is missing is one row for a turn, a sum of calls.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, codes_of, mask_of
from .codex_rows import last_begun, micros_of
from .told import TOKENS

_LONG_AGO = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens that turns or calls tell."""

    session_id: pa.StringArray
    turn_id: pa.StringArray
    time: pa.TimestampArray
    """When a turn began, or a call was over."""
    end_time: pa.TimestampArray
    tokens: pa.RecordBatch
    """With the columns TOKENS."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is missing."""

    turn: Numbers
    """The row of the turn among those given; one for each row of ``tokens``."""
    tokens: dict[str, pa.Array]


def rest_of(turns: Spent, calls: Spent) -> Rest:
    """Give what turns tell more than the calls in them.

    In a session where the calls of some turn tell more than the turn, calls stand with the
    wrong turn: there it is what all turns tell more than all the calls in them.
    """
    count = len(turns.session_id)
    turn = np.concatenate([np.arange(count), _turn_of(turns, calls)])
    by_turn = Groups(turn, count)
    more = _more(by_turn, turns, calls)
    # Tokens of reasoning are part of the output.
    short = np.stack([more[name] for name in TOKENS[:-1]]).sum(axis=0)
    too_much: Mask = short < 0
    sessions = Groups.by(turns.session_id)
    wrong = sessions.any(too_much)[sessions.of_row]
    unit = Groups.of_codes(np.where(wrong, sessions.of_row, sessions.count + np.arange(count)))
    units = Groups(np.append(unit.of_row, -1)[turn], unit.count)
    too_little: Mask = short > 0
    first = unit.where(too_little).first_row(turns.session_id)
    return _rest(first, _more(units, turns, calls))


def _turn_of(turns: Spent, calls: Spent) -> Numbers:
    """Give the turn that each call names, else the one in whose time it was over; -1 for none.

    Turns of one session do not overlap.
    """
    count = len(turns.session_id)
    if not count:
        return np.full(len(calls.session_id), -1)
    session = pa.concat_arrays([turns.session_id, calls.session_id])
    named = codes_of(session, pa.concat_arrays([turns.turn_id, calls.turn_id]))
    by_name = _last(named[:count], named[count:])
    by_name = np.where(mask_of(calls.turn_id.is_valid()), by_name, -1)
    at, ended = micros_of(calls.time, _LONG_AGO), micros_of(turns.end_time, _LONG_AGO)
    began = micros_of(turns.time, _LONG_AGO)
    begun = last_begun((turns.session_id, began), (calls.session_id, at))
    inside = (begun >= 0) & (at <= ended[begun])
    return np.where(by_name >= 0, by_name, np.where(inside, begun, -1))


def _last(keys: Numbers, sought: Numbers) -> Numbers:
    """Give the last place of each number that is sought; -1 where there is none."""
    order = np.argsort(keys, kind="stable")
    at = order[np.searchsorted(keys[order], sought, side="right") - 1]
    return np.where(keys[at] == sought, at, -1)


def _more(groups: Groups, turns: Spent, calls: Spent) -> dict[str, Numbers]:
    """Give how many tokens of each kind the turns in each group tell more than the calls."""
    signed = {
        name: pa.concat_arrays(
            [
                pc.fill_null(turns.tokens.column(name), 0),
                pc.negate(pc.fill_null(calls.tokens.column(name), 0)),
            ]
        )
        for name in TOKENS
    }
    return {name: pc.fill_null(groups.sum(column), 0).to_numpy() for name, column in signed.items()}


def _rest(turn: pa.Int64Array, more: dict[str, Numbers]) -> Rest:
    """Give what is missing in each unit, where anything is.

    Where calls and turns part the same input in other ways, what is missing is no more than
    what the whole lacks.
    """
    fresh, read, written, output, reasoning = (more[name] for name in TOKENS)
    whole = np.maximum(fresh + read + written, 0)
    read = np.clip(read, 0, whole)
    written = np.clip(written, 0, whole - read)
    output = np.maximum(output, 0)
    reasoning = np.clip(reasoning, 0, output)
    missing = (whole + output > 0) & mask_of(turn.is_valid())
    tokens = (whole - read - written, read, written, output, reasoning)
    return Rest(
        turn.filter(pa.array(missing)).to_numpy(),
        {name: pa.array(each[missing]) for name, each in zip(TOKENS, tokens, strict=True)},
    )
