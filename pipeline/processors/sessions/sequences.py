"""Count what is missing among the records of a session by the agent's own counter.

Claude Code numbers the log records of a process from 0. A resumed session begins again at 0;
processes side by side on one session each count for themselves; after `/clear` the count runs
on in a new session. Source: reference of Claude Code, sections 6 and 8.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, Mask, Numbers, mask_of


@dataclass(frozen=True, slots=True)
class Sequences:
    """What the numbers of each session's records tell."""

    held: Numbers
    missing: Numbers
    """Within what was counted; not what was lost in front."""
    first: Numbers
    """The number of the first record; -1 without any."""
    first_at: pa.TimestampArray
    zeros: Numbers
    """How many processes are seen to begin."""


def sequences(events: pa.RecordBatch, sessions: Groups) -> Sequences:
    """Look at the numbers of the log records of Claude Code, in order of time."""
    numbered = mask_of(events.column("sequence").is_valid())
    numbered &= mask_of(pc.equal(events.column("agent"), "claude_code"))
    numbered &= mask_of(pc.equal(events.column("signal"), "logs"))
    rows = np.flatnonzero(numbered & (sessions.of_row >= 0))
    session = sessions.of_row[rows]
    number: Numbers = events.column("sequence").take(pa.array(rows)).to_numpy().astype(np.int64)
    begins = np.ones(len(rows), dtype=np.bool_)
    begins[1:] = session[1:] != session[:-1]
    first = np.full(sessions.count, -1, dtype=np.int64)
    first[session[begins]] = number[begins]
    return Sequences(
        held=np.bincount(session, minlength=sessions.count),
        missing=_missing(session, number, begins, first),
        first=first,
        first_at=sessions.where(numbered).first(events.column("time")),
        zeros=np.bincount(session[number == 0], minlength=sessions.count),
    )


def _missing(session: Numbers, number: Numbers, begins: Mask, first: Numbers) -> Numbers:
    step = np.diff(number, prepend=-1)
    step[begins] = 1
    missing = np.zeros(len(first), dtype=np.int64)
    np.add.at(missing, session, np.maximum(step, 1) - 1)
    # Several processes, perhaps side by side: whose number is next cannot be told.
    mixed = np.zeros(len(first), dtype=np.bool_)
    mixed[session[step <= 0]] = True
    inside = mixed[session]
    if inside.any():
        missing[mixed] = _of_several(session[inside], number[inside], first)[mixed]
    return missing


def _of_several(session: Numbers, number: Numbers, first: Numbers) -> Numbers:
    """Count without regard to order: who has told of number 9 has told of 8 as well.

    So no fewer processes told of a number than of any above it. Of what one process lost and
    another one did not, this may overlook some; it never calls missing what was not sent.
    """
    order = np.lexsort((number, session))
    session, number = session[order], number[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (session[1:] != session[:-1]) | (number[1:] != number[:-1])
    at = np.flatnonzero(fresh)
    count = np.diff(at, append=len(order))
    session, number = session[at], number[at]
    # What was counted in another session, before /clear, is not missing here.
    held = count + (number < first[session])
    least = _most_above(session, held)
    least_of_session = np.concatenate([[True], session[1:] != session[:-1]])
    below = np.where(least_of_session, 0, np.roll(number, 1) + 1)
    absent = number - below
    elsewhere = np.maximum(np.minimum(number, first[session]) - below, 0)
    missing = np.zeros(len(first), dtype=np.int64)
    np.add.at(missing, session, least - held + absent * least - elsewhere)
    return missing


def _most_above(session: Numbers, held: Numbers) -> Numbers:
    """Give for each number how many tell of it or of one above it, at the most."""
    # Sessions are kept apart by a step greater than any count.
    step = int(held.max()) + 1
    backwards = (held + (session.max() - session) * step)[::-1]
    most: Numbers = np.maximum.accumulate(backwards)[::-1] - (session.max() - session) * step
    return most
