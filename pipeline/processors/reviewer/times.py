"""Tell which sessions are ripe for a review, and when to look at the others again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import TIME
from ...core.sessions import Again
from ...session.groups import Mask, Numbers
from .config import Config
from .given import Given

_MICROSECOND = timedelta(microseconds=1)
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """When sessions are ripe; a value for each session at hand."""

    ids: pa.StringArray
    ripe: Mask
    """Quiet, not too old, and worth a review."""
    ripe_us: Numbers
    """When they are quiet."""
    worth: Mask
    old_us: Numbers
    """When they are too old."""
    now_us: int

    @classmethod
    def of(cls, given: Given, config: Config, now_us: int) -> "Times":
        """Look at how long nothing was heard of sessions; what is not told is not ripe."""
        heard = given.own("last_seen_at").cast(pa.int64())
        enough = pc.greater_equal(given.own("api_calls"), config.min_api_calls)
        worth = np.asarray(pc.and_(heard.is_valid(), pc.fill_null(enough, fill_value=False)))
        heard_us: Numbers = pc.fill_null(heard, 0).to_numpy()
        ripe_us = heard_us + config.quiet_for // _MICROSECOND
        old_us = heard_us + config.max_age // _MICROSECOND
        ripe = worth & (ripe_us <= now_us) & (now_us <= old_us)
        return cls(given.ids, ripe, ripe_us, worth, old_us, now_us)

    def quiet_later(self) -> Iterator[Again]:
        """Ask for another look at those that are worth it when they are quiet."""
        noisy = pa.array(self.worth & (self.ripe_us > self.now_us))
        yield from _again(self.ids.filter(noisy), pa.array(self.ripe_us).filter(noisy))

    def asked_later(self, later: "Later", config: Config) -> Iterator[Again]:
        """Ask for another look at those that wait for a review, each when it is its turn.

        So a queue of thousands is not read again for every four that are taken from it.
        """
        retry_us = config.retry_after // _MICROSECOND
        every_us = max(config.every // _MICROSECOND, _SECOND_US)
        first_us = retry_us if later.down else every_us
        turn = np.arange(len(later.queue)) // config.at_most
        at_us = self.now_us + np.concatenate(
            [first_us + turn * every_us, np.full(len(later.failed), retry_us)]
        )
        places = np.flatnonzero(self.ripe)[np.concatenate([later.queue, later.failed])]
        in_time = at_us <= self.old_us[places]
        yield from _again(self.ids.take(pa.array(places[in_time])), pa.array(at_us[in_time]))


@dataclass(frozen=True, slots=True)
class Later:
    """Sessions to ask about later, by their places among the ripe, in the order of their turns."""

    queue: Numbers
    failed: Numbers
    """Those that were asked about, where others can still be."""
    down: bool
    """Nobody is answered at the moment."""


def _again(ids: pa.StringArray, at_us: pa.Int64Array) -> Iterator[Again]:
    if len(ids):
        yield Again(ids, at_us.cast(TIME))
