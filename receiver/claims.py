"""Let what a token says of its sender win over what the sender's records claim.

The columns of a request with an identity are the identity's, where it says something. What a
record claimed otherwise is not thrown away: it stands in ``attributes`` under ``claimed.`` and the
column's name. (What a resource claimed stands in ``resources`` anyway, but a record's own
attribute has gone into the column.)
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.columns import entries, map_column, put
from ..pipeline.core.signal import Identity
from .dialects.rules import Columns
from .wire.node import Rows

_COLUMNS = tuple(field.name for field in fields(Identity))


def overrule(
    columns: Columns, of_resource: Columns, senders: Sequence[Identity | None], request: Rows
) -> None:
    """Put the identities of the senders into the columns.

    ``request`` says for each row which request it came in, ``of_resource`` what its resource
    tells; where that is what the row claims, it needs no keeping.
    """
    numbers = {sender: number for number, sender in enumerate(dict.fromkeys(filter(None, senders)))}
    of_request = [numbers[sender] if sender else None for sender in senders]
    of_row = pa.array(of_request, pa.int32()).take(pa.array(request))
    for name in _COLUMNS:
        texts = [getattr(sender, name) or None for sender in numbers]
        known = pa.array(texts, pa.string()).take(of_row)
        if known.null_count < len(known):
            _keep_claims(columns, name, known, of_resource[name])
            columns[name] = pc.coalesce(known, columns[name])


def _keep_claims(columns: Columns, name: str, known: pa.Array, of_resource: pa.Array) -> None:
    claimed = columns[name]
    overruled = pc.fill_null(pc.not_equal(claimed, known), fill_value=False)
    elsewhere = pc.fill_null(pc.equal(claimed, of_resource), fill_value=False)
    rows = pc.and_not(overruled, elsewhere).to_numpy(zero_copy_only=False)
    at = pa.array(np.flatnonzero(rows))
    if len(at):
        told = put(entries(columns["attributes"]), at, f"claimed.{name}", claimed.take(at))
        columns["attributes"] = map_column(told)
