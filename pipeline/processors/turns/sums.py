"""Add up what the API calls and tool calls of each turn came to, and what they cost."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...core.made import SUM_OF_TURN, TOKEN_COLUMNS
from ...session.groups import Mask, mask_of
from ...session.unmade import untold
from .parts import Part, Parts

TOKENS = tuple(column.name for column in TOKEN_COLUMNS)
_DISJOINT = tuple(name for name in TOKENS if name != "reasoning_tokens")


@dataclass(frozen=True, slots=True)
class Unmade:
    """The turns of sessions of which nothing was made yet: no API calls, no tool calls."""

    calls: Mask
    tools: Mask


def sums_of(parts: Parts, never: Unmade) -> dict[str, pa.Array]:
    """Give the columns of `turns` that are sums or counts."""
    calls, tools = parts.calls, parts.tools
    tokens = {name: calls.turns.sum(calls.column(name)) for name in TOKENS}
    of_calls = {
        **tokens,
        "tokens": _total([tokens[name] for name in _DISJOINT]),
        "api_calls": calls.where(_single(calls)).turns.counts(),
        "cost_usd": calls.turns.sum(calls.column("cost_usd")),
        "cost_coverage": _coverage(calls),
    }
    return {
        **untold(of_calls, never.calls),
        **untold({"tool_calls": tools.turns.counts()}, never.tools),
        **untold({"errors": _errors(parts)}, never.calls | never.tools),
        "reported_cost_usd": _reported(parts),
    }


def _single(calls: Part) -> Mask:
    """Mask the rows of one call each: what is left of a turn's tokens may be of several."""
    return ~mask_of(pc.ends_with(calls.column("api_call_id"), SUM_OF_TURN))


def _errors(parts: Parts) -> pa.Int64Array:
    """Count what failed; NULL for turns of Codex that its spans alone tell of: they do not say."""
    calls, tools = parts.calls, parts.tools
    failures = pc.add(_failures(calls), _failures(tools.where(_allowed(tools))))
    logged = parts.events.turns.any(mask_of(pc.equal(parts.events.column("signal"), "logs")))
    logged |= calls.turns.any(mask_of(pc.equal(calls.column("usage_source"), "logs")))
    logged |= calls.turns.any(mask_of(pc.invert(calls.column("success"))))
    other = ~mask_of(pc.equal(parts.first("agent"), "codex"))
    return pc.if_else(pa.array(logged | other), failures, pa.scalar(None, pa.int64()))


def _allowed(tools: Part) -> Mask:
    """Mask the uses that were not rejected: one that was not allowed did not fail."""
    return ~mask_of(pc.equal(tools.column("status"), "rejected"))


def _failures(part: Part) -> pa.Int64Array:
    return part.where(mask_of(pc.invert(part.column("success")))).turns.counts()


def _coverage(calls: Part) -> pa.DoubleArray:
    """Give the share of calls with usage that have a price; NULL where there are none."""
    usage = calls.where(mask_of(calls.column("cost_status").is_valid()))
    priced = usage.where(mask_of(calls.column("cost_usd").is_valid()))
    whole = usage.turns.counts()
    some = pc.if_else(pc.greater(whole, 0), whole, pa.scalar(None, pa.int64()))
    return pc.divide(priced.turns.counts().cast(pa.float64()), some.cast(pa.float64()))


def _reported(parts: Parts) -> pa.DoubleArray:
    """Give what the agent said of the calls, else of the turn; said again, the last counts."""
    of_calls = parts.calls.turns.sum(parts.calls.column("reported_cost_usd"))
    costs = parts.events.of_type("turn_cost")
    return pc.coalesce(of_calls, costs.turns.last(costs.column("reported_cost_usd")))


def _total(counts: list[pa.Int64Array]) -> pa.Int64Array:
    """Add up; NULL where none of them is told."""
    total = pc.fill_null(counts[0], 0)
    for each in counts[1:]:
        total = pc.add(total, pc.fill_null(each, 0))
    told = pc.coalesce(*counts).is_valid()
    return pc.if_else(told, total, pa.scalar(None, pa.int64()))
