"""Turn a session's API calls, tool calls and turns into its sums, each with what it covers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.made import SUM_OF_TURN
from ...session.groups import Groups, Mask, by_place, mask_of
from .needs import COUNTED, TOKENS


def of_calls(
    calls: pa.RecordBatch, ids: pa.StringArray, told: Mask, fails: Mask
) -> dict[str, pa.Array]:
    """Sum up API calls; ``told`` are the sessions that logs or spans tell of.

    ``fails`` are those in which something would tell of a failure.
    """
    sessions = by_place(calls, ids)
    metrics = mask_of(pc.equal(calls.column("usage_source"), "metrics"))
    failed = mask_of(pc.invert(calls.column("success")))
    usage = sessions.where(mask_of(calls.column("cost_status").is_valid()))
    # Nor does what is left of a turn's tokens tell how many calls it was.
    rest = mask_of(pc.ends_with(calls.column("api_call_id"), SUM_OF_TURN))
    single = sessions.where(~metrics & ~rest)
    # Metrics tell of usage, not of how many calls it was.
    countable = told & ~(sessions.any(metrics) & ~sessions.any(~metrics))
    return {
        "models": sessions.texts(calls.column("model")),
        "api_calls": _where(single.counts(), countable),
        "api_errors": _where(single.where(failed).counts(), countable & fails),
        **{name: sessions.sum(calls.column(name)) for name in TOKENS},
        "cost_usd": sessions.sum(calls.column("cost_usd")),
        "cost_coverage": _share(usage.where(_priced(calls)).counts(), usage.counts()),
        "reported_cost_usd": sessions.sum(calls.column("reported_cost_usd")),
    }


def token_sum(calls: pa.RecordBatch, ids: pa.StringArray) -> pa.Int64Array:
    """Sum up all tokens that logs or spans tell of; NULL where they tell of none."""
    metrics = mask_of(pc.equal(calls.column("usage_source"), "metrics"))
    usage = mask_of(calls.column("cost_status").is_valid())
    return by_place(calls, ids).where(usage & ~metrics).sum(all_tokens(calls))


def all_tokens(rows: pa.RecordBatch) -> pa.Int64Array:
    """Add up each row's tokens; those that are not told count nothing."""
    total, *others = (pc.fill_null(rows.column(name), 0) for name in COUNTED)
    for tokens in others:
        total = pc.add(total, tokens)
    return total


def of_tools(
    tools: pa.RecordBatch, ids: pa.StringArray, told: Mask, fails: Mask
) -> dict[str, pa.Array]:
    """Count uses of tools, and those that failed; one that was not allowed did not fail."""
    sessions = by_place(tools, ids)
    rejected = mask_of(pc.equal(tools.column("status"), "rejected"))
    failed = mask_of(pc.invert(tools.column("success"))) & ~rejected
    return {
        "tool_calls": _where(sessions.counts(), told),
        "tool_errors": _where(sessions.where(failed).counts(), told & fails),
    }


def of_turns(turns: pa.RecordBatch, ids: pa.StringArray, told: Mask) -> dict[str, pa.Array]:
    """Count turns, and sum up what they are said to have cost."""
    sessions = by_place(turns, ids)
    return {
        "turns": _where(sessions.counts(), told),
        "reported_cost_usd": sessions.sum(turns.column("reported_cost_usd")),
    }


def decided(tools: pa.RecordBatch, ids: pa.StringArray) -> pa.Int64Array:
    """Count the decisions that a human made: `user`, `user_temporary`, `user_reject`, ..."""
    human = mask_of(pc.starts_with(tools.column("decision_source"), "user"))
    return by_place(tools, ids).where(human).counts()


def done(tools: pa.RecordBatch, ids: pa.StringArray) -> pa.Int64Array:
    """Count the uses of tools that gave a result."""
    finished = mask_of(pc.equal(tools.column("status"), "done"))
    return by_place(tools, ids).where(finished).counts()


def share_of_events(part: Groups, all_of: Groups) -> pa.DoubleArray:
    """Give how many of each group's rows are in a part of them, per 100."""
    return pc.multiply(_share(part.counts(), all_of.counts()), 100.0)


def _priced(calls: pa.RecordBatch) -> Mask:
    return mask_of(calls.column("cost_usd").is_valid())


def _share(part: pa.Int64Array, whole: pa.Int64Array) -> pa.DoubleArray:
    """Divide counts; NULL where there is nothing to have a share of."""
    some = pc.if_else(pc.greater(whole, 0), whole, pa.scalar(None, pa.int64()))
    return pc.divide(part.cast(pa.float64()), some.cast(pa.float64()))


def _where(counts: pa.Int64Array, told: Mask) -> pa.Int64Array:
    return pc.if_else(pa.array(np.asarray(told)), counts, pa.scalar(None, pa.int64()))
