"""Find sessions in which errors stand close together."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....session.groups import Groups, Mask, Numbers, mask_of
from ..config import Config
from ..finding import Found, Rule, evidence_of, findings, graded
from ..given import Given, of_sessions

_RULE = Rule(
    "error_density",
    "errors",
    "{errors} errors among {events} events in a row. See what they have in common with "
    "`agentpond errors --session {session_id}`.",
)

# They tell of no step of the agent.
_NO_STEPS = pa.array(["stream_chunk", "startup", "span", "metric"])


def error_density(given: Given, config: Config) -> pa.RecordBatch:
    """Find the densest stretch of each session; what logs tell is not counted in spans again."""
    events = given.events
    groups = of_sessions(events, given.ids)
    groups = groups.where(_told(events, groups))
    row = groups.rows
    errors = (_errors(events) & ~_turned_down(given))[row]
    last, first, count = _densest(groups.of_row[row], errors, config.density_events)
    bad = np.flatnonzero(count > config.density_errors)
    within = Groups(_stretches(groups, row, errors, first, last), groups.count)
    at = pa.array(row[first[bad]])
    size = last[bad] - first[bad] + 1
    numbers = {"errors": pa.array(count[bad]), "events": pa.array(size)}
    session_id = given.ids.take(pa.array(bad))
    return findings(
        _RULE,
        Found(
            session_id,
            graded(pa.array(count[bad] > 2 * config.density_errors)),
            numbers,
            events.column("time").take(at),
            evidence_of(within, events.column("event_id")).take(pa.array(bad)),
            words={"session_id": session_id},
        ),
    )


def _told(events: pa.RecordBatch, groups: Groups) -> Mask:
    """Mask log records; where a session has none, its spans."""
    signal = events.column("signal")
    logs = mask_of(pc.equal(signal, "logs"))
    has_logs = groups.any(logs)
    step = ~mask_of(pc.is_in(events.column("event_type"), value_set=_NO_STEPS))
    other = mask_of(pc.not_equal(pc.fill_null(signal, "none"), "metrics"))
    whose = np.where(groups.of_row >= 0, has_logs[groups.of_row], False)
    return step & np.where(whose, logs, other)


def _errors(events: pa.RecordBatch) -> Mask:
    failed = mask_of(pc.invert(events.column("success")))
    refused = mask_of(pc.equal(events.column("event_type"), "api_error"))
    exited = mask_of(pc.not_equal(events.column("exit_code"), 0))
    return failed | refused | exited | mask_of(events.column("error_message").is_valid())


def _turned_down(given: Given) -> Mask:
    """Mask the events that stand for uses of tools that were not allowed: they did not fail."""
    uses = given.errors.uses
    refused = uses.event_id.filter(pa.array(uses.rejected)).drop_null()
    return mask_of(pc.is_in(given.events.column("event_id"), value_set=refused))


def _densest(session: Numbers, errors: Mask, window: int) -> tuple[Numbers, Numbers, Numbers]:
    """Give for each session the last and first place of its densest stretch, and its errors."""
    place = np.arange(len(session))
    so_far = np.concatenate([[0], np.cumsum(errors)])
    sessions = int(session.max(initial=-1)) + 1
    begin = np.full(sessions, len(session))
    np.minimum.at(begin, session, place)
    low = np.maximum(place - window + 1, begin[session]) if len(session) else place
    count = so_far[place + 1] - so_far[low]
    # The first of several that are as dense.
    best = np.lexsort((-place, count, session))
    last = np.full(sessions, 0)
    last[session[best]] = place[best]
    if not len(session):
        return last, last, last
    return last, low[last], np.where(begin < len(session), count[last], 0)


def _stretches(
    groups: Groups, row: Numbers, errors: Mask, first: Numbers, last: Numbers
) -> Numbers:
    """Give the events that are errors in their session's densest stretch their session."""
    of_row = np.full(len(groups.of_row), -1, dtype=np.int64)
    place, session = np.arange(len(row)), groups.of_row[row]
    inside = errors & (place >= first[session]) & (place <= last[session])
    of_row[row[inside]] = session[inside]
    return of_row
