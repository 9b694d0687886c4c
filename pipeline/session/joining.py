"""Find for rows of one table the row of another that is alike in some columns."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from .groups import Mask, Numbers, codes_of, mask_of


def last_alike(
    keys: Sequence[pa.Array], sought: Sequence[pa.Array], where: Mask | None = None
) -> pa.Int64Array:
    """Give each sought row the last key row that is alike in all columns; NULL where none is.

    ``keys`` and ``sought`` are as many columns each, of the same types. A row in which one of
    them is NULL is like no other; ``where`` leaves out key rows.
    """
    both = [pa.concat_arrays([key, other]) for key, other in zip(keys, sought, strict=True)]
    told = np.ones(len(both[0]), dtype=np.bool_)
    for column in both:
        told &= mask_of(column.is_valid())
    codes = np.unique(codes_of(*both), return_inverse=True)[1].ravel()
    count = len(keys[0])
    usable = told[:count] if where is None else told[:count] & where
    rows = np.flatnonzero(usable)
    place: Numbers = np.full(len(codes) + 1, -1, dtype=np.int64)
    # With the same place assigned more than once, numpy keeps the last.
    place[codes[rows]] = rows
    found = np.where(told[count:], place[codes[count:]], -1)
    return pa.array(found, mask=found < 0)
