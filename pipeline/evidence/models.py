"""Tell which model leads in groups of API calls, such as those of a turn or of a session."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.found import UNKNOWN_MODEL
from ..core.made import SUM_OF_TURN
from ..session.groups import Groups, Mask, mask_of


def leading_calls(groups: Groups, calls: pa.RecordBatch) -> pa.Int64Array:
    """Give for each group the first call of the model that leads in it; NULL for none.

    That model put out most tokens; of several that of more calls, then that whose name comes
    first. Calls that name no model are those of one called `unknown`. ``calls`` are rows of
    `api_calls` with api_call_id, model and output_tokens.
    """
    model = pc.fill_null(calls.column("model"), UNKNOWN_MODEL)
    models = Groups.by(pa.array(groups.of_row), model, where=groups.of_row >= 0)
    output = pc.fill_null(models.sum(calls.column("output_tokens")), 0).to_numpy()
    count = models.where(single_calls(calls)).counts().to_numpy()
    first = models.first_row(model).to_numpy()
    name = pc.rank(model.take(pa.array(first)), tiebreaker="dense").to_numpy().astype(np.int64)
    group = groups.of_row[first]
    order = np.lexsort((-name, count, output, group))
    best = np.full(groups.count, -1, dtype=np.int64)
    # With the same place assigned more than once, numpy keeps the last.
    best[group[order]] = first[order]
    return pa.array(best, mask=best < 0)


def single_calls(calls: pa.RecordBatch) -> Mask:
    """Mask the rows of one call each: what is left of a turn's tokens may be of several."""
    return ~mask_of(pc.ends_with(calls.column("api_call_id"), SUM_OF_TURN))
