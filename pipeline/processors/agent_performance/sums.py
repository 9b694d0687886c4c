"""Add up and count what each model did, and give the shares of it that failed or worked."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, mask_of
from .parts import TOKENS, Parts
from .told import Told


def of_calls(parts: Parts, told: Told) -> dict[str, pa.Array]:
    """Count the API calls of each model, and add up their tokens and their cost."""
    calls, models = parts.calls, parts.of_calls
    failed = mask_of(pc.invert(calls.column("success")))
    usage = models.where(mask_of(calls.column("cost_status").is_valid()))
    priced = usage.where(mask_of(calls.column("cost_usd").is_valid()))
    single = models.where(parts.single)
    tokens = {name: models.sum(calls.column(name)) for name in TOKENS}
    return {
        **tokens,
        "tokens": _total(tokens),
        "api_calls": _where(single.counts(), parts.countable),
        "api_errors": _where(single.where(failed).counts(), parts.countable & told.failures),
        "cost_usd": models.sum(calls.column("cost_usd")),
        "cost_coverage": _share(priced.counts(), usage.counts()),
    }


def of_tools(parts: Parts, told: Told, loops: pa.Int64Array) -> dict[str, pa.Array]:
    """Count the uses of tools of each model; ``loops`` has 1 for each that begins a loop."""
    uses, models = parts.uses, parts.of_tools
    worked, failed = (models.where(mask).counts() for mask in (uses.worked, uses.failed))
    edits = models.where(uses.edits).counts()
    rejected = _where(models.where(uses.edits & uses.rejected).counts(), told.failures)
    rate = _share(worked, pc.add(worked, failed))
    return {
        "tool_calls": models.counts(),
        "tool_errors": _where(failed, told.failures),
        "tool_successes": _where(worked, told.failures),
        "tool_success_rate": _where(rate, told.failures),
        "edits": edits,
        "edits_rejected": rejected,
        "rejected_share": _share(rejected, edits),
        "break_fix_loops": _where(pc.fill_null(models.sum(loops), 0), told.failures & told.inputs),
    }


def of_turns(parts: Parts) -> dict[str, pa.Array]:
    """Count the turns of each model."""
    return {"turns": parts.of_turns.counts()}


def of_all(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Give what is told of calls, tools and turns together; NULL where one is not told."""
    failed = pc.add(columns["api_errors"], columns["tool_errors"])
    done = pc.add(columns["api_calls"], columns["tool_calls"])
    return {
        "error_rate": _share(failed, done),
        "cost_per_turn_usd": _share(columns["cost_usd"], columns["turns"]),
    }


def _total(tokens: Mapping[str, pa.Int64Array]) -> pa.Int64Array:
    """Add up; NULL where none of them is told."""
    counts = list(tokens.values())
    total = pc.fill_null(counts[0], 0)
    for each in counts[1:]:
        total = pc.add(total, pc.fill_null(each, 0))
    return _where(total, mask_of(pc.coalesce(*counts).is_valid()))


def _share(part: pa.Array, whole: pa.Int64Array) -> pa.DoubleArray:
    """Divide; NULL where there is nothing to have a share of."""
    some = pc.if_else(pc.greater(whole, 0), whole, pa.scalar(None, pa.int64()))
    return pc.divide(part.cast(pa.float64()), some.cast(pa.float64()))


def _where(column: pa.Array, told: Mask) -> pa.Array:
    return pc.if_else(pa.array(told), column, pa.scalar(None, column.type))
