"""Make rows of `reviews`: of what a model found, and by rules where no model did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.found import INSIGHTS, REVIEWS
from ...core.made import API_CALLS, TURNS
from ...core.schema import TEXT, TEXTS, TIME
from ...evidence.models import leading_calls
from ...session.groups import Mask, Numbers
from ...session.ids import hashes_of, uuid_of
from ...session.joining import last_alike
from ...session.texts import counted, dollars, json_objects, worded
from .answers import Review
from .digest import severity_of
from .given import Given, models_of, prompts_of
from .question import Answer
from .standing import BY_MODEL, BY_RULES, Standing
from .tables import first_rows

_SUMMARY, _FINDING, _CATEGORY = "review_summary", "review", "review"
_COUNTED = (
    ("turns", "turn", "turns"),
    ("api_calls", "API call", "API calls"),
    ("tool_calls", "use of a tool", "uses of tools"),
)


@dataclass(frozen=True, slots=True)
class Whose:
    """What each session that is looked at is told by: its digest, agent and main model."""

    given: Given
    name: pa.StringArray
    """Of the digest."""
    agent: pa.StringArray
    provider: pa.StringArray
    model: pa.StringArray
    version: str
    as_of_us: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review of the session at a place, and the answer it stood in."""

    place: int
    review: Review
    answer: Answer
    asked: str
    """The model that was asked, for where the answer does not say."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Sessions without a review, by their places: why there is none, and what was tried."""

    place: Numbers
    reason: pa.StringArray
    tries: pa.Int64Array


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a review before it has columns."""

    reviewed: Reviewed
    number: int
    kind: str
    severity: str
    category: str
    message: str
    turn: int | None
    payload: Mapping[str, object]


def whose_of(given: Given, name: pa.StringArray, version: str, as_of_us: int) -> Whose:
    """Look up the agent of each session, and the model that leads in it; NULL for none."""
    calls, models = given.rows(API_CALLS.name), models_of(given)
    call = leading_calls(given.groups(API_CALLS.name), calls)
    return Whose(
        given,
        name,
        given.own("agent"),
        models.groups.spread(models.provider).take(call),
        calls.column("model").take(call),
        version,
        as_of_us,
    )


def rows_by_model(whose: Whose, reviewed: Sequence[Reviewed]) -> pa.RecordBatch:
    """Give a row for each review's summary, and one for each of its findings."""
    lines = list(chain.from_iterable(_lines(each) for each in reviewed))
    place = np.array([line.reviewed.place for line in lines], np.int64)
    session_id = whose.given.ids.take(pa.array(place))
    turn = _turns(whose.given, session_id, pa.array([each.turn for each in lines], pa.int64()))
    number = pa.array([each.number for each in lines], pa.int64())
    payloads = [msgspec.json.encode(each.payload).decode() for each in lines]
    models = [each.reviewed.answer.model or each.reviewed.asked for each in lines]
    return _rows(
        whose,
        place,
        {
            "insight_id": _ids(session_id, whose.name.take(pa.array(place)), number.cast(TEXT)),
            **{
                name: pa.array([getattr(each, name) for each in lines], TEXT)
                for name in ("kind", "severity", "category", "message")
            },
            "payload": pa.array(payloads, TEXT),
            **turn,
            "made_by": pa.repeat(pa.scalar(BY_MODEL), len(lines)),
            "reviewer_model": pa.array(models, TEXT),
            "reviewed_at": _moment(whose, len(lines)),
        },
    )


def rows_by_rules(whose: Whose, waiting: Waiting, standing: Standing) -> pa.RecordBatch:
    """Give a row for each session that waits: its sums, what rules found, and why it waits.

    One that would say what it said before is as old as it was: nothing is written anew.
    """
    place = pa.array(waiting.place)
    count = len(place)
    told = {"reason": waiting.reason, "unusable_answers": waiting.tries}
    rows = _rows(
        whose,
        waiting.place,
        {
            "insight_id": _ids(whose.given.ids.take(place), pa.repeat(pa.scalar(BY_RULES), count)),
            "kind": pa.repeat(pa.scalar(_SUMMARY), count),
            "severity": pa.repeat(pa.scalar("info"), count),
            "category": pa.repeat(pa.scalar(_CATEGORY), count),
            "message": _in_words(whose.given, waiting),
            "payload": json_objects(told),
            "turn_id": pa.nulls(count, TEXT),
            "evidence": _lists(pa.nulls(count, TEXT)),
            "made_by": pa.repeat(pa.scalar(BY_RULES), count),
            "reviewer_model": pa.nulls(count, TEXT),
            "reviewed_at": _moment(whose, count),
        },
    )
    earlier = whose.given.rows(REVIEWS.name).take(standing.row.take(place))
    same = _alike(rows, earlier)
    at = REVIEWS.schema.get_field_index("reviewed_at")
    since = pc.if_else(pa.array(same), earlier.column("reviewed_at"), rows.column("reviewed_at"))
    return rows.set_column(at, REVIEWS.schema.field(at), since)


