"""Make `insights`: what went wrong in a session, what it cost, and what would mend it.

Each rule is a function from what is given to its findings; the same events give the same
findings, to the last bit. Where a session is held against others, those are handed in as a
table: the sessions that were over before it began (`Of.EARLIER`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...core.batch import Batch, Table
from ...core.component import Factory, Settings
from ...core.component import Kind as Component
from ...core.found import INSIGHTS
from ...core.sessions import Again, Cadence, Need, Sessions
from ...evidence.models import leading_calls
from ...pricing.book import PriceBook
from ...pricing.chosen import chosen_prices
from ...session.cadence import version_of
from ...session.numbers import sound
from .config import Config, Kind
from .finding import together
from .given import NEEDS, Given, given_by
from .rules.caches import cache_expired, context_rebuilt
from .rules.capture import missing_signals
from .rules.costs import cost_outlier, unpriced_model
from .rules.denied import denied_tools
from .rules.density import error_density
from .rules.edits import errors_after_edits
from .rules.ends import abandoned_turn, stalled_turn, unanswered_prompt
from .rules.failing_calls import rate_limits, retries
from .rules.repeats import break_fix_loop, repeated_failure

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_Rule = Callable[[Given, Config], pa.RecordBatch]


def rules_with(book: PriceBook) -> Mapping[Kind, _Rule]:
    """Give all rules by their kind; what lost caches cost is priced by the book."""
    return {
        "error_density": error_density,
        "errors_after_edits": errors_after_edits,
        "break_fix_loop": break_fix_loop,
        "repeated_failure": repeated_failure,
        "retries": retries,
        "rate_limits": rate_limits,
        "stalled_turn": stalled_turn,
        "abandoned_turn": abandoned_turn,
        "unanswered_prompt": unanswered_prompt,
        "cost_outlier": cost_outlier,
        "cache_expired": partial(cache_expired, book=book),
        "context_rebuilt": partial(context_rebuilt, book=book),
        "denied_tools": denied_tools,
        "unpriced_model": unpriced_model,
        "missing_signals": missing_signals,
    }


class Insights:
    """Makes `insights`."""

    scope: Literal["session"] = "session"
    needs: Sequence[Need] = NEEDS
    tables: Sequence[Table] = (INSIGHTS,)

    def __init__(self, config: Config, book: PriceBook, version: str) -> None:
        """Take the thresholds and the prices."""
        self._config = config
        self._rules = {
            kind: rule for kind, rule in rules_with(book).items() if kind not in config.off
        }
        self._version = version

    @property
    def version(self) -> str:
        """What its rows depend on besides the events."""
        return self._version

    @property
    def cadence(self) -> Cadence:
        """How often to run it."""
        return self._config.cadence

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the insights into the sessions at hand."""
        given = given_by(sound(sessions), self._config.loop_failures)
        found = together([rule(given, self._config) for rule in self._rules.values()])
        if found.num_rows:
            yield Batch(INSIGHTS, _rows(given, found, self._version))


def _rows(given: Given, found: pa.RecordBatch, version: str) -> pa.RecordBatch:
    """Tag findings with the agent, its provider and model, and our version."""
    place = pc.index_in(found.column("session_id"), value_set=given.ids)
    call = leading_calls(given.main, given.calls).take(place)
    columns = {
        **{name: found.column(name) for name in found.schema.names},
        "agent": given.agents.take(place),
        "provider": given.calls.column("provider").take(call),
        "model": given.calls.column("model").take(call),
        "processor_version": pa.repeat(pa.scalar(version), found.num_rows),
    }
    arrays = [columns[field.name].cast(field.type) for field in INSIGHTS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=INSIGHTS.schema)


def _build(config: Config, settings: Settings) -> Insights:
    book, text = chosen_prices(config.prices, settings.id)
    more = () if config.prices is None else (text,)
    return Insights(config, book, version_of(_CODE, config, *more))


factory = Factory(Component.PROCESSOR, "insights", Config, _build)
