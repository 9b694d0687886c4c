"""Tell what earlier rows of `reviews` are worth: what is reviewed already, or was tried in vain."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.found import REVIEWS
from ...session.groups import Mask, Numbers, mask_of
from ...session.texts import captured, string_member
from .given import Given

BY_MODEL, BY_RULES = "model", "rules"

_TRIES = r'"unusable_answers": ?(?P<told>\d+)'
_NONE = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of earlier reviews, for each session that is looked at."""

    done: Mask
    """A model reviewed the very digest."""
    tries: Numbers
    """How many unusable answers came about the very digest."""
    reason: pa.StringArray
    """Why it was not reviewed the last time; NULL if it was not tried, or is another digest."""
    row: pa.Int64Array
    """The row of `reviews` that rules made; NULL for none."""


def standing_of(looked: Given, names: pa.StringArray, version: str) -> Standing:
    """Look at the earlier reviews of sessions; ``names`` name their digests as they are now.

    What another version of us tried is tried again: an option may have been in the way.
    """
    reviews, whose = looked.rows(REVIEWS.name), looked.groups(REVIEWS.name)
    same = mask_of(pc.equal(reviews.column("digest"), whose.spread(names)))
    by_rules = by(reviews, BY_RULES)
    row = whose.where(by_rules).first_row(reviews.column("session_id"))
    ours = mask_of(pc.equal(reviews.column("processor_version"), version))
    stands = pa.array(by_rules & same & ours).take(row)
    payload = pc.if_else(stands, reviews.column("payload").take(row), _NONE)
    tries = pc.fill_null(captured(payload, _TRIES).cast(pa.int64()), 0)
    return Standing(
        whose.any(same & by(reviews, BY_MODEL)),
        tries.to_numpy(),
        string_member(payload, "reason"),
        row,
    )


def kept_rows(
    given: Given, looked: Given, names: pa.StringArray, states: tuple[Mask, Mask]
) -> pa.RecordBatch:
    """Give the earlier rows that stay as they are.

    ``states`` are masks of the sessions that are looked at: those that are reviewed, and those
    that wait for a review. A review of what the session was before stays until there is a new
    one; where nothing is to be done, all stays.
    """
    done, waiting = states
    reviews, whose = given.rows(REVIEWS.name), looked.groups(REVIEWS.name)
    same = mask_of(pc.equal(reviews.column("digest"), whose.spread(names)))
    model = by(reviews, BY_MODEL)
    is_done, waits = _of_rows(done, whose.of_row), _of_rows(waiting, whose.of_row)
    return reviews.filter(pa.array(np.where(is_done, model & same, np.where(waits, model, True))))


def by(reviews: pa.RecordBatch, maker: str) -> Mask:
    """Mask the rows that a maker made."""
    return mask_of(pc.equal(reviews.column("made_by"), maker))


def _of_rows(mask: Mask, place: Numbers) -> Mask:
    # Rows of no session that is looked at, -1, find the last place.
    of_rows: Mask = np.append(mask, False)[place]
    return of_rows
