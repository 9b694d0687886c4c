"""Give how long the calls, uses of tools and turns of each model took: two quantiles, and all.

All of them, ascending, so that quantiles over many sessions are exact too.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Groups, mask_of
from ...session.quantiles import Reals, quantiles
from ...session.unmade import untold
from .parts import Parts

_OVER = pa.array(["done", "aborted"])
_SHARES = {"p50": 0.5, "p95": 0.95}


def of_calls(parts: Parts) -> dict[str, pa.Array]:
    """Give the durations of API calls that succeeded."""
    succeeded = parts.of_calls.where(mask_of(parts.calls.column("success")) & parts.single)
    took = _durations("api_call", succeeded, parts.calls.column("duration_ms"))
    return untold(took, ~parts.countable)


def of_tools(parts: Parts) -> dict[str, pa.Array]:
    """Give the durations of uses of tools that were over, whether they worked or not."""
    done = parts.of_tools.where(mask_of(pc.equal(parts.uses.column("status"), "done")))
    return _durations("tool_call", done, parts.uses.column("duration_ms"))


def of_turns(parts: Parts) -> dict[str, pa.Array]:
    """Give the durations of turns that are over."""
    over = mask_of(pc.is_in(parts.turns.column("status"), value_set=_OVER))
    return _durations("turn", parts.of_turns.where(over), parts.turns.column("duration_ms"))


def _durations(name: str, models: Groups, took_ms: pa.DoubleArray) -> dict[str, pa.Array]:
    row = models.where(mask_of(took_ms.is_valid())).rows
    model, values = models.of_row[row], took_ms.take(pa.array(row)).to_numpy()
    order = np.lexsort((values, model))
    model, values = model[order], values[order]
    sizes = np.bincount(model, minlength=models.count)
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return {
        **{
            f"{name}_{word}_ms": _told(quantiles(model, values, models.count, share))
            for word, share in _SHARES.items()
        },
        f"{name}_ms": pa.ListArray.from_arrays(pa.array(ends), pa.array(values, pa.float64())),
    }


def _told(numbers: Reals) -> pa.DoubleArray:
    return pa.array(numbers, mask=np.isnan(numbers))
