"""Write rows of many sessions as JSON, one text for each session, column by column.

A table is `{"columns": [...], "rows": [[...], ...], "left_out": 0}`: half as long as objects
are, and read as well by models.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...session.groups import Mask, Numbers
from ...session.texts import json_objects

_HEAD = '{"v": '


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are to be told, of many sessions.

    ``place`` is the session of each, -1 for none; rows of a session stand in the order in which
    they are to be told. Of more than ``most`` those are told that come first by ``weights``.
    """

    place: Numbers
    columns: Mapping[str, pa.Array]
    weights: tuple[pa.Array, ...]
    """Numbers: more is more telling, and the first decides before the next. NULL is least."""
    most: int
    never: Mask
    """The sessions of which the table was not made: of these nothing is known."""


def tables_of(rows: Rows, share: int) -> pa.StringArray:
    """Write each session's table, or null; ``share`` is by what to divide how many rows."""
    kept = first_rows(rows.place, rows.weights, max(rows.most // share, 1))
    count = len(rows.never)
    texts = json_arrays({name: each.take(pa.array(kept)) for name, each in rows.columns.items()})
    joined = joined_by_place(rows.place[kept], texts, count, ",")
    left = _counts(rows.place, count) - _counts(rows.place[kept], count)
    head = f'{{"columns":{json.dumps(list(rows.columns), separators=(",", ":"))},"rows":['
    left_out = pc.binary_join_element_wise('],"left_out":', pa.array(left).cast(pa.string()), "")
    told = pc.binary_join_element_wise(head, joined, left_out, "}", "")
    return pc.if_else(pa.array(rows.never), pa.scalar("null"), told)


def first_rows(place: Numbers, weights: tuple[pa.Array, ...], most: int) -> Numbers:
    """Give the rows of each session that weigh most, in the order in which they stand."""
    rows = np.flatnonzero(place >= 0)
    keys = [-_number(weight)[rows] for weight in reversed(weights)]
    order = rows[np.lexsort((rows, *keys, place[rows]))]
    sizes = np.bincount(place[order]) if len(order) else np.array([], np.int64)
    begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = order[np.arange(len(order)) - begins < most]
    kept: Numbers = first[np.lexsort((first, place[first]))]
    return kept


def joined_by_place(
    place: Numbers, texts: pa.StringArray, count: int, between: str
) -> pa.StringArray:
    """Join the texts of each session; those of one stand together, in the sessions' order."""
    ends = np.concatenate([[0], np.cumsum(_counts(place, count))]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(ends), texts), between)


def json_arrays(columns: Mapping[str, pa.Array]) -> pa.StringArray:
    """Write one JSON array a row; NULL is null."""
    values = [json_values(column) for column in columns.values()]
    return pc.binary_join_element_wise("[", pc.binary_join_element_wise(*values, ","), "]", "")


def json_values(column: pa.Array) -> pa.StringArray:
    """Write each value as JSON; NULL is null."""
    objects = json_objects({"v": column})
    return pc.utf8_slice_codeunits(objects, len(_HEAD), -1)


def _number(column: pa.Array) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    filled: np.ndarray[tuple[int], np.dtype[np.float64]] = pc.fill_null(
        column.cast(pa.float64()), -np.inf
    ).to_numpy()
    return filled


def _counts(place: Numbers, count: int) -> Numbers:
    counted: Numbers = np.bincount(place[place >= 0], minlength=count)
    return counted
