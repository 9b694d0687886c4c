"""Make `reviews`: what a language model finds in sessions, and by rules what stands in for that.

This is the one processor that does I/O. So it is apart from `insights`, which is a function of
values and never waits for it: each processor has a thread of its own. Whatever comes of asking,
a session that is to be reviewed has a row. Which sessions were asked about in a run decides by
whom the row is made, and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.found import REVIEWS
from ...core.made import TURNS
from ...core.schema import TEXT
from ...core.sessions import Again, Cadence, Need, Sessions
from ...session.groups import Mask, Numbers
from .answers import Unusable, review_in
from .asking import asker
from .config import Config
from .digest import digests_of
from .given import NEEDS, Given, given_by
from .question import Answer, Ask, Question, Refusal, Trouble, name_of
from .rows import Reviewed, rows_by_model, rows_by_rules, whose_of
from .standing import kept_rows, standing_of
from .times import Times
from .waiting import Asked, later_of, queue_of, waiting_of

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_LOOK_AT = {
    Trouble.ENDPOINT: "See `endpoint`, `api`, `model` and `api_key`.",
    Trouble.QUESTION: "See `model`, `max_digest` and `request`.",
    Trouble.ANSWER: "See `model` and `max_tokens`.",
}


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Makes `reviews`; asks about sessions by ``ask``, whatever that is."""

    config: Config
    ask: Ask
    settings: Settings
    version: str
    scope: Literal["session"] = "session"
    needs: Sequence[Need] = NEEDS
    tables: Sequence[Table] = (REVIEWS,)

    @property
    def cadence(self) -> Cadence:
        """How often to run it."""
        return self.config.cadence

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the reviews of the sessions at hand, after asking for those that lack one."""
        given = given_by(sessions)
        times = Times.of(given, self.config, sessions.as_of_us)
        looked = given.only(times.ripe)
        digests = digests_of(looked, int(self.config.max_digest), prompts=self.config.prompts)
        names = pa.array([name_of(Question(str(d)), self.config.model) for d in digests], TEXT)
        standing = standing_of(looked, names, self.version)
        queue = queue_of(looked, standing)
        asked = self._asked(looked, digests, queue[: self.config.at_most])
        waiting = waiting_of(queue, standing, asked)
        whose = whose_of(looked, names, self.version, sessions.as_of_us)
        done = standing.done | _mask([each.place for each in asked.reviewed], len(names))
        kept = kept_rows(given, looked, names, (done, _mask(waiting.place, len(names))))
        made = [rows_by_model(whose, asked.reviewed), rows_by_rules(whose, waiting, standing)]
        yield Batch(REVIEWS, pa.concat_batches([kept, *made]))
        self._tell(asked)
        yield from times.quiet_later()
        yield from times.asked_later(later_of(queue, asked), self.config)

    def _asked(self, looked: Given, digests: pa.StringArray, places: Numbers) -> Asked:
        """Ask about sessions one after the other, until that is of no use."""
        reviewed, refused = list[Reviewed](), dict[int, Refusal]()
        for place in places.tolist():
            answer = self.ask(Question(str(digests[place])))
            read = self._read(looked, place, answer) if isinstance(answer, Answer) else answer
            if isinstance(read, Reviewed):
                reviewed.append(read)
            elif read.trouble is Trouble.ENDPOINT:
                return Asked(reviewed, refused, read, place)
            else:
                refused[place] = read
        return Asked(reviewed, refused)

    def _read(self, looked: Given, place: int, answer: Answer) -> Reviewed | Refusal:
        number = looked.rows(TURNS.name).column("number")
        own = number.filter(pa.array(looked.groups(TURNS.name).of_row == place))
        review = review_in(answer.text, own.to_numpy(zero_copy_only=False).tolist())
        if isinstance(review, Unusable):
            return Refusal(Trouble.ANSWER, review.reason)
        return Reviewed(place, review, answer, self.config.model)

    def _tell(self, asked: Asked) -> None:
        """Say once in a run what is in the way."""
        refusals = [*asked.refused.values(), *([asked.down] if asked.down else [])]
        if not refusals:
            return
        last = refusals[-1]
        count = "1 session" if len(refusals) == 1 else f"{len(refusals)} sessions"
        self.settings.logger.warning(
            "processor %s: no review of %s: %s%s. %s Asked again after %gs; what rules found "
            "stands.",
            self.settings.id,
            count,
            last.reason,
            f": {last.detail.rstrip('.')}" if last.detail else "",
            _LOOK_AT[last.trouble],
            self.config.retry_after.total_seconds(),
        )


def _mask(places: Sequence[int] | Numbers, count: int) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    mask[np.asarray(places, np.int64)] = True
    return mask


def _build(config: Config, settings: Settings) -> Reviewer:
    return Reviewer(config, asker(config), settings, config.version(_CODE))


factory = Factory(Kind.PROCESSOR, "reviewer", Config, _build)
