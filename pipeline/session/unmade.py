"""Leave untold what a table would tell, of sessions for which nobody has made its rows yet.

A ledger that failed on a session has made no calls of it, which is not the same as no calls.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ..core.sessions import Sessions
from .groups import Mask, mask_of

_NOBODY = pa.array([], pa.string())


def unmade(sessions: Sessions, table: str, session_id: pa.StringArray) -> Mask:
    """Mask the rows of sessions of which nothing was made yet in a table."""
    return mask_of(pc.is_in(session_id, value_set=sessions.unmade.get(table, _NOBODY)))


def untold(columns: Mapping[str, pa.Array], where: Mask) -> dict[str, pa.Array]:
    """Give columns with NULL in the rows of a mask."""
    if not where.any():
        return dict(columns)
    told = pa.array(~where)
    return {
        name: pc.if_else(told, column, pa.scalar(None, column.type))
        for name, column in columns.items()
    }
