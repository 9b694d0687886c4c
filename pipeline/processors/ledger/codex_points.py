"""Turn the metric of a turn's tokens into rows of the ledger, where nothing else told of them.

The points name no session: they stand among the session-less of their agent and day, and give
one row for each model and kind of session there. Points in whose time, or a minute before or
behind it, a session of the same agent and team told of usage of the same model by logs or spans
tell of the same turns again, and give none. Source: reference of Codex, sections 6 (route D) and 8.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.between import any_between
from ...session.groups import Groups, Mask, codes_of, mask_of, texts_of
from ...session.series import counted
from .codex_pairs import BEFORE_US, BEHIND_US
from .codex_rows import micros_of
from .told import TOKENS, told_table

POINT_COLUMNS = (
    *("session_id", "agent", "team", "event_name", "time", "start_time", "value", "temporality"),
    *("provider", "model", "speed", "resource_id"),
    *("attributes.token_type", "attributes.session_source"),
)
"""The columns of ``events`` that points are told by."""

BESIDE_COLUMNS = (
    *("session_id", "turn_id", "agent", "team", "event_type", "model"),
    *("time", "end_time", "input_tokens"),
)
"""The columns of the events beside that tell of usage."""

BESIDE_TYPES = ("api_request", "turn", "llm_stream")
"""Their types."""

_ROW = ("session_id", "agent", "provider", "model", "speed")
_METRIC = "codex.turn.token_usage"
_SLACK_US = 60_000_000
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_LONG_AGO = np.iinfo(np.int64).min // 2

# A sub-agent's source names its parent: `subagent_thread_spawn_<uuid>_d1`.
_PARENT = "_[0-9a-f]{8}-[0-9a-f-]{27}(_d[0-9]+)?$"


def metered(events: pa.RecordBatch, beside: pa.RecordBatch, told: pa.StringArray) -> pa.Table:
    """Give a row for each model and kind of session, in the schema ``TOLD``.

    ``told`` are the sessions of whose usage logs or spans tell.
    """
    named = mask_of(pc.equal(events.column("event_name"), _METRIC))
    known = mask_of(pc.is_in(events.column("session_id"), value_set=told))
    points = events.filter(pa.array(named & ~known))
    points = points.filter(pa.array(~_told_beside(points, beside)))
    kinds = {name: points.column(name) for name in _ROW} | {"query_source": _sources(points)}
    groups = Groups.by(*kinds.values())
    tokens = _tokens(points, groups)
    spending = pa.array(_spending(tokens))
    names = {name: groups.first(column) for name, column in kinds.items()}
    columns = {
        **names,
        **tokens,
        "api_call_id": _ids(names),
        "time": groups.max(points.column("time")),
        "usage_source": pa.repeat(pa.scalar("metrics"), groups.count),
        "told_by": texts_of([("metrics", np.ones(groups.count, dtype=np.bool_))]),
    }
    return told_table(groups.count, columns).filter(spending)


def _tokens(points: pa.RecordBatch, groups: Groups) -> dict[str, pa.Array]:
    """Add up points; their types overlap: cached tokens and those written are part of the input."""
    kind = points.column("attributes.token_type")
    series = codes_of(
        *(points.column(n) for n in ("session_id", "resource_id", "model", "speed")),
        points.column("attributes.session_source"),
        kind,
    )
    told = counted(
        groups,
        series,
        points.column("start_time"),
        points.column("time"),
        points.column("value"),
        points.column("temporality"),
    )

    def of(word: str) -> pa.Array:
        some = groups.where(told & mask_of(pc.equal(kind, word)))
        return pc.round(some.sum(points.column("value"))).cast(pa.int64())

    read, written, output = of("cached_input"), of("cache_write_input"), of("output")
    tokens = (_uncached(of("input"), read, written), read, written, output, of("reasoning_output"))
    return dict(zip(TOKENS, tokens, strict=True))


def _uncached(told: pa.Array, read: pa.Array, written: pa.Array) -> pa.Array:
    rest = pc.subtract(pc.subtract(told, pc.fill_null(read, 0)), pc.fill_null(written, 0))
    return pc.if_else(pc.greater_equal(rest, 0), rest, told)


def _spending(tokens: dict[str, pa.Array]) -> Mask:
    more = [mask_of(pc.greater(each, 0)) for each in tokens.values()]
    spent: Mask = np.any(more, axis=0)
    return spent


def _sources(points: pa.RecordBatch) -> pa.StringArray:
    told = points.column("attributes.session_source")
    return pc.replace_substring_regex(told, pattern=_PARENT, replacement="")


def _ids(names: dict[str, pa.StringArray]) -> pa.StringArray:
    told = [
        pc.fill_null(names[each], "-") for each in ("provider", "model", "query_source", "speed")
    ]
    return pc.binary_join_element_wise(pa.scalar("metrics"), *told, "/")


def _told_beside(points: pa.RecordBatch, beside: pa.RecordBatch) -> Mask:
    """Mask the points in whose time usage of their model was told by other means."""
    of_some, of_any = _heard(beside)
    named = of_some.filter(of_some.column("model").is_valid())
    other = pa.concat_batches([of_any, of_some.filter(of_some.column("model").is_null())])
    told = _near(points, named, "agent", "team", "model")
    return told | _near(points, other, "agent", "team")


def _heard(beside: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Give what tells of usage, and the streams of whose usage nothing of that tells.

    The response of such a stream tells its usage, but no session and no model.
    """
    heard = beside.filter(beside.column("input_tokens").is_valid())
    stream = beside.filter(pc.equal(beside.column("event_type"), "llm_stream"))
    return heard, stream.filter(pa.array(~_in_turns(stream, heard) & ~_logged(stream, heard)))


def _in_turns(stream: pa.RecordBatch, heard: pa.RecordBatch) -> Mask:
    turns = heard.filter(pc.equal(heard.column("event_type"), "turn"))
    codes = codes_of(
        *(
            pa.concat_arrays([stream.column(name), turns.column(name)])
            for name in ("session_id", "turn_id")
        )
    )
    told: Mask = np.isin(codes[: stream.num_rows], codes[stream.num_rows :])
    return told


def _logged(stream: pa.RecordBatch, heard: pa.RecordBatch) -> Mask:
    logged = heard.filter(pc.equal(heard.column("event_type"), "api_request"))
    session = pa.concat_arrays([stream.column("session_id"), logged.column("session_id")])
    whose, count = codes_of(session), stream.num_rows
    since = micros_of(stream.column("time"), _LONG_AGO) - BEFORE_US
    until = micros_of(stream.column("end_time"), _LONG_AGO) + BEHIND_US
    at = micros_of(logged.column("time"), _LONG_AGO)
    return any_between(whose[:count], since, until, whose[count:], at)


def _near(points: pa.RecordBatch, heard: pa.RecordBatch, *same: str) -> Mask:
    """Mask the points in whose time, or near it, anything alike was heard."""
    at = micros_of(pc.coalesce(heard.column("end_time"), heard.column("time")), _LONG_AGO)
    until = micros_of(points.column("time"), _LONG_AGO)
    since = micros_of(pc.coalesce(points.column("start_time"), points.column("time")), _LONG_AGO)
    # What is beside is known for the unit's own day and an hour around it; more of it may be at
    # hand by chance, for another day's sake.
    day = since // _DAY_US * _DAY_US
    since, until = since - _SLACK_US, np.minimum(until + _SLACK_US, day + _DAY_US + _HOUR_US)
    whose = codes_of(*(pa.concat_arrays([points.column(n), heard.column(n)]) for n in same))
    count = points.num_rows
    return any_between(whose[:count], since, until, whose[count:], at)
