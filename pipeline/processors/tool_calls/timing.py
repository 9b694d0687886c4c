"""Tell when each use of a tool began and ended, how long it waited and how long it ran."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import TIME
from ...session.texts import captured
from .decided import Decisions
from .uses import Part, Uses

_CODEX = "codex"
_ASKED = pa.array(["user", "automated_reviewer"])
_NONE = pa.scalar(None, pa.float64())
_US = 1_000

# Only the lines that Codex itself writes above the output.
_WALL_TIME = r"^(?:Chunk ID: [^\n]*\n|Exit code: [^\n]*\n)?Wall time: (?P<told>[0-9.]+) seconds"


@dataclass(frozen=True, slots=True)
class Times:
    """When uses began and ended, in Unix microseconds, and what passed between."""

    started_us: pa.Int64Array
    ended_us: pa.Int64Array
    wait_ms: pa.DoubleArray
    duration_ms: pa.DoubleArray


def times_of(uses: Uses, decisions: Decisions, status: pa.StringArray) -> Times:
    """Tell the times of uses whose ``status`` is known."""
    started = _started(uses)
    wait, ran = _passed(uses, decisions)
    done = pc.equal(status, "done")
    ran = pc.coalesce(ran, uses.first("duration_ms", Part.RUN, Part.SPAN))
    asked = _asked(uses, decisions)
    rejected = pc.equal(status, "rejected")
    # All the time of a use that was turned down was spent on asking.
    told = pc.if_else(pc.and_(rejected, asked), uses.of(Part.RESULT, "duration_ms"), _NONE)
    return Times(
        started,
        _ended(uses, started, done, rejected),
        pc.coalesce(uses.of(Part.WAIT, "duration_ms"), told, wait),
        pc.if_else(done, ran, _NONE),
    )


def moments(us: pa.Int64Array) -> pa.TimestampArray:
    """See Unix microseconds as times."""
    return us.cast(TIME)


def _started(uses: Uses) -> pa.Int64Array:
    """Give when the decision was due: the span's begin, else the earliest that is told."""
    result = _us(uses.of(Part.RESULT, "time"))
    ran = pc.round(pc.multiply(uses.of(Part.RESULT, "duration_ms"), _US)).cast(pa.int64())
    parts = (Part.WAIT, Part.DECISION, Part.RUN)
    earliest = pc.min_element_wise(
        *(_us(uses.of(part, "time")) for part in parts),
        pc.subtract(result, ran),
        result,
        _us(uses.of(Part.REVIEW, "time")),
    )
    return pc.coalesce(_us(uses.of(Part.SPAN, "time")), earliest)


def _ended(
    uses: Uses, started: pa.Int64Array, done: pa.BooleanArray, rejected: pa.BooleanArray
) -> pa.Int64Array:
    """Give when the result was there; for a use that was turned down, when that was known."""
    told = pc.coalesce(
        _us(uses.of(Part.SPAN, "end_time")),
        _us(uses.of(Part.RESULT, "time")),
        _us(uses.of(Part.RUN, "end_time")),
    )
    known = pc.coalesce(
        told, _us(uses.of(Part.DECISION, "time")), _us(uses.of(Part.WAIT, "end_time"))
    )
    none = pa.scalar(None, pa.int64())
    ended = pc.if_else(done, told, pc.if_else(rejected, known, none))
    # Times of log records are cut to milliseconds, those of spans are not.
    return pc.max_element_wise(ended, pc.if_else(ended.is_valid(), started, none))


def _asked(uses: Uses, decisions: Decisions) -> pa.BooleanArray:
    """Tell for which uses Codex asked a person or a reviewer."""
    codex = pc.equal(uses.one("agent"), _CODEX)
    asked = pc.and_(codex, pc.is_in(decisions.source, value_set=_ASKED))
    return pc.fill_null(asked, False)


def _passed(uses: Uses, decisions: Decisions) -> tuple[pa.DoubleArray, pa.DoubleArray]:
    """Tell the milliseconds that results say their use waited and ran.

    Codex counts the wait in. Where somebody was asked, what ran is the wall time that the
    output tells (nothing for a short command: it is rounded to 0), else the time since the
    decision; where nobody was, there was no wait to tell of. Source: reference of Codex,
    section 7.
    """
    total = uses.of(Part.RESULT, "duration_ms")
    asked = _asked(uses, decisions)
    output = pc.if_else(asked, uses.of(Part.RESULT, "content"), pa.scalar(None, pa.string()))
    wall = pc.multiply(captured(output, _WALL_TIME).cast(pa.float64()), 1_000.0)
    wall = pc.if_else(pc.greater(wall, 0.0), wall, _NONE)
    since = pc.subtract(_us(uses.of(Part.RESULT, "time")), _us(uses.of(Part.DECISION, "time")))
    decided = pc.max_element_wise(pc.divide(since.cast(pa.float64()), float(_US)), 0.0)
    decided = pc.if_else(since.is_valid(), decided, _NONE)
    ran = pc.min_element_wise(pc.coalesce(wall, decided, total), total, skip_nulls=False)
    wait = pc.if_else(asked, pc.subtract(total, ran), _NONE)
    return wait, pc.if_else(asked, ran, total)


def _us(times: pa.TimestampArray) -> pa.Int64Array:
    return times.cast(pa.int64())
