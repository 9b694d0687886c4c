"""Tell which sessions lack a review, and what is to be said of those that get none."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import TEXT
from ...session.groups import Numbers
from .given import Given
from .question import Refusal, Trouble
from .rows import Reviewed, Waiting
from .standing import Standing
from .times import Later

_MOST_TRIES = 3
"""So many unusable answers about one digest are paid for, and no more."""

_ITS_TURN = "it waits for its turn"


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking about sessions, by their places."""

    reviewed: Sequence[Reviewed] = ()
    refused: dict[int, Refusal] = field(default_factory=dict)
    """Where the digest was refused, or the answer is of no use."""
    down: Refusal | None = None
    """What is in the way of asking at all; nobody was asked about after that."""
    down_at: int | None = None
    """The session that was asked about then."""


def queue_of(looked: Given, standing: Standing) -> Numbers:
    """Give the sessions that lack a review, by their places: those first that were heard last."""
    lacking = np.flatnonzero(~standing.done & (standing.tries < _MOST_TRIES))
    heard_us = looked.own("last_seen_at").cast(pa.int64()).to_numpy()
    queue: Numbers = lacking[np.lexsort((lacking, -heard_us[lacking]))]
    return queue


def waiting_of(queue: Numbers, standing: Standing, asked: Asked) -> Waiting:
    """Say why sessions of the queue are not reviewed.

    What keeps one from being asked about keeps all: where nobody is answered, the same is said
    of those that were asked about and of the others. So it does not depend on who was.
    """
    places = np.sort(queue[~np.isin(queue, [each.place for each in asked.reviewed])])
    refusals = [asked.refused.get(place) for place in places.tolist()]
    own = pa.array([each and each.reason for each in refusals], TEXT)
    general = pa.scalar(asked.down and asked.down.reason, TEXT)
    before = standing.reason.take(pa.array(places))
    unusable = [each is not None and each.trouble is Trouble.ANSWER for each in refusals]
    return Waiting(
        places,
        pc.coalesce(own, general, before, pa.scalar(_ITS_TURN)),
        pa.array(standing.tries[places] + np.array(unusable, np.int64), pa.int64()),
    )


def later_of(queue: Numbers, asked: Asked) -> Later:
    """Tell in which order to ask later about the sessions that were not reviewed."""
    reviewed = [each.place for each in asked.reviewed]
    failed = np.array(sorted(asked.refused), np.int64)
    left = queue[~np.isin(queue, [*reviewed, *failed])]
    if asked.down is None:
        return Later(left, failed, down=False)
    # It may be in the way itself, with a digest that takes too long: then it holds up nobody.
    last = left == asked.down_at
    return Later(np.concatenate([left[~last], failed, left[last]]), failed[:0], down=True)