def _lines(reviewed: Reviewed) -> list[_Line]:
    review, answer = reviewed.review, reviewed.answer
    spent = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    summary = _Line(reviewed, 0, _SUMMARY, "info", _CATEGORY, review.summary, None, spent)
    findings = (
        _Line(
            reviewed,
            number,
            _FINDING,
            each.severity,
            each.category,
            each.message,
            each.turn,
            {"turn": each.turn, "advice": each.advice},
        )
        for number, each in enumerate(review.findings, 1)
    )
    return [summary, *findings]


def _turns(given: Given, session_id: pa.StringArray, number: pa.Int64Array) -> dict[str, pa.Array]:
    """Give the turn of each row, when it began, and the event that shows it."""
    turns = given.rows(TURNS.name)
    named = [turns.column(name) for name in ("session_id", "number")]
    row = last_alike(named, [session_id, number])
    turn_id = turns.column("turn_id").take(row)
    evidence = _lists(uuid_of(prompts_of(given, session_id, turn_id)))
    return {"turn_id": turn_id, "at": turns.column("started_at").take(row), "evidence": evidence}


def _rows(whose: Whose, place: Numbers, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    at = pa.array(place)
    began, count = whose.given.own("started_at").take(at), len(place)
    full = {
        **columns,
        "session_id": whose.given.ids.take(at),
        "agent": whose.agent.take(at),
        "at": pc.coalesce(columns.get("at", pa.nulls(count, TIME)), began),
        "cost_usd": pa.nulls(count),
        "provider": whose.provider.take(at),
        "model": whose.model.take(at),
        "processor_version": pa.repeat(pa.scalar(whose.version), count),
        "digest": whose.name.take(at),
    }
    arrays = [full[field.name].cast(field.type) for field in REVIEWS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=REVIEWS.schema)


def _in_words(given: Given, waiting: Waiting) -> pa.StringArray:
    """Say what a session came to and what rules found in it, and why no model reviewed it."""
    found, whose = given.rows(INSIGHTS.name), given.groups(INSIGHTS.name)
    weights = (severity_of(found.column("severity")), found.column("cost_usd"))
    worst = first_rows(whose.of_row, weights, 1)
    message = whose.where(_only(worst, found.num_rows)).first(found.column("message"))
    counts = whose.counts()
    told = pc.binary_join_element_wise(
        counted(counts, "finding", "findings"), " by rules, the first: ", message, ""
    )
    nothing = pc.if_else(
        pa.array(given.never(INSIGHTS.name)), "Rules have not looked at it.", "Rules found nothing."
    )
    place = pa.array(waiting.place)
    by_rules = pc.if_else(pc.greater(counts, 0), pc.coalesce(told, nothing), nothing).take(place)
    slots = {"sums": _sums(given).take(place), "rules": by_rules, "reason": waiting.reason}
    return worded("{sums}. {rules} No model has reviewed it: {reason}.", slots)


def _sums(given: Given) -> pa.StringArray:
    """Count what is told of: `12 turns, 41 API calls, 96 uses of tools, $1.20`."""
    parts = [_counted(given.own(name), one, many) for name, one, many in _COUNTED]
    cost, coverage = given.own("cost_usd"), given.own("cost_coverage")
    percent = pc.round(pc.multiply(pc.fill_null(coverage, 1.0), 100)).cast(pa.int64())
    partly = worded(
        "{cost} for {percent} % of the calls", {"cost": dollars(cost), "percent": percent}
    )
    parts.append(pc.if_else(pc.less(pc.fill_null(coverage, 1.0), 1.0), partly, dollars(cost)))
    return pc.binary_join_element_wise(*parts, ", ", null_handling="skip")


def _counted(count: pa.Int64Array, one: str, many: str) -> pa.StringArray:
    """Write counts with what is counted; NULL where they are not told."""
    return pc.if_else(count.is_valid(), counted(count, one, many), pa.scalar(None, TEXT))


def _only(rows: Numbers, count: int) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    mask[rows] = True
    return mask


def _lists(texts: pa.StringArray) -> pa.ListArray:
    """Give each row a list of its text, or an empty one."""
    ends = np.concatenate([[0], np.cumsum(np.asarray(texts.is_valid()))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), texts.drop_null()).cast(TEXTS)


def _alike(rows: pa.RecordBatch, earlier: pa.RecordBatch) -> Mask:
    """Mask the rows that are in all but their time what they were before."""
    alike = np.ones(rows.num_rows, dtype=np.bool_)
    for name in ("message", "payload", "digest", "processor_version", "agent", "provider", "model"):
        now, then = rows.column(name), earlier.column(name)
        equal = pc.fill_null(pc.equal(now, then), fill_value=False)
        both = pc.and_(now.is_null(), then.is_null())
        alike &= np.asarray(pc.or_(equal, both))
    # Where there was none, all of its columns are NULL.
    alike &= np.asarray(earlier.column("session_id").is_valid())
    return alike


def _moment(whose: Whose, count: int) -> pa.TimestampArray:
    return pa.array(np.full(count, whose.as_of_us, np.int64)).cast(TIME)


def _ids(*parts: pa.StringArray) -> pa.StringArray:
    """Name rows by what they are about: the same names in the next run."""
    return hashes_of(pc.binary_join_element_wise(*parts, "\n"))
