"""Make the ledger: one row for each call of a model, whatever signals told of it.

Request ids join what logs, spans and transcripts tell of a call; Codex has none and has rules
of its own. Metrics count only for sessions of whose usage nothing else tells: they are sums
of the same calls. Source: reference of Claude Code, sections 9 and 10.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.made import API_CALLS
from ...core.schema import EVENTS
from ...core.sessions import Again, Cadence, Need, Of, Sessions
from ...pricing.book import PriceBook
from ...pricing.calls import price_calls
from ...pricing.chosen import chosen_prices
from ...session.cadence import SessionConfig, version_of
from ...session.numbers import sound
from ...session.turning import TURN_COLUMNS, TURN_TYPES, turns_of
from . import metrics, requests, spawned, untold
from .codex import (
    CODEX_BESIDE,
    CODEX_BESIDE_TYPES,
    CODEX_COLUMNS,
    CODEX_TRACED,
    CODEX_TRACED_TYPES,
    CODEX_TYPES,
    codex_calls,
)
from .codex_logs import LOG_COLUMNS
from .codex_points import POINT_COLUMNS
from .codex_spans import SPAN_COLUMNS
from .codex_transcripts import TRANSCRIPT, transcript_calls
from .parting import CLAUDE_CODE, CODEX, is_codex, of_codex

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_POINTS, _TOOLS = "points", "tools"
_POINT_COLUMNS = tuple(dict.fromkeys((*metrics.COLUMNS, *POINT_COLUMNS)))
_ONLY_OF_POINTS = set(POINT_COLUMNS) - {*LOG_COLUMNS, *SPAN_COLUMNS, *TURN_COLUMNS}
_COLUMNS = tuple(
    dict.fromkeys(
        (
            *TURN_COLUMNS,
            *requests.COLUMNS,
            "user_id",
            *(name for name in CODEX_COLUMNS if name not in _ONLY_OF_POINTS),
        )
    )
)
_TYPES = tuple(
    each
    for each in dict.fromkeys((*TURN_TYPES, *requests.TYPES, requests.REFUSAL, *CODEX_TYPES))
    if each != metrics.TYPE
)
_BESIDE_COLUMNS = tuple(dict.fromkeys((*untold.BESIDE_COLUMNS, *CODEX_BESIDE)))
_BESIDE_TYPES = tuple(dict.fromkeys((*requests.TYPES, *CODEX_BESIDE_TYPES)))


class Config(SessionConfig):
    """Join what all signals tell of each API call into one row, with its cost."""

    prices: Path | None = None
    """A TOML file of your own prices, in US dollars per million tokens; they win over the
    built-in ones."""


class Ledger:
    """Makes `api_calls`."""

    scope: Literal["session"] = "session"
    needs: Sequence[Need] = (
        Need(EVENTS, _COLUMNS, _TYPES),
        Need(EVENTS, _POINT_COLUMNS, (metrics.TYPE,), label=_POINTS),
        Need(EVENTS, spawned.COLUMNS, spawned.TYPES, label=_TOOLS, agents=(CLAUDE_CODE,)),
        Need(EVENTS, _BESIDE_COLUMNS, _BESIDE_TYPES, Of.BESIDE),
        Need(EVENTS, CODEX_TRACED, CODEX_TRACED_TYPES, Of.TRACED, agents=(CODEX,)),
    )
    tables: Sequence[Table] = (API_CALLS,)

    def __init__(self, book: PriceBook, version: str, cadence: Cadence) -> None:
        """Take the prices to use, and when to run."""
        self.book = book
        self._version = version
        self._cadence = cadence

    @property
    def version(self) -> str:
        """What its rows depend on besides the events."""
        return self._version

    @property
    def cadence(self) -> Cadence:
        """How often to run it."""
        return self._cadence

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the calls of the sessions at hand, with their cost."""
        sessions = sound(sessions)
        events, points = sessions.events, sessions.rows[_POINTS]
        beside, traced = (sessions.rows[each.value] for each in (Of.BESIDE, Of.TRACED))
        others = events.filter(pc.invert(is_codex(events)))
        calls = _calls(others, sessions.rows[_TOOLS])
        uncounted = untold.untold(metrics.points_of(points), others, beside)
        script = pc.fill_null(pc.equal(events.column("source"), TRANSCRIPT), fill_value=False)
        codex = of_codex(events.filter(pc.invert(script)), points)
        of_logs = codex_calls(codex, traced, beside, turns_of(codex))
        scripts = of_codex(events.filter(script), points.slice(0, 0))
        told = [
            calls,
            metrics.metric_calls(uncounted),
            of_logs,
            transcript_calls(scripts, traced, beside, of_logs),
        ]
        yield Batch(API_CALLS, _priced(_in_order(pa.concat_tables(told)), self.book))


def _calls(events: pa.RecordBatch, tools: pa.RecordBatch) -> pa.Table:
    """Give the calls of agents that name their requests."""
    types = pa.array([*requests.TYPES, requests.REFUSAL])
    tells = pc.is_in(events.column("event_type"), value_set=types)
    turn_id = turns_of(events).turn_id
    rows = events.filter(tells)
    kind = spawned.kinds_of(rows, tools)
    rows = rows.set_column(rows.schema.get_field_index("subagent"), "subagent", kind)
    return requests.calls_of(rows, turn_id.filter(tells))


def _in_order(calls: pa.Table) -> pa.Table:
    keys = [(name, "ascending") for name in ("session_id", "time", "api_call_id")]
    return calls.take(pc.sort_indices(calls, sort_keys=keys))


def _priced(calls: pa.Table, book: PriceBook) -> pa.RecordBatch:
    priced = price_calls(calls, book).select(API_CALLS.schema.names)
    columns = [column.combine_chunks() for column in priced.cast(API_CALLS.schema).columns]
    return pa.RecordBatch.from_arrays(columns, schema=API_CALLS.schema)


def _build(config: Config, settings: Settings) -> Ledger:
    book, text = chosen_prices(config.prices, settings.id)
    more = () if config.prices is None else (text,)
    return Ledger(book, version_of(_CODE, config, *more), config.cadence)


factory = Factory(Kind.PROCESSOR, "ledger", Config, _build)
